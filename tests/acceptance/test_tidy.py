"""A tidy pass proposes what to merge, shorten and end, and changes nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.support.postgres import fresh

from usermemory import Change, UserMemory
from usermemory.errors import ConfigurationError, Conflict, ExtractionError
from usermemory.extract import Extraction, Request
from usermemory.testing import FakeClock, ScriptedModel


class Goal(BaseModel):
    name: str
    deadline: str | None = None
    tags: list[str] = []


class Person(BaseModel):
    city: str | None = None
    about: str | None = None
    sports: list[str] = []
    goals: list[Goal] = []
    week: dict[str, str] = {}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'memory.db'}"
        return
    with fresh() as url:
        yield url


ITEMS: tuple[Change, ...] = (
    Change("city", "set", "Oslo", "I moved to Oslo"),
    Change("sports", "add", "bouldering", "I love bouldering"),
    Change("sports", "add", "bouldering with Ann", "I go bouldering with Ann"),
    Change("sports", "add", "training for the marathon in May 2025", "marathon in May 2025"),
    Change("sports", "add", "the gym in Bergen", "I go to the gym in Bergen"),
    Change("goals", "add", {"name": "marathon", "deadline": "May"}, "a marathon in May"),
    Change("goals", "add", {"name": "the marathon", "tags": ["run"]}, "run a marathon"),
    Change("week", "set", "yoga", "On Monday it's yoga", key="monday"),
)
"""As they are numbered for the model, from 1."""


class Scripted:
    """Learns what it is given."""

    def __init__(self, *changes: Change) -> None:
        self._changes = changes

    def extract(self, request: Request) -> Extraction:
        assert request.batch
        return Extraction(self._changes)


def one(kind: str, *items: int, value: str | None = None, because: tuple[int, ...] = ()) -> Any:
    """A proposal as the model writes it."""
    told = {"kind": kind, "items": list(items), "because": list(because)}
    return {**told, "value": value, "why": "they say the same"}


def known(url: str, *answers: Any, **settings: Any) -> UserMemory:
    """A memory that knows the items, and whose model answers a tidy pass with these."""
    clock = FakeClock()
    common: dict[str, Any] = {"worker": False, "clock": clock, "verify": "off"}
    with UserMemory(url, Person, Scripted(*ITEMS), **common) as first:
        first.remember("will", "t", [("user", item.quote) for item in ITEMS])
        (outcome,) = first.trigger("will")
        assert outcome.revision is not None, outcome
        assert len(outcome.revision.changes) == len(ITEMS)
    model = ScriptedModel(replies=[{"proposals": list(answers)}])
    return UserMemory(url, Person, model, **common, **settings)


def test_it_changes_nothing_by_itself(url: str) -> None:
    """The profile stays; each proposal names its items and all the words behind them."""
    with known(
        url,
        one("merge", 2, 3, value="bouldering with Ann"),
        one("end", 4),
        one("conflict", 5, because=(1,)),
    ) as memory:
        before = memory.recall("will").document
        merge, end, conflict = memory.tidy("will")
        assert memory.recall("will").document == before
        assert memory.proposals("will") == [merge, end, conflict]
        quotes = [
            {e.quote for c in each.changes for e in c.evidence} for each in memory.proposals()
        ]
        assert quotes == [
            {"I love bouldering", "I go bouldering with Ann"},
            {"marathon in May 2025"},
            {"I moved to Oslo", "I go to the gym in Bergen"},
        ]
        for each in (merge, end, conflict):
            assert memory.approve(each.id).revision is not None
        assert memory.recall("will").document["sports"] == ["bouldering with Ann"]
        assert len(memory.why("will", "sports", "bouldering with Ann")) == 2
        for _ in range(3):
            memory.undo("will")
        assert sorted(memory.recall("will").document["sports"]) == sorted(before["sports"])


def test_objects_are_merged_by_their_parts(url: str) -> None:
    """All that two items hold stands in the one that is left."""
    with known(url, one("merge", 6, 7)) as memory:
        (merge,) = memory.tidy("will")
        memory.approve(merge.id)
        (goal,) = memory.recall("will").document["goals"]
        assert (goal["deadline"], goal["tags"]) == ("May", ["run"])


def test_an_entry_of_a_map_ends(url: str) -> None:
    """It is proposed by its key, and goes when it is approved."""
    with known(url, one("end", 8)) as memory:
        (end,) = memory.tidy("will")
        memory.approve(end.id)
        assert memory.recall("will").document["week"] == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (one("merge", 2, 3, value="bouldering with Bob"), "not_said"),
        (one("merge", 4, 5, value="training for the marathon"), "contradicted"),
        (one("merge", 2, value="bouldering"), "unfit_action"),
        (one("merge", 2, 8, value="bouldering"), "unfit_action"),
        (one("merge", 2, 3, value=None), "no_value"),
        (one("shorten", 2, value="bouldering, bouldering"), "too_long"),
        (one("end", 99), "item_not_there"),
        (one("end"), "item_not_there"),
        (one("conflict", 5), "unfit_action"),
        (one("delete", 5), "unfit_action"),
        ("everything", "unfit_action"),
    ],
    ids=str,
)
def test_what_is_no_proposal(url: str, answer: Any, reason: str) -> None:
    """What invents, loses or points nowhere is refused with its reason, and nothing waits."""
    with known(url, answer) as memory:
        found = memory.tidy("will")
        assert list(found) == memory.proposals() == []
        assert [refused.reason for refused in found.refused] == [reason]


@pytest.mark.parametrize(
    ("items", "merged"),
    [
        (("登山", "每周爬山"), "每周爬山、登山"),
        (("وقراءة الروايات", "القراءة قبل النوم"), "القراءة قبل النوم والروايات"),
        (("วิ่ง", "วิ่งทุกเช้า"), "วิ่งทุกเช้า"),
    ],
)
def test_merged_in_any_script(tmp_path: Path, items: tuple[str, ...], merged: str) -> None:
    """Words joined in a script without spaces, or with a particle, are no new ones."""
    clock = FakeClock()
    model = ScriptedModel(replies=[{"proposals": [one("merge", 1, 2, value=merged)]}])
    with UserMemory(tmp_path / "m.db", Person, model, worker=False, clock=clock) as memory:
        memory.edit("will", {"sports": [*items]}, by="will")
        (merge,) = memory.tidy("will")
        memory.approve(merge.id)
        assert memory.recall("will").document["sports"] == [merged]


def test_an_answer_that_removes_everything(url: str) -> None:
    """It fails visibly, and nothing waits."""
    with known(url, *(one("end", number) for number in range(1, 9))) as memory:
        with pytest.raises(ExtractionError, match="take away too much"):
            memory.tidy("will")
        assert memory.proposals() == []


def test_merges_that_lose_no_word(tmp_path: Path) -> None:
    """With ``tidy="apply"`` they are made at once; a shortening waits for a person."""
    answers = [one("merge", 1, 2, value="table tennis"), one("shorten", 3, value="golf")]
    model = ScriptedModel(replies=[{"proposals": answers}])
    with UserMemory(tmp_path / "m.db", Person, model, worker=False, tidy="apply") as memory:
        sports = ["Table-tennis", "table tennis", "golf again"]
        memory.edit("will", {"sports": sports}, by="will")
        found = memory.tidy("will")
        assert [each.kind for each in found] == ["shorten"]
        (made,) = found.made
        assert made.by == "tidy"
        assert sorted(memory.recall("will").document["sports"]) == ["golf again", "table tennis"]


@pytest.mark.parametrize(
    ("items", "merged", "review"),
    [
        (("likes tea", "hates coffee"), "hates tea, likes coffee", None),
        (("was vegan", "is not married"), "is not vegan, was married", None),
        (("tea", "golf"), "tea, golf", None),
        (("tea", "green tea"), "green tea", "all"),
        (("tea", "green tea"), "green tea", None),
        (("blood group A-", "blood group A+"), "blood group A+", None),
        (("knows C++", "knows C#"), "knows C#", None),
        (("loves 🍕", "loves 🍣"), "loves 🍣", None),
        (("five years", "fĭve years"), "five years", None),
        (("allergic to nuts", "not allergic to nuts"), "not allergic to nuts", None),
        (("isst Fleisch", "isst Fleisch nicht"), "isst Fleisch nicht", None),
    ],
)
def test_what_is_not_made_at_once(
    tmp_path: Path, items: tuple[str, ...], merged: str, review: Any
) -> None:
    """Words in another order may say the opposite, and what is to be reviewed waits."""
    model = ScriptedModel(replies=[{"proposals": [one("merge", 1, 2, value=merged)]}])
    with UserMemory(
        tmp_path / "m.db", Person, model, worker=False, tidy="apply", review=review
    ) as memory:
        memory.edit("will", {"sports": [*items]}, by="will")
        assert len(memory.tidy("will")) == 1
        assert memory.recall("will").document["sports"] == [*items]


def test_a_profile_that_has_moved(url: str) -> None:
    """What is not there any more is not merged: all of a proposal is made, or nothing."""
    with known(url, one("merge", 2, 3, value="bouldering with Ann")) as memory:
        (merge,) = memory.tidy("will")
        shown = memory.recall("will").document
        memory.edit("will", {**shown, "sports": ["bouldering"]}, by="will")
        made = memory.approve(merge.id)
        assert made.revision is None
        assert [refused.reason for refused in made.rejections] == ["item_not_there"]
        assert memory.recall("will").document["sports"] == ["bouldering"]


@pytest.mark.parametrize(
    ("number", "kind", "value", "later"),
    [
        (1, "end", None, Change("city", "set", "Bergen", "Bergen now")),
        (4, "end", None, Change("sports", "add", ITEMS[3].value, "It is still on")),
        (4, "shorten", "marathon in May 2025", Change("sports", "remove", ITEMS[3].value, "No")),
        (8, "end", None, Change("week", "set", "swimming", "It is swimming", key="monday")),
        (
            6,
            "end",
            None,
            Change("goals", "update", {"name": "marathon", "deadline": "June"}, "Yes"),
        ),
    ],
)
def test_what_the_user_says_since(
    url: str, number: int, kind: str, value: str | None, later: Change
) -> None:
    """It is not taken away, or put back, by what a pass proposed before."""
    with known(url, one(kind, number, value=value)) as memory:
        (proposal,) = memory.tidy("will")
        clock = FakeClock(memory.clock.now() + 60)
        reader = UserMemory(url, Person, Scripted(later), worker=False, clock=clock, verify="off")
        with reader:
            reader.remember("will", "later", [("user", later.quote)])
            reader.trigger("will")
        after = memory.recall("will").document
        made = memory.approve(proposal.id)
        assert made.revision is None
        assert made.rejections[0].reason in {"outdated", "item_not_there"}
        assert memory.recall("will").document == after


def test_erased_meanwhile(url: str) -> None:
    """What rests on erased words is gone before anybody can approve it."""
    with known(url, one("merge", 2, 3, value="bouldering with Ann")) as memory:
        (merge,) = memory.tidy("will")
        memory.forget("will", "sports", "bouldering with Ann")
        with pytest.raises(Conflict):
            memory.approve(merge.id)
        assert memory.verify_erased("will", "with Ann").erased


def test_what_it_costs(url: str) -> None:
    """A pass is one call, counted as readings are, and a user is not due again at once."""
    with known(url, one("end", 4)) as memory:
        memory.tidy("will")
        assert sum(cost.usage.calls for cost in memory.costs("will")) == 1
        assert memory.due_to_tidy() == []


def test_without_a_model(tmp_path: Path) -> None:
    """A sentence says what is missing."""
    with UserMemory(tmp_path / "memory.db", Person, Scripted(), worker=False) as memory:
        memory.edit("will", {"city": "Oslo"}, by="will")
        with pytest.raises(ConfigurationError, match="language model"):
            memory.tidy("will")
