"""Long profiles: what is done to one item costs what one item costs."""

from __future__ import annotations

import random
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, model_validator

from usermemory.changes import apply, difference, patch, undo
from usermemory.changes import diff as compare
from usermemory.records import Change
from usermemory.schema import schema_of


class Pet(BaseModel):
    name: str
    kind: str | None = None


class Long(BaseModel):
    notes: list[str] = []
    numbers: list[int] = []
    pets: list[Pet] = []


SCHEMA = schema_of(Long)
NOTES = [f"note number {number}" for number in range(4_000)]
PETS = [{"name": f"pet {number}", "kind": "dog"} for number in range(4_000)]
FULL = SCHEMA.validate({"notes": NOTES, "pets": PETS})


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, int | None]]:
    return [
        (one.action, one.after or one.before, one.index)
        for one in difference(before, after, SCHEMA)
    ]


def test_one_item_of_thousands() -> None:
    """The difference at one place is that place, wherever it is."""
    for place in (0, 2_000, 4_000):
        more = {**FULL, "notes": [*NOTES[:place], "new", *NOTES[place:]]}
        assert told(FULL, more) == [("add", "new", place)]
        assert told(more, FULL) == [("remove", "new", place)]
    pets = [{**pet, "kind": "cat"} if at == 2_000 else pet for at, pet in enumerate(PETS)]
    assert told(FULL, {**FULL, "pets": pets}) == [("update", pets[2_000], 2_000)]


def counted(monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> list[int]:
    """How often a function was called, as the only item of a list."""
    calls, function = [0], getattr(place, name)

    def counting(*args: Any) -> Any:
        calls[0] += 1
        return function(*args)

    monkeypatch.setattr(place, name, counting)
    return calls


def test_what_did_not_change_is_not_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of lists that differ at one place, only what is there is named and aligned."""
    calls = counted(monkeypatch, compare, "_name")
    told(FULL, {**FULL, "notes": [*NOTES[:2_000], "new", *NOTES[2_000:]]})
    assert calls[0] <= 2


def test_a_list_in_another_order() -> None:
    """Thousands of items in any order: the longest run in order stays where it is."""
    mixed = random.Random(7).sample(NOTES, len(NOTES))
    done = difference(FULL, {**FULL, "notes": mixed}, SCHEMA)
    assert jsonpatch.apply_patch({"notes": NOTES}, patch(done)) == {"notes": mixed}
    turned = difference(
        {"notes": list("abcde")}, {**FULL, "pets": [], "notes": list("bcdea")}, SCHEMA
    )
    assert [(one.action, one.after or one.before) for one in turned] == [
        ("remove", "a"),
        ("add", "a"),
    ]


def test_items_of_one_name_stay_in_their_places() -> None:
    """Of several items with one name each is itself, so that additions are all that is new."""
    rex, mia, tom = ({"name": name, "kind": "dog"} for name in ("Rex", "Mia", "Tom"))
    other = {**rex, "kind": "cat"}
    before = {**FULL, "pets": [rex, mia, other]}
    after = {**FULL, "pets": [tom, rex, mia, other, {**tom, "kind": "cat"}]}
    assert [(one.action, one.index) for one in difference(before, after, SCHEMA)] == [
        ("add", 0),
        ("add", 4),
    ]


def test_changes_and_their_undoing_in_a_long_profile() -> None:
    """Adding, updating and removing work at four thousand items as they do at four."""
    document, done = FULL, []
    for change in (
        Change("notes", "add", "new"),
        Change("notes", "remove", "Note number 2000."),
        Change("pets", "update", {"kind": "cat"}, key="PET 17"),
        Change("pets", "add", {"name": "Mia"}),
    ):
        document, applied = apply(document, change, SCHEMA)
        done.append(applied)
    assert (len(document["notes"]), len(document["pets"])) == (4_000, 4_001)
    assert undo(document, done, SCHEMA)[0] == FULL


def test_taking_thousands_of_changes_back_judges_the_profile_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The profile is read twice for a revision of two thousand changes, in either direction."""
    empty, full = SCHEMA.empty(), {**FULL, "notes": NOTES[:1_500], "pets": PETS[:500]}
    calls = counted(monkeypatch, SCHEMA, "read")
    for before, after in ((empty, full), (full, empty)):
        done = difference(before, after, SCHEMA)
        assert len(done) == 2_000
        undone, made, conflicts = undo(after, done, SCHEMA)
        assert (undone, len(made), conflicts) == (before, 2_000, ())
    assert calls[0] == 4


class Few(BaseModel):
    notes: list[str] = []
    limit: int = 1_000

    @model_validator(mode="after")
    def _within(self) -> Few:
        if len(self.notes) > self.limit:
            raise ValueError("too many notes")
        return self


def test_one_change_that_cannot_be_taken_back_is_found_by_halves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the schema refuses stays, all else is taken back, and few looks tell which it is."""
    schema = schema_of(Few)
    notes = [f"note {number}" for number in range(100)]
    done = difference(schema.validate({"notes": notes}), schema.empty(), schema)
    calls = counted(monkeypatch, schema, "read")
    undone, made, conflicts = undo({"notes": ["one since"], "limit": 100}, done, schema)
    assert undone["notes"] == [*notes[1:], "one since"]
    assert (len(made), [one.before for one in conflicts]) == (99, ["note 0"])
    assert calls[0] < 30


NAMES = st.sampled_from(["Rex", "rex.", "Mia", "Tom"])
ITEMS = st.builds(lambda name, kind: {"name": name, "kind": kind}, NAMES, st.sampled_from("ab"))
DOCUMENTS = st.fixed_dictionaries(
    {
        "notes": st.lists(st.sampled_from("abcdef")),
        "numbers": st.lists(st.integers(0, 5)),
        "pets": st.lists(ITEMS),
    }
)


@given(DOCUMENTS, DOCUMENTS)
def test_the_difference_leads_there(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whatever two documents hold, names twice too, the difference turns one into the other."""
    before, after = SCHEMA.validate(before), SCHEMA.validate(after)
    done = difference(before, after, SCHEMA)
    assert jsonpatch.apply_patch(before, patch(done)) == after
    assert bool(done) == (before != after)
