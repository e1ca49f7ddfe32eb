"""A profile under one schema after another: nothing that was stored is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.random_schemas import changes, schemas
from tests.unit.test_changes_random import played

from usermemory.changes import settled, undo
from usermemory.erasure import OfValue, Stored, plan
from usermemory.records import Applied, Revision
from usermemory.schema import Schema
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical
from usermemory.words import leaves


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
    """Random changes under this schema, in the stored document."""
    reading = schema.read(stored)
    document, made = played(reading.document, data.draw(changes(schema)), schema)
    return settled(reading, document, tuple(made), schema)


def told(made: Iterable[Applied]) -> set[str]:
    """What changes took out, or put something else in the place of."""
    return said(*(one.before for one in made))


@given(data=st.data(), first=schemas(), second=schemas())
def test_there_and_back(data: st.DataObject, first: Schema, second: Schema) -> None:
    """What the first schema stored is there under the second and again under the first.

    Under the second: in the profile or among the misfits. What was learned meanwhile can be taken
    back, and then the stored document is what it was.
    """
    stored, _ = learned(dict(first.empty()), first, data)
    reading = second.read(stored)
    shown = said(reading.document, *(one.value for one in reading.misfits))
    assert said(stored) - said(first.empty()) <= shown | said(stored) & said(second.empty())
    changed, made = learned(stored, second, data)
    assert said(stored) <= said(changed) | told(made)
    undone, _, conflicts = undo(changed, made, second)
    if not conflicts:
        assert said(stored) <= said(undone)
        kept = {name: undone.get(name) for name in stored if stored[name] not in (None, [], {})}
        for name, value in kept.items():
            if name not in second.fields:
                assert canonical(value) == canonical(stored[name])
    again = first.read(changed)
    assert said(stored) <= said(again.document, again.stored, first.empty()) | told(made)


@given(data=st.data(), first=schemas(), second=schemas())
def test_only_that_is_forgotten(data: st.DataObject, first: Schema, second: Schema) -> None:
    """Of fields that no longer fit an erasure takes the one that was named, and no other."""
    stored, made = learned(dict(first.empty()), first, data)
    field = data.draw(st.sampled_from(sorted(first.fields)))
    history = [Revision(1, 1.0, "model", made)]
    left = plan(OfValue(field), Stored(stored, history), second).document
    for name, value in stored.items():
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
