"""Take a value out of a field, whatever the schema thinks of the rest: erasing always succeeds."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import compare, naming
from usermemory.changes.place import Collision, put
from usermemory.records import Applied
from usermemory.schema.form import identity
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.schema import Field


def without(field: Field, current: Any, value: Any) -> Any:
    """The field's value without one item, key or property; without anything for None.

    An item of a list is found by what it says or by its name; what is not there is no error.
    """
    empty = copy.deepcopy(field.default)
    wanted = identity(value)
    match field.kind:
        case _ if value is None:
            return empty
        case "scalar":
            return empty if identity(current) == wanted else current
        case "map":
            return {key: item for key, item in current.items() if identity(key) != wanted}
        case "object":
            named = {key for key in field.keys if identity(key) == wanted}
            named |= {key for key, held in current.items() if identity(held) == wanted}
            named |= {key for key in current if identity(key) == wanted}
            rest = {key: held for key, held in current.items() if key not in named}
            defaults = {
                key: copy.deepcopy(field.keys[key].default) for key in named & field.keys.keys()
            }
            return {**rest, **defaults}
        case "list" | "objects":
            return [item for item in current if wanted not in _names(field, item)]


def taken(field: Field, current: Any, value: Any) -> tuple[Any, list[Applied], list[Applied]]:
    """The field's value without another value, wherever that stands in it.

    Returns:
        What is left; the items, keys and properties that went; and what changed since the value
        stood inside of them.
    """
    rest = without(field, current, value)
    left = rest if value is None else cleared(field, rest, value)
    return left, removed(field, current, rest), removed(field, rest, left)


def cleared(field: Field, current: Any, value: Any) -> Any:
    """The field's value without what stands inside of its items: a property, a value of a map.

    An item goes whole where the schema demands the property, or nothing else is in it.
    """
    wanted = identity(value)
    match field.kind:
        case "scalar":
            left = _without_inside(current, {}, wanted)
            return copy.deepcopy(field.default) if left is _NOTHING else left
        case "map":
            found = {key: _left(item, field.keys, wanted) for key, item in current.items()}
            return {key: item for key, item in found.items() if item is not _NOTHING}
        case "object":
            inner = {key: _left(item, _keys(field, key), wanted) for key, item in current.items()}
            return {
                key: _empty(field, key) if item is _NOTHING else item
                for key, item in inner.items()
                if item is not _NOTHING or key in field.keys
            }
        case "list" | "objects":
            items = [_without_inside(item, field.keys, wanted) for item in current]
            return [item for item in items if item is not _NOTHING]


def without_inside(field: Field, change: Applied, value: Any) -> Applied:
    """A past change of a field without what stood inside of its values."""
    if value is None:
        return change
    keys = _keys(field, change.key or "") if field.kind == "object" else field.keys
    wanted = identity(value)
    left = [_without_inside(side, keys, wanted) for side in (change.before, change.after)]
    if any(side is _NOTHING for side in left):
        return change
    return replace(change, before=left[0], after=left[1])


_NOTHING: Any = object()


def _left(value: Any, keys: Mapping[str, Field], wanted: str) -> Any:
    """A value without what is wanted, `_NOTHING` if it is that."""
    return _NOTHING if identity(value) == wanted else _without_inside(value, keys, wanted)


def _without_inside(value: Any, keys: Mapping[str, Field], wanted: str) -> Any:
    """A value without what is wanted in it; `_NOTHING` where it cannot be without."""
    if is_list(value):
        items = [_left(item, keys, wanted) for item in value]
        kept = [item for item in items if item is not _NOTHING]
        return kept if kept or not value else _NOTHING
    if not is_object(value):
        return value
    found: dict[str, Any] = {}
    for key, part in value.items():
        known = keys.get(key)
        if known is None and identity(key) == wanted:
            continue
        left = _left(part, {} if known is None else known.keys, wanted)
        if left is not _NOTHING:
            found[key] = left
        elif known is not None and known.required:
            return _NOTHING
        elif known is not None and identity(known.default) != wanted:
            found[key] = copy.deepcopy(known.default)
    return found if found or not value else _NOTHING


def _keys(field: Field, key: str) -> Mapping[str, Field]:
    return field.keys[key].keys if key in field.keys else {}


def _empty(field: Field, key: str) -> Any:
    return copy.deepcopy(field.keys[key].default)


def taken_back(field: Field, current: Any, change: Applied) -> Any:
    """The field's value without what this change put there; as it is, if it is not there now."""
    if change.after is None:
        return current
    try:
        return put(field, current, replace(change, before=change.after, after=None))
    except Collision:
        return current


def removed(field: Field, before: Any, after: Any) -> list[Applied]:
    """What went, by value."""
    return [one for one in compare(field, before, after) if one.before is not None]


def subject_of(field: Field | None, change: Applied, value: Any) -> Any:
    """What a tombstone is made of: the value, with its key where that is a part of what it says."""
    if change.key is not None and field is not None and field.kind in {"map", "object"}:
        return [change.key, value]
    return value


def _names(field: Field, item: Any) -> set[str]:
    names = {identity(item)}
    if (name := naming(field, item)) is not None:
        names.add(identity(name))
    return names
