"""Make changes on a copy of a document, take them back, and what a person's edit changes."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from usermemory.changes.coerce import Unfit
from usermemory.changes.diff import Collision, compare, find, inverted, is_whole, put, turned
from usermemory.changes.rejoining import held_value, put_in_place, rejoined, settled
from usermemory.changes.value import as_wanted, is_rest, proposed_value, spoken_of
from usermemory.errors import Conflict, InvalidDocument, InvalidInput, did_you_mean
from usermemory.records import Applied
from usermemory.schema.document import ASIDE, stand_in
from usermemory.schema.form import is_shaped, stored_value
from usermemory.schema.shape import canonical, is_list, is_object, same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from usermemory.records import Change, Evidence, Misfit
    from usermemory.schema import Field, Schema
    from usermemory.schema.document import Reading


def apply(
    document: Mapping[str, Any], change: Change, schema: Schema, evidence: tuple[Evidence, ...] = ()
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
        meant = did_you_mean(change.field, schema.fields)
        raise Unfit("unknown_field", f"there is no field {change.field!r}{meant}, only {known}")
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
        done = tuple(compare(field, current, as_wanted(field, wanted, value)))
    if len(done) != 1:
        raise Unfit("invalid_document", f"{field.name}: the schema changes more than was asked for")
    return {**document, field.name: value}, replace(done[0], evidence=evidence)


def apply_beside(
    reading: Reading,
    document: Mapping[str, Any],
    done: Sequence[Applied],
    change: Change,
    schema: Schema,
) -> tuple[dict[str, Any], Applied]:
    """Make one change as `apply` does; where it speaks of a misfit, or of what was one, to that.

    Args:
        reading: The stored document.
        document: What changes made of `Reading.document`.
        done: These, by value.
        change: What to do; what fits goes before a misfit, but an item completes one of its name.
        schema: Today's.

    Raises:
        Unfit: It can be made to neither, or a misfit would not fit afterwards.
    """
    ways = [
        partial(apply, document, change, schema),
        partial(_apply_to_misfit, reading, document, done, change, schema),
    ]
    about = spoken_of(reading, change, schema)
    if about is None and not (reading.misfits and done):
        return ways[0]()
    kind = schema.fields[change.field].kind if about else ""
    if change.action == {"objects": "add", "map": "set"}.get(kind):
        ways.reverse()
    try:
        return ways[0]()
    except Unfit as refused:
        try:
            return ways[1]()
        except Unfit as unfit:
            raise (refused if unfit.reason == "item_not_there" else unfit) from None


def _apply_to_misfit(
    reading: Reading,
    document: Mapping[str, Any],
    done: Sequence[Applied],
    change: Change,
    schema: Schema,
) -> tuple[dict[str, Any], Applied]:
    """Take out a misfit, or make it fit; `Unfit` where neither comes of it."""
    now = schema.read(settled(reading, document, done, schema)[0])
    misfit = spoken_of(now, change, schema)
    if misfit is None:  # it fits by now, or is gone
        return apply(now.document, change, schema)
    field = known = schema.fields[change.field]
    held = held_value(field, now.stored[field.name])
    if change.action == "remove":  # whatever it is
        inside = {name: replace(one, value_schema={}) for name, one in field.keys.items()}
        known = replace(field, value_schema={}, keys=inside)
        change = replace(change, value=misfit.value)
    made = [*compare(field, held, proposed_value(known, held, change))]
    if not made:
        raise Unfit("duplicate", f"{field.name} says so already")
    one = replace(made[-1], before=made[0].before)
    if len(made) > 1:  # a text that became an object
        one = replace(one, action="update")
    items = now.document[field.name]
    twin = find(field, items, one.after) if field.kind == "objects" and one.after else None
    try:
        after = schema.read({**now.stored, field.name: put(field, held, one)})
    except Collision as error:  # several items go by that name
        raise Unfit("item_not_there", f"{field.name} holds no such item") from error
    strange = (field.name, one.index, "unknown_field")  # what is left over of an item that fits
    left = [each for each in after.misfits if (each.field, each.index, each.reason) != strange]
    new = misfit_places(left) - misfit_places(now.misfits)
    if twin is not None or new or len(left) >= len(now.misfits):
        told = next((each.detail for each in left if each.field == field.name), "")
        raise Unfit("invalid_document", f"{field.name}: {told}")
    return after.document, one


def undo(
    document: Mapping[str, Any],
    applied: Sequence[Applied],
    schema: Schema,
    misfits_then: frozenset[str] = frozenset(),
) -> tuple[dict[str, Any], tuple[Applied, ...], tuple[Applied, ...]]:
    """Take changes back by value, the last one first; what came since beside them stays.

    Args:
        document: The stored document as it is now; it stays as it is.
        applied: What was done, in the order in which it was done.
        schema: What the document must still be afterwards.
        misfits_then: The misfits of the documents before the changes, by `misfit_places`.

    Returns:
        The new document; what was done to it; and those of ``applied`` that could not be taken
        back: the same thing was changed again since, what was there before has been erased, or
        the schema refuses the result. A value that the schema alone refuses comes back as a
        misfit, and so does one that was a misfit then.
    """
    reading = schema.read(document)
    result, misfits = dict(reading.stored), misfit_places(reading.misfits)
    done: list[Applied] = []
    conflicts: list[Applied] = []
    runs = [[*reversed(applied)]]  # that are still to be taken back, the next one last
    while runs:
        run = runs.pop()
        new, made, kept = _run_back(result, run, schema)
        try:
            left = _checked_beside(misfits | {*misfits_then}, new, made, schema)
        except Collision:  # some of it is refused: halves tell which without a look at each
            half = len(run) // 2
            if half:
                runs += [run[half:], run[:half]]
            else:
                conflicts += run
            continue
        done += made
        conflicts += kept
        result, misfits = new, left
    return result, tuple(done), tuple(conflicts)


def _run_back(
    document: dict[str, Any], run: Iterable[Applied], schema: Schema
) -> tuple[dict[str, Any], list[Applied], list[Applied]]:
    """Take changes back whatever the schema says: the document, what was done, and what was not."""
    done: list[Applied] = []
    conflicts: list[Applied] = []
    for each in run:
        if each.erased:
            conflicts.append(each)
            continue
        field = field_for(schema, each, document.get(each.field))
        stored = document.get(field.name, copy.deepcopy(field.default))
        try:
            new = put_in_place(document, field, taken_back(field, stored, each), back=True)
        except Collision:
            conflicts.append(each)
            continue
        if changed := _done(field, each, stored, new.get(field.name)):
            done += changed
            document = new
    return document, done, conflicts


def _done(field: Field, change: Applied, stored: Any, new: Any) -> tuple[Applied, ...]:
    """What taking a change back did: of a whole value a whole value again."""
    if field.kind == "scalar" or not is_whole(field, change):
        return tuple(turned(field, stored, new))
    return () if same(stored, new) else (Applied(field.name, "set", stored, new),)


def taken_back(field: Field, stored: Any, change: Applied) -> Any:
    """The stored value of a field before a change, the newest that is left.

    Raises:
        Collision: It is not what the change made of it.
    """
    back = inverted(change)
    current = stored_value(field, stored)
    if is_whole(field, back):
        if any(_says_the_same(stored, side) for side in (back.before, back.after)):
            return back.after
        if canonical(stored_value(field, back.before)) == canonical(current):
            return back.after
    value = put(field, current, back)
    if same(value, current):
        return stored
    if not is_object(stored) or not is_object(value):
        return value
    # What only stands there as a default is not put down.
    return {
        key: part
        for key, part in value.items()
        if key in stored or key not in current or canonical(part) != canonical(current[key])
    }


def _says_the_same(one: Any, other: Any) -> bool:
    """Whether two stored values are equal, but for properties that hold nothing."""
    bare = [
        {key: part for key, part in side.items() if part is not None} if is_object(side) else side
        for side in (one, other)
    ]
    return canonical(bare[0]) == canonical(bare[1])


def field_for(schema: Schema, change: Applied, stored: Any) -> Field:
    """The field of a change; one that stands in for it, where the schema has it no more.

    Args:
        schema: Today's.
        change: As it was made, perhaps under another schema.
        stored: What stands in the field now.
    """
    field = schema.fields.get(change.field)
    if field is None:
        return stand_in(change.field, stored, change)
    if change.key is None and change.index is None:
        return field
    kinds = {"map", "object"} if change.index is None else {"list", "objects", "object"}
    fits = field.kind in kinds and is_shaped(field, stored)
    return field if fits else stand_in(change.field, stored, change)


def _checked_beside(
    known: set[str], after: Mapping[str, Any], done: Iterable[Applied], schema: Schema
) -> set[str]:
    """See that values that fit by themselves make no other one a misfit, nor become one.

    Args:
        known: The misfits before, by their places.
        after: The stored document with the values.
        done: What put them there.
        schema: Today's.

    Returns:
        The misfits afterwards.

    Raises:
        Collision: They do.
    """
    found = misfit_places(schema.read(after).misfits)
    if new := found - known:
        for name in {one.field for one in done} & after.keys():
            new -= misfit_places(schema.read({name: after[name]}).misfits)
        if new:
            raise Collision
    return found


def misfit_places(misfits: Iterable[Misfit]) -> set[str]:
    """Where values stand that do not fit there; what was set aside stands in nobody's way."""
    return {one.place for one in misfits if one.reason != "set_aside"}


def _judged(document: Mapping[str, Any], field: Field, wanted: Any, schema: Schema) -> Any:
    """The value as the schema reads it within the whole document."""
    known = {name: document[name] for name in schema.fields if name in document}
    return schema.validate(known | {field.name: wanted})[field.name]


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
        new = _checked(_patched(shown, edit, schema), reading, schema, shown)
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
        if done and same([*room.get(name, ()), stored], aside.get(name)):
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
    if shown:
        new = [one for one in new if not any(is_rest(one, each) for each in reading.misfits)]
    if new:
        misfits = {one.field for one in new}
        schema.validate({name: wanted[name] for name in wanted if name in misfits})
        schema.validate(wanted)
        raise InvalidDocument(f"{new[0].field}: {new[0].detail or 'there is no such field'}")
    at_fault = {one.field for one in found.misfits}
    return {
        name: value
        if name in at_fault or (value is not None and same(value, shown.get(name)))
        else found.document.get(name, value)
        for name, value in found.stored.items()
    }


def _patched(document: Mapping[str, Any], operations: Sequence[Any], schema: Schema) -> Any:
    import jsonpatch

    try:
        return jsonpatch.apply_patch(document, operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Conflict(f"the profile is not what the patch tests for: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        for operation in operations:
            if is_object(operation) and isinstance(path := operation.get("path"), str):
                schema.check_name(path, document)
        # What stands around a missing name is left out: it may be the whole profile.
        reason = re.sub(r" in [{\[].*", "", str(error), flags=re.DOTALL)
        raise InvalidInput(f"the JSON patch does not apply: {reason}") from error
    except RecursionError as error:
        raise InvalidInput("the JSON patch does not apply: a value is nested too deep") from error
