"""Erasing one item leaves the others their history and their words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.errors import InvalidInput
from usermemory.testing import FakeClock


class Friend(BaseModel):
    name: str


class Goal(BaseModel):
    title: str
    deadline: str | None = None
    tags: list[str] = []
    friend: Friend | None = None


class Person(BaseModel):
    goals: list[Goal] = []
    week: dict[str, str] = {}
    sports: list[str] = []


class Scripted:
    """Learns what it is told to."""

    changes: tuple[Change, ...] = ()

    def extract(self, request: Request) -> Extraction:
        assert request.batch
        return Extraction(self.changes)


def learned(path: Path, *changes: Change) -> UserMemory:
    scripted = Scripted()
    memory = UserMemory(
        path / "m.db", Person, scripted, worker=False, verify="off", clock=FakeClock()
    )
    for number, change in enumerate(changes):
        scripted.changes = (change,)
        memory.remember("will", f"t{number}", [change.quote])
        memory.trigger("will")
    return memory


def quotes(memory: UserMemory) -> set[str]:
    every = (one for revision in memory.history("will") for one in revision.changes)
    return {evidence.quote for one in every for evidence in one.evidence if evidence.quote}


MARATHON = Change(
    "goals", "add", {"title": "marathon", "deadline": "June"}, "My goal is a marathon by June."
)
BOOK = Change("goals", "add", {"title": "book", "deadline": "June"}, "My goal is a book by June.")


@pytest.mark.parametrize(
    "value", ["marathon", {"title": "marathon"}, {"title": "marathon", "deadline": "June"}]
)
def test_what_items_share_is_no_reason(tmp_path: Path, value: Any) -> None:
    """An item named by its title, in part or whole goes; another with the same date keeps all."""
    with learned(tmp_path, MARATHON, BOOK) as memory:
        memory.forget("will", "goals", value)
        assert [one["title"] for one in memory.recall("will").document["goals"]] == ["book"]
        assert quotes(memory) == {BOOK.quote}


def test_a_key_of_a_map(tmp_path: Path) -> None:
    """Monday's run goes, Friday's keeps its words."""
    monday = Change("week", "set", "run", "On Monday I run.", key="Monday")
    friday = Change("week", "set", "run", "On Friday I run.", key="Friday")
    with learned(tmp_path, monday, friday) as memory:
        memory.forget("will", "week", "monday")
        assert quotes(memory) == {friday.quote}


@pytest.mark.parametrize(
    ("item", "asked"),
    [
        ("Straßenfußball", "STRASSENFUSSBALL"),
        ("judo", "ju\u200bdo"),
        ("⛷️", "⛷"),
        ("C", "C"),
        ("Yahoo!", "Yahoo"),
    ],
)
def test_however_it_is_written(tmp_path: Path, item: str, asked: str) -> None:
    """The item goes with its words, and another that begins like it stays with its own."""
    own = Change("sports", "add", item, f"I like {item}.")
    other = Change("sports", "add", "C++", "I like C++.")
    with learned(tmp_path, own, other) as memory:
        memory.forget("will", "sports", asked)
        assert memory.recall("will").document["sports"] == ["C++"]
        assert quotes(memory) == {other.quote}


@pytest.mark.parametrize("value", [["judo", "chess"], {"title": "judo"}])
def test_a_thing_that_is_no_item(tmp_path: Path, value: Any) -> None:
    """A list of items, or an object that is none, is an error, and nothing is lost."""
    own = Change("sports", "add", "judo", "I like judo.")
    with learned(tmp_path, own) as memory:
        with pytest.raises(InvalidInput, match="is no item of sports"):
            memory.forget("will", "sports", value)
        assert quotes(memory) == {own.quote}


@pytest.mark.parametrize("value", [{"deadline": "June"}, {}, ["marathon", "book"]])
def test_one_of_several_is_not_guessed(tmp_path: Path, value: Any) -> None:
    """Parts that two items have are an error that lists both, and nothing is lost."""
    with learned(tmp_path, MARATHON, BOOK) as memory:
        with pytest.raises(InvalidInput, match="book.*marathon|marathon.*book"):
            memory.forget("will", "goals", value)
        assert quotes(memory) == {MARATHON.quote, BOOK.quote}


@pytest.mark.parametrize(("item", "asked"), [("C++", "C"), ("C#", "C"), ("A*", "A")])
def test_a_mark_makes_another_item(tmp_path: Path, item: str, asked: str) -> None:
    """What only resembles an item is none: the error names it, and it keeps its words."""
    own = Change("sports", "add", item, f"I like {item}.")
    with learned(tmp_path, own) as memory:
        with pytest.raises(InvalidInput, match="is no item of sports"):
            memory.forget("will", "sports", asked)
        assert memory.recall("will").document["sports"] == [item]
        assert quotes(memory) == {own.quote}


@pytest.mark.parametrize("value", [["run", "long"], {"name": "Ann"}])
def test_what_stands_inside_of_an_item(tmp_path: Path, value: Any) -> None:
    """A list or an object inside of an item is erased there, and the item stays."""
    held = {"title": "marathon", "tags": ["run", "long"], "friend": {"name": "Ann"}}
    own = Change("goals", "add", held, "A long run with Ann, a friend: the marathon.")
    with learned(tmp_path, own) as memory:
        memory.forget("will", "goals", value)
        (goal,) = memory.recall("will").document["goals"]
        assert goal["title"] == "marathon"
        assert value not in goal.values()


def test_an_object_that_the_schema_does_not_take(tmp_path: Path) -> None:
    """A misfit is erased by its value as it is shown."""
    with learned(tmp_path, MARATHON) as memory:
        pass

    class Strict(BaseModel):
        goals: list[str] = []

    settings: Any = {"worker": False, "clock": FakeClock()}
    with UserMemory(tmp_path / "m.db", Strict, "offline", **settings) as memory:
        (misfit,) = memory.misfits("will")
        memory.forget("will", "goals", misfit.value)
        assert memory.misfits("will") == []
        assert quotes(memory) == set()
