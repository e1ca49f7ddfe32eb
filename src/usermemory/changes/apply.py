"""Make changes on a copy of a document, and take them back."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import compare
from usermemory.changes.place import Collision, inverted, put
from usermemory.changes.propose import proposed_value
from usermemory.changes.unfit import Unfit
from usermemory.errors import InvalidDocument
from usermemory.schema.document import stand_in, stored_value
from usermemory.schema.rejoining import placed, rejoined
from usermemory.schema.shape import is_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usermemory.records import Applied, Change, Evidence
    from usermemory.schema import Field, Schema
    from usermemory.schema.document import Reading


def apply(
    document: Mapping[str, Any],
    change: Change,
    schema: Schema,
    evidence: tuple[Evidence, ...] = (),
) -> tuple[dict[str, Any], Applied]:
    """Make one change.

    Args:
        document: A document of the schema; it stays as it is. Fields unknown to the schema (an
            older one's) are kept.
        change: What to do.
        schema: What the document must still be afterwards.
        evidence: The words it rests on, to be kept with what was done.

    Returns:
        The new document, and what was done, by value.

    Raises:
        Unfit: The change cannot be made; says why.
    """
    field = schema.fields.get(change.field)
    if field is None:
        known = ", ".join(schema.fields)
        raise Unfit("unknown_field", f"there is no field {change.field!r}, only {known}")
    current = document.get(field.name, field.default)
    wanted = proposed_value(field, current, change)
    try:
        value = _judged(document, field, wanted, schema)
    except InvalidDocument as error:
        raise Unfit("invalid_document", str(error)) from error
    done = tuple(compare(field, current, value))
    if not done:
        raise Unfit("duplicate", f"{field.name} says so already")
    if len(done) != 1:
        raise Unfit("invalid_document", f"{field.name}: the schema changes more than was asked for")
    return {**document, field.name: value}, replace(done[0], evidence=evidence)


def undo(
    document: Mapping[str, Any], applied: Sequence[Applied], schema: Schema
) -> tuple[dict[str, Any], tuple[Applied, ...], tuple[Applied, ...]]:
    """Take changes back by value, the last one first; what came since beside them stays.

    Args:
        document: The stored document as it is now; it stays as it is.
        applied: What was done, in the order in which it was done.
        schema: What the document must still be afterwards.

    Returns:
        The new document; what was done to it; and those of ``applied`` that could not be taken
        back: the same thing was changed again since, what was there before has been erased, or
        the schema refuses the result. A value that the schema alone refuses comes back as a
        misfit.
    """
    reading = schema.read(document)
    result, misfits = dict(reading.stored), {one.place for one in reading.misfits}
    done: list[Applied] = []
    conflicts: list[Applied] = []
    for each in reversed(applied):
        if each.erased:
            conflicts.append(each)
            continue
        field = field_for(schema, each, result.get(each.field))
        current = stored_value(field, result.get(field.name, copy.deepcopy(field.default)))
        try:
            value = put(field, current, inverted(each))
            new = placed(result, field, value)
            left = _checked_beside(misfits, new, field, schema)
        except Collision:
            conflicts.append(each)
            continue
        if changed := tuple(compare(field, current, value)):
            done += changed
            result, misfits = new, left
    return result, tuple(done), tuple(conflicts)


def field_for(schema: Schema, change: Applied, stored: Any) -> Field:
    """The field of a change; one that stands in for it, where the schema has it no more.

    Args:
        schema: Today's.
        change: As it was made, perhaps under another schema.
        stored: What stands in the field now.
    """
    field = schema.fields.get(change.field)
    fits = field is not None and (
        change.index is None or field.kind not in {"scalar", "map"} or not is_list(stored)
    )
    return field if field is not None and fits else stand_in(change.field, None, change)


def _checked_beside(
    known: set[str], after: Mapping[str, Any], field: Field, schema: Schema
) -> set[str]:
    """See that a value that fits by itself makes no other one a misfit, nor itself beside them.

    Args:
        known: The misfits before, by their places.
        after: The stored document with the value.
        field: Where that is.
        schema: Today's.

    Returns:
        The misfits afterwards.

    Raises:
        Collision: It does.
    """
    found = {one.place for one in schema.read(after).misfits}
    if new := found - known:
        alone = schema.read({field.name: after[field.name]}).misfits
        if new - {one.place for one in alone}:
            raise Collision
    return found


def _judged(document: Mapping[str, Any], field: Field, wanted: Any, schema: Schema) -> Any:
    """The value as the schema reads it within the whole document."""
    known = {name: document[name] for name in schema.fields if name in document}
    return schema.validate(known | {field.name: wanted})[field.name]


def settled(
    reading: Reading, document: Mapping[str, Any], applied: Sequence[Applied], schema: Schema
) -> tuple[dict[str, Any], tuple[Applied, ...]]:
    """The stored document with changes that were made to the part of it that fits.

    Args:
        reading: The stored document as it was read.
        document: What the changes made of `Reading.document`.
        applied: The changes, by value.
        schema: Today's.

    Returns:
        The new stored document with every misfit in it, and the changes as they change that: where
        a misfit made room for a value, it is what stood there before.
    """
    whole = rejoined(schema, reading, document)
    if not reading.misfits:
        return whole, tuple(applied)
    exact: list[Applied] = []
    now, fitting = reading, dict(reading.document)
    for each in applied:
        field = schema.fields[each.field]
        try:
            fitting[field.name] = put(field, fitting[field.name], each)
        except Collision:
            return whole, tuple(applied)
        stored = rejoined(schema, now, fitting)
        sides = (stored_value(field, one.get(field.name)) for one in (now.stored, stored))
        one = tuple(compare(field, *sides))
        exact.append(replace(one[0], evidence=each.evidence) if len(one) == 1 else each)
        now = schema.read(stored)
        fitting = dict(now.document)
    return whole, tuple(exact)
