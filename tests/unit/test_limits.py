"""How much one consolidation may change, and how much a profile may hold."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from usermemory.changes import Unfit, apply
from usermemory.records import Applied, Change, Refused
from usermemory.schema import schema_of
from usermemory.settings import Limits

TEN = {"name": "Will", "tags": list("abcdef"), "notes": {"x": 1, "y": 2}, "child": {"age": 3}}


def gone(count: int) -> list[Applied]:
    return [Applied("tags", "remove", before=str(number)) for number in range(count)]


@pytest.mark.parametrize(
    ("document", "removed", "reason"),
    [
        (TEN, 5, None),
        (TEN, 6, "removes_too_much"),
        ({"tags": ["a", "b"]}, 2, None),
        ({"tags": list("abcd")}, 3, None),
        ({"tags": list("abcd")}, 4, "removes_too_much"),
    ],
)
def test_a_share_of_all_values_may_go(document: Any, removed: int, reason: str | None) -> None:
    """Items of lists, entries of maps and single values count alike; three go in any case."""
    exceeded = Limits().exceeded(document, gone(removed), ())
    assert (exceeded and exceeded[0]) == reason


def test_a_correction_is_no_removal() -> None:
    """Values that become others count as changes only."""
    corrected = [Applied("tags", "set", before="a", after="b")] * 10
    assert Limits().exceeded(TEN, corrected, ()) is None
    assert Limits(max_changes=9).exceeded(TEN, corrected, ()) == (
        "too_many",
        "10 changes at once, 9 at most",
    )


def test_an_answer_that_was_not_read_to_its_end_is_too_long() -> None:
    """What the reader of answers says about one that is too long is the reason in words."""
    told = "the answer holds 101 changes, and only 100 were read"
    refused = [Refused(Change("", "set"), "too_many", told)]
    assert Limits().exceeded(TEN, (), refused) == ("too_many", told)


def test_no_share_at_all() -> None:
    """With ``max_removed=1`` a profile may be emptied, with 0 three values may go."""
    assert Limits(max_removed=1).exceeded(TEN, gone(10), ()) is None
    assert Limits(max_removed=0).exceeded(TEN, gone(4), ()) is not None
    assert Limits(max_removed=0).exceeded(TEN, gone(3), ()) is None


def test_a_profile_has_a_quarter_of_a_million_characters() -> None:
    """That is some thousands of items, where nothing is set."""
    assert Limits().max_profile == 256_000


class Pet(BaseModel):
    name: str
    kind: str | None = None
    toys: list[str] = []


class Full(BaseModel):
    name: str | None = None
    tags: list[str] = []
    scores: dict[str, int] = {}
    home: Pet | None = None
    pets: list[Pet] = []


FULL = schema_of(Full)
HELD = FULL.validate(
    {
        "name": "Bo",
        "tags": ["chess"],
        "scores": {"go": 1},
        "home": {"name": "den", "toys": ["ball"]},
        "pets": [{"name": "Rex", "kind": "dog"}],
    }
)
MORE = [
    Change("tags", "add", "go"),
    Change("scores", "set", 2, key="chess"),
    Change("home", "add", "rope", key="toys"),
    Change("home", "update", "attic", key="kind"),
    Change("pets", "add", {"name": "Mia"}),
    Change("pets", "update", {"toys": ["bone"]}, key="Rex"),
]
NO_MORE = [
    Change("name", "set", "Bartholomew"),
    Change("name", "clear"),
    Change("tags", "remove", "chess"),
    Change("scores", "set", 1_000, key="go"),
    Change("scores", "remove", key="go"),
    Change("home", "remove", "ball", key="toys"),
    Change("pets", "update", {"kind": "a very large dog"}, key="Rex"),
    Change("pets", "remove", key="Rex"),
]


def size(document: Any) -> int:
    return len(json.dumps(document, separators=(",", ":")))


@pytest.mark.parametrize("change", MORE, ids=str)
def test_a_full_profile_takes_nothing_more(change: Change) -> None:
    """Items, entries and filled properties are additions; size, limit and setting are said."""
    after, done = apply(HELD, change, FULL)
    limits = Limits(max_profile=size(HELD))
    for told in (limits.room(HELD).full(done), limits.full(HELD, after)):
        assert told is not None
        assert f"{limits.max_profile} at most (max_profile)" in told
    assert f"have {size(after)} characters" in str(limits.full(HELD, after))
    assert Limits(max_profile=size(after)).full(HELD, after) is None


@pytest.mark.parametrize("change", NO_MORE, ids=str)
def test_a_full_profile_is_still_corrected(change: Change) -> None:
    """What replaces a value, be it by a longer one, and what goes, goes through."""
    after, done = apply(HELD, change, FULL)
    limits = Limits(max_profile=10)
    assert limits.room(HELD).full(done) is limits.full(HELD, after) is None


@given(st.lists(st.sampled_from(MORE + NO_MORE), max_size=12))
def test_the_size_is_kept_up_by_difference(changes: list[Change]) -> None:
    """Measured once and then by what each change adds, it is right but for a comma a change."""
    document, made = HELD, 0
    room = Limits().room(document)
    for change in changes:
        try:
            document, done = apply(document, change, FULL)
        except Unfit:
            continue
        room.take(done)
        made += 1
        assert abs(room.size - size(document)) <= made


def test_a_batch_measures_the_profile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty changes of a profile of thousands of items write it out once to measure it."""
    document = FULL.validate({"tags": [f"tag {number}" for number in range(4_000)]})
    written: list[int] = []

    def dumps(value: Any, **how: Any) -> str:
        text = json.dumps(value, **how)
        written.append(len(text))
        return text

    monkeypatch.setattr("usermemory.settings.json", SimpleNamespace(dumps=dumps))
    room = Limits().room(document)
    for number in range(50):
        document, done = apply(document, Change("tags", "add", f"thing {number}"), FULL)
        assert room.full(done) is None
        room.take(done)
    assert len(document["tags"]) == 4_050
    assert sum(length > 1_000 for length in written) == 1
