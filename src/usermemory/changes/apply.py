"""Make changes on a copy of a document, and take them back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import compare
from usermemory.changes.place import Collision, inverted, put
from usermemory.changes.propose import proposed_value
from usermemory.changes.unfit import Unfit
from usermemory.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usermemory.records import Applied, Change, Evidence
    from usermemory.schema import Field, Schema


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
        document: The document as it is now; it stays as it is.
        applied: What was done, in the order in which it was done.
        schema: What the document must still be afterwards.

    Returns:
        The new document; what was done to it; and those of ``applied`` that could not be taken
        back: the same thing was changed again since, what was there before has been erased, or
        the schema refuses the result.
    """
    result = dict(document)
    done: list[Applied] = []
    conflicts: list[Applied] = []
    for each in reversed(applied):
        field = schema.fields.get(each.field)
        if field is None or each.erased:
            conflicts.append(each)
            continue
        current = result.get(field.name, field.default)
        try:
            value = _judged(result, field, put(field, current, inverted(each)), schema)
        except (Collision, InvalidDocument):
            conflicts.append(each)
        else:
            done += compare(field, current, value)
            result[field.name] = value
    return result, tuple(done), tuple(conflicts)


def _judged(document: Mapping[str, Any], field: Field, wanted: Any, schema: Schema) -> Any:
    """The value as the schema reads it within the whole document."""
    known = {name: document[name] for name in schema.fields if name in document}
    return schema.validate(known | {field.name: wanted})[field.name]
