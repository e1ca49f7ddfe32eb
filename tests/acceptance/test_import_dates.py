"""What an import brings is as old as its source says, and the profile keeps what it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel
from tests.support.command_line import run
from tests.support.postgres import fresh

from usermemory import Remember, UserMemory
from usermemory.extras.importing.profiles import FORGOTTEN, GONE
from usermemory.importing import Found, Imported, LeftOut, import_profiles
from usermemory.langgraph import import_langmem

OLD = datetime(2023, 3, 1, 12, tzinfo=UTC).timestamp()
NEW = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/memory.db"
    else:
        with fresh() as url:
            yield url


def memory_at(url: str, schema: Any = None, **settings: Any) -> UserMemory:
    settings = {"model": "offline", "worker": False, **settings}
    return UserMemory(url, schema, **settings) if schema else UserMemory(url, **settings)


def brought(memory: UserMemory, *parts: dict[str, Any], **given: Any) -> Imported:
    return import_profiles(memory, [Found("will", parts, **given)], by="import: test")


def test_an_import_is_as_old_as_its_source(url: str) -> None:
    """Each value keeps its date in the history; the field counts as learned at the newest."""
    with memory_at(url) as memory:
        brought(
            memory,
            {"name": "Will"},
            notes=["Has a dog", "Likes fog"],
            part_dates=[OLD],
            note_dates=[NEW, OLD],
        )
        stamps = memory.recall("will").stamps
        assert stamps["name"]["learned"] == OLD
        assert stamps["core_memories"]["learned"] == NEW
        changes = memory.history("will")[0].changes
        assert {change.after: change.at for change in changes} == {
            "Will": OLD,
            "Likes fog": OLD,
            "Has a dog": NEW,
        }
        document = memory.export("will", for_user=True)
        told = {one["after"]: one["at"] for one in document["history"][0]["changes"]}
        assert told["Has a dog"] == "2024-03-01T12:00:00+00:00"


def test_later_words_change_it_and_older_ones_do_not(url: str) -> None:
    """Words from before the source's date are outdated; later ones count, read whenever."""
    with memory_at(url) as memory:
        brought(memory, {"name": "Will"}, part_dates=[NEW])
        for thread, name, at in (("old", "Bo", NEW - DAY), ("new", "William", NEW + DAY)):
            message = {"role": "user", "content": f"My name is {name}.", "created_at": at}
            memory.backfill("will", thread, [message])
            memory.trigger("will")
            assert memory.recall("will").document["name"] == ("Will" if name == "Bo" else name)


def test_without_a_date_it_is_set_by_hand_now(url: str) -> None:
    """Of what bears no date, or one that is yet to come, nobody knows that it is older than now."""
    with memory_at(url) as memory:
        now = memory.clock.now()
        brought(
            memory,
            {"name": "Will"},
            {"interests": ["tea"]},
            part_dates=[None, now + 1_000 * DAY],
        )
        stamps = memory.recall("will").stamps
        assert set(stamps["name"]) == {"edited"}
        assert now - DAY < stamps["name"]["edited"] < now + DAY
        assert stamps["interests"]["learned"] < now + DAY


def test_dates_of_langmem(url: str) -> None:
    """An item of LangMem's was learned when it was updated last."""
    store = InMemoryStore()
    store.put(("memories", "will"), "a", {"content": "Has a dog"})
    store.put(("memories", "will"), "b", {"kind": "User", "content": {"name": "Will"}})
    at = {item.key: item.updated_at.timestamp() for item in store.search(("memories", "will"))}
    with memory_at(url) as memory:
        import_langmem(memory, store)
        stamps = memory.recall("will").stamps
    assert stamps["core_memories"]["learned"] == at["a"]
    assert stamps["name"]["learned"] == at["b"]


def test_the_date_is_shown(tmp_path: Path) -> None:
    """The command line shows when the source had a value, in the profile and in the history."""
    db = tmp_path / "memory.db"
    with memory_at(f"sqlite:///{db}") as memory:
        brought(memory, {"name": "Will"}, part_dates=[OLD])
    for command in ("show", "history"):
        done = run("profile", command, "will", "--db", str(db), TZ="UTC")
        assert "2023-03-01 12:00" in done.stdout, done.stderr


class Home(BaseModel):
    city: str | None = None
    rooms: list[str] = []


class Pet(BaseModel):
    name: str


class Words(BaseModel):
    tags: list[str] = []


class Numbers(BaseModel):
    tags: list[int] = []


class Renamed(BaseModel):
    labels: Annotated[list[str], Remember(was="tags")] = []


def test_misfits_stay(url: str) -> None:
    """An import into a list leaves alone what stands there and does not fit today's schema."""
    with memory_at(url, Words) as memory:
        memory.edit("will", {"tags": ["1", "two"]}, by="app")
    with memory_at(url, Numbers) as memory:
        assert brought(memory, {"tags": [3]}).changed == 1
        assert [one.value for one in memory.misfits("will")] == ["two"]
    with memory_at(url, Words) as memory:
        assert "two" in memory.recall("will").document["tags"]


def test_under_its_old_name(url: str) -> None:
    """A source may call a field as it was called; what was forgotten or gone then stays away."""
    with memory_at(url, Words) as memory:
        brought(memory, {"tags": ["tea", "fog", "chess"]})
        memory.forget("will", "tags", "tea")
        memory.edit("will", {"tags": ["chess"]}, by="will")
    with memory_at(url, Renamed) as memory:
        done = brought(memory, {"tags": ["tea", "fog", "art"]})
        assert memory.recall("will").document["labels"] == ["chess", "art"]
        assert done.left_out["will"] == [
            LeftOut("labels", "tea", FORGOTTEN),
            LeftOut("labels", "fog", GONE),
        ]


def test_a_profile_has_a_size(url: str) -> None:
    """What a profile has no room for is left out with the reason, and what fits beside it comes."""
    with memory_at(url, max_profile=1_000) as memory:
        done = brought(memory, {"name": "Will"}, notes=["x" * 700, "y" * 700, "Has a dog"])
        known = memory.recall("will").document
        assert (known["name"], known["core_memories"]) == ("Will", ["x" * 700, "Has a dog"])
        reason = "the profile is full: 1000 characters at most (max_profile)"
        assert done.left_out["will"] == [LeftOut("core_memories", "y" * 700, reason)]
        again = {"core_memories": ["z" * 700]}
        found = [Found("will", [again])]
        assert import_profiles(memory, found, by="import: test", replace=True).left_out == {}


class Everything(BaseModel):
    name: str | None = None
    home: Home = Home()
    phones: dict[str, str] = {}
    pets: list[Pet] = []
    notes: list[str] = []


@pytest.mark.parametrize("most", range(290, 330))
def test_a_full_profile_is_full(tmp_path: Path, most: int) -> None:
    """Made again, an import finds no room that it did not find before, to the last character."""
    part = {
        "name": "Will",
        "home": {"city": "Bergen", "rooms": ["hall", "loft"]},
        "phones": {f"number {at}": "1" for at in range(9)},
        "pets": [{"name": f"Rex {at}"} for at in range(9)],
        "notes": [f"Fact {at}" for at in range(9)],
    }
    with memory_at(f"sqlite:///{tmp_path}/memory.db", Everything, max_profile=most) as memory:
        assert brought(memory, part).changed == 1
        held = memory.recall("will").document
        assert len(json.dumps(held, separators=(",", ":"))) <= most
        assert brought(memory, part).changed == 0
