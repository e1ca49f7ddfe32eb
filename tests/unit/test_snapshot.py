"""Profiles as they were: wound back by value, over what was erased too."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.support.random_schemas import changes, schemas
from tests.unit.test_changes_random import few, played

from usermemory.changes import difference, patch
from usermemory.erasure import MASK, OfValue, Stored, plan
from usermemory.errors import InvalidInput
from usermemory.past import snapshot
from usermemory.records import Applied, Revision, Snapshot
from usermemory.schema import Schema, schema_of
from usermemory.text import leaves


class Life:
    """A profile with its history, as it was after each revision."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.was = [schema.empty()]
        self.history: list[Revision] = []

    def becomes(self, **fields: Any) -> None:
        """One revision: these fields get these values."""
        wanted = self.schema.validate({**self.was[-1], **fields})
        self.revised(wanted, difference(self.was[-1], wanted, self.schema))

    def revised(self, document: dict[str, Any], made: tuple[Applied, ...]) -> None:
        """One revision."""
        self.history.insert(0, Revision(len(self.was), len(self.was) * 1.0, "model", made))
        self.was.append(document)

    def forget(self, field: str, value: Any = None) -> None:
        """One more, which erases."""
        made = plan(OfValue(field, value), Stored(self.was[-1], self.history), self.schema)
        self.history = [
            Revision(one.number, one.at, one.by, made.revisions.get(one.number, one.changes))
            for one in self.history
        ]
        self.revised(dict(made.document), made.gone)

    def at(self, revision: int) -> Snapshot:
        """As it is wound back."""
        newest = len(self.was) - 1
        return snapshot(self.was[-1], newest, self.history, revision, self.schema)


class Pet(BaseModel):
    name: str
    kind: str | None = None


class Person(BaseModel):
    name: str | None = None
    tags: list[str] = []
    pets: list[Pet] = []
    links: dict[str, str] = {}
    home: Pet | None = None


@pytest.fixture
def life() -> Life:
    return Life(schema_of(Person))


@few
@given(data=st.data(), schema=schemas())
def test_every_revision_is_found_again(data: st.DataObject, schema: Schema) -> None:
    """Whatever came since, the profile of a revision is what it was."""
    life = Life(schema)
    for _ in range(3):
        document, made = played(life.was[-1], data.draw(changes(schema)), schema)
        life.revised(document, tuple(made))
    for number, document in enumerate(life.was):
        found = life.at(number)
        assert (found.document, found.erased, found.unclear) == (document, (), ())
    between = patch(difference(life.was[1], life.was[3], schema))
    assert jsonpatch.apply_patch(life.was[1], between) == life.was[3]


def bare(value: object) -> str:
    """What of a value an erasure goes by: its letters, whatever their case and what is between."""
    return "".join(filter(str.isalnum, str(value).casefold())) or str(value)


@few
@given(data=st.data(), schema=schemas())
def test_what_was_erased_leaves_the_rest_as_it_was(data: st.DataObject, schema: Schema) -> None:
    """A field that was erased with its history is marked; the others are found again."""
    life = Life(schema)
    for _ in range(3):
        document, made = played(life.was[-1], data.draw(changes(schema)), schema)
        life.revised(document, tuple(made))
    field = data.draw(st.sampled_from(sorted(schema.fields)))
    # What another field said in the same words went from its past too, as an erasure has to.
    said = {bare(leaf) for was in life.was for leaf in leaves(was[field])} - {
        "none",
        "",
        "[]",
        "{}",
    }
    same = {
        name
        for name in schema.fields.keys() - {field}
        for was in life.was
        if any(word in bare(leaf) for word in said for leaf in leaves([was[name]]))
    }
    life.forget(field)
    for number, document in enumerate(life.was):
        found = life.at(number)
        assert {*found.unclear} <= same
        for name in schema.fields.keys() - {field, *found.unclear, *found.erased}:
            assert found.document[name] == document[name]
        if schema.fields[field].kind in {"scalar", "list"}:
            was = document[field] not in (schema.fields[field].default, [])
            assert was is (field in found.erased)


def test_an_erased_value_is_marked(life: Life) -> None:
    """Where a value stood that has been erased, a mark stands, and only there."""
    life.becomes(name="Bill", tags=["chess"])
    life.becomes(name="Will", tags=["chess", "tea"])
    life.becomes(name=None)
    life.becomes(name="Willow")
    life.forget("name", "Bill")
    life.forget("tags", "chess")
    life.forget("name", "Willow")
    names = [life.at(number).document["name"] for number in range(5)]
    assert names == [None, MASK, "Will", None, MASK]
    assert [life.at(number).document["tags"] for number in (0, 1, 2, 7)] == [
        [],
        [MASK],
        ["tea", MASK],
        ["tea"],
    ]
    assert [life.at(number).erased for number in (0, 2, 7)] == [(), ("tags",), ()]


def test_marks_in_every_kind_of_field(life: Life) -> None:
    """Items, keys and properties that were erased are marked in the shape of their field."""
    rex = {"name": "Rex", "kind": "dog"}
    life.becomes(pets=[rex], links={"blog": "a.example"}, home=rex)
    life.becomes(links={"blog": "b.example"}, home={"name": "Rex", "kind": "cat"})
    life.forget("pets", "Rex")
    life.forget("links", "blog")
    life.forget("home", "kind")
    found = life.at(1)
    assert found.document["pets"] == [{"name": MASK}]
    assert found.document["links"] == {MASK: MASK}
    assert found.erased == ("home", "links", "pets")
    assert life.at(0).document == life.was[0]


def test_a_value_that_replaced_an_erased_one(life: Life) -> None:
    """What was there before an erased value, and was not erased, is found again."""
    for name in ("Bill", "Will", "Bill"):
        life.becomes(name=name)
    life.forget("name", "Will")
    assert [life.at(number).document["name"] for number in range(4)] == [None, "Bill", MASK, "Bill"]


def test_a_field_that_mentioned_an_erased_value(life: Life) -> None:
    """A change that was blanked because it mentions the value hides no more than it must."""
    life.becomes(tags=["chess"])
    for name in ("tea club", "chess club", "go club"):
        life.becomes(name=name)
    life.forget("tags", "chess")
    names = [life.at(number).document["name"] for number in range(1, 5)]
    assert names == [None, "tea club", MASK, "go club"]


def test_another_schema(life: Life) -> None:
    """A field that the schema has no more is followed back by its values."""
    life.becomes(name="Will", tags=["chess"])
    life.becomes(tags=["tea"], pets=[{"name": "Rex"}])

    class Later(BaseModel):
        name: str | None = None
        pets: list[Pet] = []

    found = snapshot(life.was[-1], 2, life.history, 1, schema_of(Later))
    assert found.unclear == ()
    assert (found.document["tags"], found.document["pets"]) == (["chess"], [])


def test_revisions_that_are_not_there(life: Life) -> None:
    """Before the first, beyond the newest, and from before all was erased, are clear errors."""
    life.becomes(name="Will")
    life.becomes(name="Bill")
    for wrong in (-1, 3):
        with pytest.raises(InvalidInput, match="the newest is 2"):
            life.at(wrong)
    life.history.pop()
    assert life.at(1).document["name"] == "Will"
    with pytest.raises(InvalidInput, match="before revision 1 has been erased"):
        life.at(0)
