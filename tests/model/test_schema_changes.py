"""A profile under one schema after another: nothing that was stored is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.random_schemas import aged, changes, schemas

from usermemory.changes import Unfit, apply_beside, settled, undo
from usermemory.erasure import OfValue, Stored, plan
from usermemory.past import snapshot
from usermemory.records import Applied, Change, Revision
from usermemory.schema import Schema
from usermemory.schema.document import ASIDE
from usermemory.schema.form import identity
from usermemory.schema.renames import renamed
from usermemory.schema.shape import canonical
from usermemory.text import leaves


def said(*values: Any) -> set[str]:
    """The texts in these values; numbers may be read as others (0.0 as False), texts may not."""
    return {
        identity(leaf)
        for value in values
        for leaf in leaves(value)
        if isinstance(leaf, str) and leaf
    }


def learned(
    stored: dict[str, Any], schema: Schema, data: st.DataObject
) -> tuple[dict[str, Any], tuple[Applied, ...]]:
    """Random changes under this schema, of misfits too, in the stored document."""
    reading = schema.read(stored)
    document, made = dict(reading.document), list[Applied]()
    spoken_of = [
        Change(one.field, action, one.value, key=one.key)
        for one in reading.misfits
        for action in ("remove", "clear")
        if one.field in schema.fields
    ]
    drawn = data.draw(changes(schema))
    some = data.draw(st.lists(st.sampled_from(spoken_of), max_size=3)) if spoken_of else []
    for change in data.draw(st.permutations([*drawn, *some])):
        try:
            document, done = apply_beside(reading, document, made, change, schema)
        except Unfit:
            continue
        made.append(done)
    return settled(reading, document, tuple(made), schema)


def told(made: Iterable[Applied]) -> set[str]:
    """What changes took out, or put something else in the place of."""
    return said(*(one.before for one in made))


def full(document: dict[str, Any]) -> dict[str, str]:
    """What stands in a document: what holds nothing left out, in objects too."""
    return {
        name: canonical(bare(value)) for name, value in document.items() if bare(value) not in EMPTY
    }


EMPTY: tuple[Any, ...] = (None, "", [], {})


def bare(value: Any) -> Any:
    """A value without properties that hold nothing."""
    if isinstance(value, dict):
        parts = {name: bare(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, [], {})}
    return [bare(item) for item in value] if isinstance(value, list) else value


def without_defaults(
    document: dict[str, Any], stored: dict[str, Any], empty: dict[str, Any]
) -> dict[str, Any]:
    """A document without what stands in its objects since that is their default, and no more."""
    found = dict(document)
    for name, value in document.items():
        default, before = empty.get(name), stored.get(name)
        if isinstance(value, dict) and isinstance(before, dict) and isinstance(default, dict):
            found[name] = {
                key: part
                for key, part in value.items()
                if key in before or canonical(part) != canonical(default.get(key))
            }
    return found


@given(data=st.data(), first=schemas(), second=schemas())
def test_there_and_back(data: st.DataObject, first: Schema, second: Schema) -> None:
    """It holds for any two schemas."""
    there_and_back(data, first, second)


@given(data=st.data(), versions=aged())
def test_a_schema_grows_old(data: st.DataObject, versions: tuple[Schema, Schema]) -> None:
    """It holds for two versions of one: properties gone deep inside, values of new shapes."""
    there_and_back(data, *versions)


def there_and_back(data: st.DataObject, first: Schema, second: Schema) -> None:
    """What the first schema stored is there under the second and again under the first.

    Under the second: in the profile or among the misfits. What was learned meanwhile can be taken
    back, and then the stored document is what it was, and so is a look at the past.
    """
    stored, _ = learned(dict(first.empty()), first, data)
    reading = second.read(stored)
    shown = said(reading.document, *(one.value for one in reading.misfits))
    assert said(stored) - said(first.empty()) <= shown | said(stored) & said(second.empty())
    changed, made = learned(stored, second, data)
    assert said(stored) <= said(changed) | told(made)
    moved = renamed(second, stored)  # where an alias was gained, under its name
    undone, _, conflicts = undo(changed, made, second)
    if not conflicts:
        assert ASIDE not in undone
        empty = second.empty()
        undone = without_defaults(undone, moved, empty)
        assert full(moved).items() <= full(undone).items()
        assert full(undone).items() <= (full(empty) | full(moved)).items()
    past = [Revision(1, 1.0, "model", made)]
    was = snapshot(changed, 1, past, 0, second)
    then = without_defaults(dict(was.document), moved, second.empty())
    assert full(moved).items() <= full(then).items()
    again = first.read(changed)
    assert said(stored) <= said(again.document, again.stored, first.empty()) | told(made)


@given(data=st.data(), first=schemas(), second=schemas())
def test_only_that_is_forgotten(data: st.DataObject, first: Schema, second: Schema) -> None:
    """Of fields that no longer fit an erasure takes the one that was named, and no other."""
    stored, made = learned(dict(first.empty()), first, data)
    field = data.draw(st.sampled_from(sorted(first.fields)))
    field = second.old_names.get(field, field)
    history = [Revision(1, 1.0, "model", made)]
    left = plan(OfValue(field), Stored(stored, history), second).document
    for name, value in renamed(second, stored).items():
        if name != field:
            assert canonical(left[name]) == canonical(value)
    assert not said(left.get(field)) - said(second.empty())


@given(data=st.data(), schema=schemas())
def test_the_same_schema(data: st.DataObject, schema: Schema) -> None:
    """Under the schema that it was learned with, everything fits and is stored as it is."""
    stored, _ = learned(dict(schema.empty()), schema, data)
    reading = schema.read(stored)
    assert reading.misfits == ()
    assert canonical(reading.document) == canonical({**stored, **reading.document})
    numbers = Counter(map(canonical, stored.values()))
    assert numbers == Counter(canonical(reading.stored[name]) for name in stored)
