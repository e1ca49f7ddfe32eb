"""Put a change into a value as it is now, by value: so it can be taken back whatever came since."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from usermemory.changes.compare import naming
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical, is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.records import Action, Applied
    from usermemory.schema import Field

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
    for same in (canonical, partial(_name, field)):
        names = list(map(same, items))
        if same(wanted) in names:
            return names.index(same(wanted))
    return None


def _name(field: Field, item: Any) -> str:
    return identity(naming(field, item) or item)


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
