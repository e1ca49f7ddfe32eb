"""Take a value out of a field, whatever the schema thinks of the rest: erasing always succeeds."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import compare, naming
from usermemory.changes.place import Collision, put
from usermemory.records import Applied
from usermemory.schema.form import identity

if TYPE_CHECKING:
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
