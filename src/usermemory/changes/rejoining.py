"""A changed profile back in its stored document: what did not change stays verbatim.

So does every misfit, in its place among the other items.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.diff import Collision, compare, put, reshaped
from usermemory.schema.document import ASIDE
from usermemory.schema.form import is_displaced, is_shaped, naming_of, sources, stored_value
from usermemory.schema.renames import is_empty
from usermemory.schema.shape import Json, canonical, goes_on, is_list, is_object, same

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usermemory.records import Applied
    from usermemory.schema.document import Reading
    from usermemory.schema.fields import Field
    from usermemory.schema.schema import Schema


def rejoined(schema: Schema, reading: Reading, document: Mapping[str, Any]) -> Json:
    """The stored document with what has changed in the profile.

    Args:
        schema: Today's.
        reading: What was there.
        document: What became of `Reading.document`.

    Returns:
        The new stored document: verbatim where nothing changed, and with every misfit.
    """
    result = dict(reading.stored)
    for name, known in schema.fields.items():
        before, after = reading.document[name], document[name]
        if same(before, after):
            result.setdefault(name, after)
            continue
        stored = reading.stored.get(name)
        if is_displaced(known, stored):
            stored = None
        result = put_in_place(result, known, _joined(known, stored, before, after, reading.origins))
    return result


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
    if not reading.misfits and all(
        _is_whole(schema.fields[name], reading.stored.get(name), reading.document[name])
        for name in {each.field for each in applied}
    ):
        return whole, tuple(applied)
    exact: list[Applied] = []
    now = reading
    for each in applied:
        field = schema.fields[each.field]
        held = now.stored.get(field.name)
        try:
            stored = rejoined(schema, now, _put_beside(field, now.document, each))
        except Collision:  # what it changes does not fit
            try:
                stored = {**now.stored, field.name: put(field, held_value(field, held), each)}
            except Collision:
                return whole, tuple(applied)
        exact += _settled(field, held, stored.get(field.name), each)
        now = schema.read(stored)
    return rejoined(schema, now, now.document), tuple(exact)


def _put_beside(field: Field, document: Mapping[str, Any], change: Applied) -> dict[str, Any]:
    """What fits, with a change in it; `Collision` if that is none of it."""
    current = document[field.name]
    if change.index is None:  # changes before it may have made something fit there
        before = current if change.key is None else current.get(change.key)
        change = replace(change, before=before)
    value = put(field, current, change)
    if same(value, current):
        raise Collision
    return {**document, field.name: value}


def _settled(field: Field, before: Any, after: Any, change: Applied) -> list[Applied]:
    """A change as it changes the stored value of its field."""
    room = reshaped(field, before)
    made = tuple(compare(field, stored_value(field, before), stored_value(field, after)))
    if len(made) != 1:
        return [*room, change]
    exact = replace(made[0], evidence=change.evidence)
    if field.kind == "object" and is_object(before) and before and exact.key not in before:
        exact = replace(exact, before=None)  # a default, which was never stored
    return [*room, exact]


def _is_whole(field: Field, stored: Any, fitting: Any) -> bool:
    """Whether a stored value is what the schema itself would have stored."""
    if field.kind in {"scalar", "list"} and stored is not None and not same(stored, fitting):
        return False  # 0.0 is read as False, "tea" as "Tea"
    if field.kind == "object" and is_object(stored) and stored:
        return stored.keys() >= field.keys.keys()
    return is_shaped(field, stored)


def held_value(field: Field, stored: Any) -> Any:
    """A stored value as changes are put into it: an object verbatim, without its defaults."""
    return stored if field.kind == "object" and is_object(stored) else stored_value(field, stored)


def put_in_place(
    document: Mapping[str, Any], known: Field, value: Any, *, back: bool = False
) -> Json:
    """The stored document with a field's new value; what cannot stay beside it is set aside.

    Args:
        document: The stored document.
        known: The field.
        value: Its new value; it is set aside no more, if it was.
        back: Whether the value was there before: what took its place goes, if it did by that.
    """
    if known.name == ASIDE:
        return {**document, ASIDE: value} if value else _without_aside(document)
    stored = document.get(known.name)
    aside: Json = dict(document.get(ASIDE, {}))
    held: list[Any] = list(aside.pop(known.name, ()))
    kept = [one for one in held if canonical(one) != canonical(value)]
    returns = back and (
        len(kept) < len(held)
        or same(stored, [value])
        or (known.kind != "scalar" and same(stored, stored_value(known, value)))
    )
    if back and is_empty(value):
        ousted = is_displaced(known, stored)
    else:
        ousted = _is_ousted(stored, value) and not returns
    if ousted:
        kept.append(stored)
    aside |= {known.name: kept} if kept else {}
    result = {**document, known.name: value, ASIDE: aside}
    return result if aside else _without_aside(result)


def _is_ousted(stored: Any, value: Any) -> bool:
    """Whether a value of another shape takes the place of a stored one; a list may take it in."""
    if is_empty(stored) or (is_list(stored), is_object(stored)) == (
        is_list(value),
        is_object(value),
    ):
        return False
    return not (is_list(value) and canonical(stored) in map(canonical, value))


def _without_aside(document: Mapping[str, Any]) -> Json:
    return {name: value for name, value in document.items() if name != ASIDE}


def _joined(known: Field, stored: Any, before: Any, after: Any, origins: Any) -> Any:
    if known.kind in {"list", "objects"}:
        return _joined_items(stored, before, after, origins.get((known.name, None)), known)
    if known.kind == "scalar":
        return after
    result = _merged(known, stored if is_object(stored) else {}, before, after)
    if known.kind == "object":
        for key, inner in known.keys.items():
            if inner.kind in {"list", "objects"} and canonical(before[key]) != canonical(
                after[key]
            ):
                held = stored.get(key) if is_object(stored) else None
                places = origins.get((known.name, key))
                result[key] = _joined_items(held, before[key], after[key], places, inner)
    return result


def _merged(
    known: Field | None, stored: Any, before: Any, after: Any, *, part: bool = False
) -> Any:
    """A value with its changes, at any depth; what the schema does not know of it stays.

    Args:
        known: Its field, or the one that it is a part of; None where the schema says nothing.
        stored: As it is stored.
        before: What fits of it.
        after: What became of that.
        part: Whether it is an item of a list or a value of a map.

    Returns:
        The value; of an object that was stored, with no more properties than were changed.
    """
    if is_list(stored) and is_list(before) and is_list(after):
        return _joined_items(stored, before, after, None, known)
    if not (is_object(stored) and is_object(before) and is_object(after)):
        return after
    result = {key: value for key, value in stored.items() if key not in before or key in after}
    of_map = known is not None and known.kind == "map" and not part
    keys: Mapping[str, Field] = {} if known is None else known.keys
    for key, value in after.items():
        if key not in before or canonical(before[key]) != canonical(value):
            inner = known if of_map else keys.get(key)
            result[key] = _merged(inner, stored.get(key), before.get(key), value, part=of_map)
        elif not stored:
            result[key] = value
    return result


def _joined_items(
    stored: Any, before: list[Any], after: list[Any], origins: Any, known: Field | None
) -> list[Any]:
    """A list with its changes: its other stored items stay, each at its place among the others."""
    kept = stored if is_list(stored) else [] if is_empty(stored) else [stored]
    all_stand = len(kept) == len(before) if origins is None else all(origins)
    if all_stand and goes_on(before, after):
        return [*kept, *after[len(before) :]]
    places: list[list[int]] = sources(known, kept, before) if origins is None else origins
    was = _matches(before, after, known)
    there = [found[0] for found in places if found]
    if there != sorted(there):  # a validator has sorted them: as stored they stay where they are
        where: dict[int | None, int] = {at: each[0] for at, each in enumerate(places) if each}
        order = sorted(range(len(after)), key=lambda at: where.get(was[at], len(kept)))
        after, was = [after[at] for at in order], [was[at] for at in order]
    used = {at for at in was if at is not None}
    gone = {place for at, found in enumerate(places) if at not in used for place in found}
    firsts = {places[at][0] for at in used if places[at]}
    pending = deque(at for at in range(len(kept)) if at not in gone and at not in firsts)
    result: list[Any] = []
    ahead = _next_places(was, places)
    for item, at, until in zip(after, was, ahead, strict=True):
        while pending and pending[0] < until:
            result.append(kept[pending.popleft()])
        if at is None or not places[at]:
            result.append(item)
        else:
            held = kept[places[at][0]]
            stays = _equal(before[at], item)
            result.append(held if stays else _merged(known, held, before[at], item, part=True))
    return [*result, *(kept[at] for at in pending)]


def _matches(before: list[Any], after: list[Any], known: Field | None) -> list[int | None]:
    """For each new item, which one it was; None for what is new."""
    result: list[int | None] = [None] * len(after)
    pairs = enumerate(zip(before, after, strict=False))
    shorter = min(len(before), len(after))
    # Nearly all of a long list stays as it is.
    begin = next((at for at, pair in pairs if not _equal(*pair)), shorter)
    result[:begin] = range(begin)
    free: dict[str | tuple[str], deque[int]] = defaultdict(deque)
    for at in range(begin, len(before)):
        free[_exactly(before[at])].append(at)
    left = set(range(begin, len(before)))
    for number, item in enumerate(after[begin:], begin):
        if same := free[_exactly(item)]:
            at = same.popleft()
            result[number] = at
            left.discard(at)
    names: dict[str, deque[int]] = defaultdict(deque)
    for at in sorted(left):
        if name := naming_of(known, before[at]):
            names[name].append(at)
    for number, item in enumerate(after[begin:], begin):
        name = naming_of(known, item)
        if result[number] is None and name and names[name]:
            result[number] = names[name].popleft()
    return result


def _exactly(item: Any) -> str | tuple[str]:
    """What equal JSON values have in common: a text is one by itself."""
    return item if isinstance(item, str) else (canonical(item),)


def _equal(one: Any, other: Any) -> bool:
    return one == other if isinstance(one, str) else same(one, other)


def _next_places(was: list[int | None], places: Sequence[Sequence[int]]) -> list[float]:
    """For each item, the place of the next old one from it on; what stands before goes first."""
    ahead: list[float] = []
    until = float("inf")
    for at in reversed(was):
        if at is not None and places[at]:
            until = places[at][0]
        ahead.append(until)
    return ahead[::-1]
