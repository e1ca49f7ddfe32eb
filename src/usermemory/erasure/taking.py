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

    An item of a list is found by what it says or by its name. A value inside of an item goes from
    it alone: the item stays, unless it cannot be without. What is not there is no error.
    """
    empty = copy.deepcopy(field.default)
    wanted = identity(value)
    match field.kind:
        case _ if value is None:
            return empty
        case "scalar":
            return empty if identity(current) == wanted else _inside(None, current, wanted)
        case "map":
            rest = {key: item for key, item in current.items() if identity(key) != wanted}
            return _inside(field, rest, wanted)
        case "object":
            named = {key for key in current if identity(key) == wanted}
            held, lost = _split(field, current, wanted)
            return _emptied(field, held, named | lost)
        case "list" | "objects":
            kept = [item for item in current if wanted not in _names(field, item)]
            return _inside(field, kept, wanted)


_GONE = object()
"""In the place of an object that cannot be without what went."""


def _inside(field: Field | None, value: Any, wanted: str) -> Any:
    """A list, map or object without the value anywhere in it.

    Args:
        field: What it is a value of; None where no schema knows.
        value: Any JSON value, that is not the wanted one itself.
        wanted: The identity of what goes.
    """
    if is_list(value):
        parts = (_part(field, item, wanted) for item in value if identity(item) != wanted)
        return [part for part in parts if part is not _GONE]
    if is_object(value) and field and field.kind == "map":
        kept = {key: item for key, item in value.items() if identity(item) != wanted}
        found = {key: _part(field, item, wanted) for key, item in kept.items()}
        return {key: part for key, part in found.items() if part is not _GONE}
    return _part(field, value, wanted)


def _part(field: Field | None, value: Any, wanted: str) -> Any:
    """An item without the value: an object with the field's properties, or anything else."""
    if not is_object(value):
        return _inside(None, value, wanted) if is_list(value) else value
    held, lost = _split(field, value, wanted)
    if field and any(field.keys[key].required for key in lost & field.keys.keys()):
        return _GONE
    return _emptied(field, held, lost)


def _split(
    field: Field | None, value: Mapping[str, Any], wanted: str
) -> tuple[Mapping[str, Any], set[str]]:
    """An object without the value inside of its properties, and the properties that it is."""
    keys: Mapping[str, Field] = field.keys if field else {}
    held = {key: _inside(keys.get(key), item, wanted) for key, item in value.items()}
    return held, {key for key in held if held[key] is _GONE or identity(value[key]) == wanted}


def _emptied(field: Field | None, value: Mapping[str, Any], lost: set[str]) -> Mapping[str, Any]:
    """An object without these properties: what the schema says of an empty one stands there."""
    keys: Mapping[str, Field] = field.keys if field else {}
    defaults = {key: copy.deepcopy(keys[key].default) for key in lost & keys.keys()}
    return {key: item for key, item in value.items() if key not in lost} | defaults


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
