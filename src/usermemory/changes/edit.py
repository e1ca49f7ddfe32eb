"""What a person's edit makes of a profile: a JSON patch, or the whole document as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import compare, turned
from usermemory.errors import Conflict, InvalidDocument, InvalidInput
from usermemory.schema.document import ASIDE, stand_in
from usermemory.schema.rejoining import rejoined
from usermemory.schema.shape import canonical, is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from usermemory.records import Applied
    from usermemory.schema import Schema
    from usermemory.schema.document import Reading


def edited(
    document: Mapping[str, Any], edit: Any, schema: Schema
) -> tuple[dict[str, Any], tuple[Applied, ...]]:
    """The document after an edit, and what that changed, by value.

    Args:
        document: The profile as it is stored.
        edit: RFC 6902 operations on the document with its misfits, which can be taken out or put
            right by them; or a whole document: fields that are not in it are emptied, misfits stay.
        schema: The profile's.

    Raises:
        InvalidInput: The edit is neither, or the patch does not apply.
        InvalidDocument: The schema refuses the result.
        Conflict: A ``test`` of the patch does not hold.
    """
    reading = schema.read(document)
    if is_list(edit):
        shown = {name: reading.document[name] for name in schema.fields} | dict(reading.stored)
        new = _checked(_patched(shown, edit), reading, schema, shown)
    elif is_object(edit):
        fitting = _checked(edit, reading, schema, {})
        new = rejoined(schema, reading, schema.read(fitting).document)
    else:
        raise InvalidInput(
            f"an edit is a list of JSON patch operations or a whole document, not {edit!r:.80}"
        )
    return new, tuple(changed(reading.stored, new, schema))


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any], schema: Schema
) -> Iterator[Applied]:
    """What turns one stored document into another, fields that the schema has not included."""
    room, aside = dict(before.get(ASIDE, {})), after.get(ASIDE, {})
    for name in dict.fromkeys([*schema.fields, *before, *after]):
        if name == ASIDE:
            continue
        field = schema.fields.get(name) or stand_in(name, before.get(name))
        stored = before.get(name, field.default)
        done = list(turned(field, stored, after.get(name, field.default)))
        if done and _same([*room.get(name, ()), stored], aside.get(name)):
            room[name] = aside[name]  # set aside by that
        yield from done
    yield from compare(stand_in(ASIDE, {}), room, aside)


def _checked(
    wanted: Any, reading: Reading, schema: Schema, shown: Mapping[str, Any]
) -> dict[str, Any]:
    """The wanted document in the schema's own form, but for what did not change.

    Raises:
        InvalidDocument: Something in it does not fit and was not there before.
    """
    if not is_object(wanted):
        raise InvalidInput(f"an edit makes a document, not {wanted!r:.80}")
    known = {one.place for one in reading.misfits}
    found = schema.read(wanted)
    new = [one for one in found.misfits if one.place not in known]
    if new:
        misfits = {one.field for one in new}
        schema.validate({name: wanted[name] for name in wanted if name in misfits})
        schema.validate(wanted)
        raise InvalidDocument(f"{new[0].field}: {new[0].detail or 'there is no such field'}")
    at_fault = {one.field for one in found.misfits}
    return {
        name: value
        if name in at_fault or _same(value, shown.get(name))
        else found.document.get(name, value)
        for name, value in found.stored.items()
    }


def _same(one: Any, other: Any) -> bool:
    return one is not None and canonical(one) == canonical(other)


def _patched(document: Mapping[str, Any], operations: Sequence[Any]) -> Any:
    import jsonpatch

    try:
        return jsonpatch.apply_patch(document, operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Conflict(f"the profile is not what the patch tests for: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise InvalidInput(f"the JSON patch does not apply: {error}") from error
