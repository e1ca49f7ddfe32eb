"""What was done to a field, by value: read off, put in again, and shown as JSON patches."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from usermemory.records import Applied, Change
from usermemory.schema.form import identities, identity, is_shaped, stored_value
from usermemory.schema.shape import canonical, goes_on, is_list, is_object, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from usermemory.records import Action
    from usermemory.schema import Field, Schema


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], schema: Schema
) -> tuple[Applied, ...]:
    """Everything that turns one document into the other, in the order in which to do it.

    Args:
        before: A document of the schema; misfits may be in it.
        after: Another one with every field.
        schema: Their schema; fields unknown to it are left alone.
    """
    return tuple(
        applied
        for name, field in schema.fields.items()
        for applied in compare(field, before.get(name, field.default), after[name])
    )


def proposed(applied: Applied) -> Change:
    """The change that would do the same again, without a quote."""
    taken = applied.action == "remove"
    return Change(
        applied.field,
        applied.action,
        applied.before if taken and applied.index is not None else applied.after,
        key=applied.key,
    )


def compare(field: Field, before: Any, after: Any) -> Iterator[Applied]:
    """What turns one value of a field into the other."""
    match field.kind:
        case "scalar":
            if canonical(before) != canonical(after):
                yield Applied(field.name, "clear" if after is None else "set", before, after)
        case "map":
            for key in dict.fromkeys([*before, *after]):
                old, new = before.get(key), after.get(key)
                if not _same(old, new):
                    yield Applied(field.name, "remove" if new is None else "set", old, new, key)
        case "object":
            for key, inner in field.keys.items():
                was, now = (side.get(key, inner.default) for side in (before, after))
                yield from _inside(field, inner, was, now)
            yield from _strangers(field, before, after)
        case "list" | "objects":
            yield from _items(field, before, after)


def turned(field: Field, before: Any, after: Any) -> Iterator[Applied]:
    """What turns one stored value of a field into another, of whatever shape.

    Where a value of another shape makes room for what the field holds, or comes back, a change of
    the whole field comes first, or last: so undo gives back what was there, verbatim.
    """
    if same(before, after):
        return
    if not is_shaped(field, before) and not is_shaped(field, after):
        yield Applied(field.name, "set", before, after)
        return
    yield from reshaped(field, before)
    yield from compare(field, stored_value(field, before), stored_value(field, after))
    for room in reshaped(field, after):
        yield replace(room, before=room.after, after=room.before)


def reshaped(field: Field, stored: Any) -> list[Applied]:
    """What makes room in a field for what it holds, if a value of another shape stands there."""
    if field.kind == "scalar" or is_shaped(field, stored):
        return []
    return [Applied(field.name, "set", stored, stored_value(field, stored))]


def _inside(field: Field, inner: Field, before: Any, after: Any) -> Iterator[Applied]:
    if inner.kind == "list" and is_list(before) and is_list(after):
        for applied in _items(inner, before, after):
            yield replace(applied, field=field.name, key=inner.name)
    elif not same(before, after):
        yield Applied(field.name, "clear" if after is None else "update", before, after, inner.name)


def _strangers(field: Field, before: Any, after: Any) -> Iterator[Applied]:
    """Properties that an older schema left in an object."""
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if key not in field.keys and not _same(old, new):
            yield Applied(field.name, "clear" if new is None else "update", old, new, key)


def _items(field: Field, before: list[Any], after: list[Any]) -> Iterator[Applied]:
    """Items taken out and put in; ``index`` is where, once all before it is done."""
    start, old_end, new_end = _changed(before, after)
    kept = _aligned(
        [_name(field, item) for item in before[start:old_end]],
        [_name(field, item) for item in after[start:new_end]],
    )
    old = new = start
    for old_place, new_place in [*kept, (old_end - start, new_end - start)]:
        for item in before[old : start + old_place]:
            yield Applied(field.name, "remove", item, None, naming(field, item), new)
        for place in range(new, start + new_place):
            item = after[place]
            yield Applied(field.name, "add", None, item, naming(field, item), place)
        old, new = start + old_place, start + new_place
        if old < old_end and new < new_end:
            item, now = before[old], after[new]
            if not _same(item, now):
                yield Applied(field.name, "update", item, now, naming(field, now), new)
        old, new = old + 1, new + 1


def _changed(before: list[Any], after: list[Any]) -> tuple[int, int, int]:
    """Where two lists begin to differ, and where either ends to: an addition is one item long."""
    if goes_on(before, after):
        return len(before), len(before), len(after)
    shorter = min(len(before), len(after))
    start = _alike(before, after, shorter)
    end = _alike(reversed(before), reversed(after), shorter - start)
    return start, len(before) - end, len(after) - end


def _alike(one: Iterable[Any], other: Iterable[Any], most: int) -> int:
    """How many values two lists begin with alike: mostly the very same ones."""
    pairs = enumerate(islice(zip(one, other, strict=False), most))
    return next((at for at, (a, b) in pairs if a is not b and not _same(a, b)), most)


def _aligned(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """Places of the items that stay where they are: most of those in both, in one order.

    The longest increasing run of places (patience sorting), so that lists of thousands in any
    order take no longer than sorting them. Of items of one name the first is the first.
    """
    places = {token: place for place, token in enumerate(_numbered(after))}
    pairs = [(old, places[token]) for old, token in enumerate(_numbered(before)) if token in places]
    ends: list[int] = []  # the smallest place at which a run of each length ends
    last: list[int] = []  # which pair that is
    previous: list[int | None] = []
    for at, (_, new) in enumerate(pairs):
        length = bisect_left(ends, new)
        if length == len(ends):
            ends.append(new)
            last.append(at)
        ends[length], last[length] = new, at
        previous.append(last[length - 1] if length else None)
    run: list[tuple[int, int]] = []
    here = last[-1] if last else None
    while here is not None:
        run.append(pairs[here])
        here = previous[here]
    return run[::-1]


def _numbered(names: list[str]) -> list[tuple[str, int]]:
    """Each name with how often it was there before."""
    seen: Counter[str] = Counter()
    found: list[tuple[str, int]] = []
    for name in names:
        found.append((name, seen[name]))
        seen[name] += 1
    return found


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are written alike; most are, which a look at both tells at once."""
    if one != other:
        return False
    return isinstance(one, str) or repr(one) == repr(other) or canonical(one) == canonical(other)


def _name(field: Field, item: Any) -> str:
    """Items of one name are the same item, perhaps changed; plain items are only themselves."""
    name = naming(field, item)
    return canonical(item) if name is None else identity(name)


def naming(field: Field, item: Any) -> str | None:
    """How an item of a list of objects is addressed; other items are addressed by themselves."""
    named = field.kind == "objects" and is_object(item)
    return str(item.get(field.settings.key or "")) if named else None


_OPPOSITE: Mapping[Action, Action] = {"add": "remove", "remove": "add"}


class Collision(Exception):
    """What the change starts from is no longer there: somebody changed it since."""


def is_whole(field: Field, applied: Applied) -> bool:
    """Whether a change put all that a field holds in the place of a value of another shape."""
    if field.kind == "scalar" or applied.key is not None or applied.index is not None:
        return field.kind == "scalar"
    return field.kind in {"map", "object"} or is_list(applied.before) or is_list(applied.after)


def inverted(applied: Applied) -> Applied:
    """The change that takes this one back."""
    return replace(
        applied,
        action=_opposite(applied),
        before=applied.after,
        after=applied.before,
        evidence=(),
        at=None,
    )


def _opposite(applied: Applied) -> Action:
    if applied.index is not None:  # an item of a list
        return _OPPOSITE.get(applied.action, applied.action)
    of_map = applied.key is not None and applied.action in {"set", "remove"}
    if applied.before is None:
        return "remove" if of_map else "clear"
    return "set" if of_map or applied.key is None else "update"


def put(field: Field, current: Any, applied: Applied) -> Any:
    """The field's value with this change in it.

    What is so already is left as it is, and what changed beside it stays.

    Raises:
        Collision: Somebody has changed the same thing since.
    """
    if is_whole(field, applied):
        return _replaced(current, applied.before, applied.after)
    key = applied.key or ""
    match field.kind:
        case "scalar":
            return _replaced(current, applied.before, applied.after)
        case "map":
            value = _replaced(current.get(key), applied.before, applied.after)
            return _without(current, key) if value is None else {**current, key: value}
        case "object":
            inner = field.keys.get(key)
            if inner is not None and inner.kind == "list" and applied.index is not None:
                return {**current, key: _put_item(inner, current[key], applied)}
            value = _replaced(current.get(key), applied.before, applied.after)
            return (
                _without(current, key)
                if inner is None and value is None
                else current | {key: value}
            )
        case "list" | "objects":
            return _put_item(field, current, applied)


def _without(current: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: item for name, item in current.items() if name != key}


def _put_item(field: Field, items: list[Any], applied: Applied) -> list[Any]:
    place = find(field, items, applied.after if applied.before is None else applied.before)
    if applied.before is None:
        if place is None:
            where = len(items) if applied.index is None else min(applied.index, len(items))
            return [*items[:where], applied.after, *items[where:]]
        _replaced(items[place], applied.before, applied.after)
        return items
    if place is None:
        if applied.after is None:
            return items
        raise Collision
    item = _replaced(items[place], applied.before, applied.after)
    return [*items[:place], *([] if item is None else [item]), *items[place + 1 :]]


def find(field: Field, items: list[Any], wanted: Any) -> int | None:
    """Where an item stands: the very same, else one that says the same or has the same name."""
    equal = (at for at, item in enumerate(items) if item == wanted and same(item, wanted))
    place = next(equal, None)
    if place is None:
        names, name = _same_things(field, items), _same_things(field, [wanted])[0]
        place = names.index(name) if name in names else None
    return place


def finder(field: Field, items: list[Any]) -> Callable[[Any], int | None]:
    """As `find`, for a list in which many are looked for: it is read once."""
    backwards = range(len(items) - 1, -1, -1)  # of equal ones the first counts
    exact = {canonical(items[at]): at for at in backwards}
    names = _same_things(field, items)
    named = {names[at]: at for at in backwards}

    def found(wanted: Any) -> int | None:
        place = exact.get(canonical(wanted))
        return named.get(_same_things(field, [wanted])[0]) if place is None else place

    return found


def _same_things(field: Field, items: Sequence[Any]) -> list[str]:
    if field.kind != "objects":
        return identities(items)
    return identities([naming(field, item) or item for item in items])


def _replaced(current: Any, before: Any, after: Any) -> Any:
    """``after`` where ``before`` stands; in an object each property by itself."""
    if canonical(current) == canonical(after):
        return current
    if canonical(current) == canonical(before):
        return after
    if is_object(current) and is_object(before) and is_object(after):
        touched = {key for key in {**before, **after} if before.get(key) != after.get(key)}
        return current | {
            name: _replaced(current.get(name), before.get(name), after.get(name))
            for name in sorted(touched)
        }
    raise Collision


Operation = dict[str, Any]


def patch(applied: Sequence[Applied]) -> list[Operation]:
    """The JSON patch of these changes, applicable to the document before them.

    What was erased is left out: then it shows what is left, and applies to nothing.
    """
    return [_operation(each) for each in applied if not each.erased]


def inverse(applied: Sequence[Applied]) -> list[Operation]:
    """The JSON patch that takes these changes back, applicable to the document after them."""
    return [_operation(inverted(each)) for each in reversed(applied) if not each.erased]


def _operation(applied: Applied) -> Operation:
    path = _pointer(applied)
    if applied.action == "remove":
        return {"op": "remove", "path": path}
    # Only what can be absent is added: items and the keys of maps. All else is in every document.
    new_key = applied.action == "set" and applied.key is not None and applied.before is None
    if applied.action == "add" or new_key:
        return {"op": "add", "path": path, "value": applied.after}
    return {"op": "replace", "path": path, "value": applied.after}


def _pointer(applied: Applied) -> str:
    item = applied.before if applied.after is None else applied.after
    # The key of an item of a list of objects is its name, not a place in the document.
    named = applied.index is not None and isinstance(item, dict)
    steps = (applied.field, None if named else applied.key, applied.index)
    return "".join(
        "/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps if step is not None
    )
