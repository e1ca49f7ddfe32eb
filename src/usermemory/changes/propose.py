"""What a proposed change would make of a field's value, before the schema has judged it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.coerce import plain
from usermemory.changes.unfit import Unfit
from usermemory.changes.value import check_key, check_size, read, single, value_of
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical, is_object, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sized

    from usermemory.records import Change
    from usermemory.schema import Field


def proposed_value(field: Field, current: Any, change: Change) -> Any:
    """The field's value with the change in it; `Unfit` where it makes no sense."""
    if change.action not in field.actions:
        raise Unfit(
            "unfit_action", f"{field.name} takes {', '.join(field.actions)}, not {change.action}"
        )
    match field.kind:
        case "scalar":
            return field.default if change.action == "clear" else value_of(field, change.value)
        case "list":
            return _listed(field, current, change)
        case "map":
            return _mapped(field, current, change)
        case "object":
            return _inside(field, current, change)
        case "objects":
            return _object_listed(field, current, change)


def _listed(field: Field, items: list[Any], change: Change) -> list[Any]:
    item = read(field, single(change.value))
    place = _place(items, item)
    if change.action == "remove":
        if place is None:
            raise Unfit("item_not_there", f"{field.name} holds nothing like {item!r:.100}")
        return [*items[:place], *items[place + 1 :]]
    if place is not None:
        raise Unfit("duplicate", f"{field.name} holds {item!r:.100} already")
    check_size(field, item)
    _room(field, items)
    return [*items, item]


def _mapped(field: Field, items: Mapping[str, Any], change: Change) -> dict[str, Any]:
    key = _key(field, items, change)
    if change.action == "remove":
        if key not in items:
            raise Unfit("item_not_there", f"{field.name} has no {key!r:.100}")
        return {name: item for name, item in items.items() if name != key}
    if key not in items:
        _room(field, items)
        check_key(field, key)
    return {**items, key: value_of(field, change.value)}


def _inside(field: Field, current: Mapping[str, Any], change: Change) -> dict[str, Any]:
    key = _key(field, field.keys, change)
    if key not in field.keys:
        known = ", ".join(field.keys)
        raise Unfit("unknown_field", f"{field.name} has no {key!r:.100}, only {known}")
    inner = field.keys[key]
    if change.action != "update" or inner.kind == "list":
        return {**current, key: proposed_value(inner, current[key], replace(change, key=None))}
    return {**current, key: value_of(inner, change.value, whole=True)}


def _object_listed(field: Field, items: list[Any], change: Change) -> list[Any]:
    if change.action == "add":
        return _with_object(field, items, value_of(field, single(change.value)))
    wanted = _wanted(field, change)
    place = _place(_names(field, items), wanted)
    if place is None:
        raise Unfit("item_not_there", f"{field.name} holds nothing called {wanted:.100}")
    if change.action == "remove":
        return [*items[:place], *items[place + 1 :]]
    return _updated(field, items, place, value_of(field, change.value))


def _with_object(field: Field, items: list[Any], item: Mapping[str, Any]) -> list[Any]:
    """The list with an item that is new; what is new about it, where one of its name is there.

    An item without a name can only be told from others as a whole.
    """
    name = item.get(field.settings.key or "")
    if name is None:
        if canonical(item) in map(canonical, items):
            raise Unfit("duplicate", f"{field.name} holds such an item already")
    elif (place := _place(_names(field, items), str(name))) is not None:
        # An addition says nothing by what it leaves empty, or writes as it is written already.
        held = items[place]
        news = {key: part for key, part in item.items() if part not in ([], {}, "")}
        news = {key: part for key, part in news.items() if not _says(held.get(key), part)}
        return _updated(field, items, place, news)
    _room(field, items)
    return [*items, {**_defaults(field, item), **item}]


def _updated(field: Field, items: list[Any], place: int, told: Mapping[str, Any]) -> list[Any]:
    """The list with the given parts of one item; its name stays as it is written."""
    name = field.settings.key or ""
    parts = {key: part for key, part in told.items() if part is not None and key != name}
    return [*items[:place], {**items[place], **parts}, *items[place + 1 :]]


def _defaults(field: Field, item: Mapping[str, Any]) -> dict[str, Any]:
    """What the schema says of properties that were not given: a JSON Schema alone adds nothing."""
    return {
        name: copy.deepcopy(part["default"])
        for name, part in field.value_schema.get("properties", {}).items()
        if name not in item and is_object(part) and part.get("default") is not None
    }


def _wanted(field: Field, change: Change) -> str:
    """The name of the item that is meant: the key, else the name in the value, else the value."""
    if change.key is not None:
        return str(change.key)
    value = parsed(single(plain(change.value, field.name)), "object")
    name = value.get(field.settings.key or "") if is_object(value) else value
    if name is None:
        raise Unfit("no_value", f"{change.action} of {field.name} needs the name of an item")
    return str(name)


def _names(field: Field, items: Iterable[Mapping[str, Any]]) -> list[str]:
    name = field.settings.key or ""
    return [str(item.get(name)) for item in items]


def _key(field: Field, known: Mapping[str, Any], change: Change) -> str:
    """The key as it is written in the profile already, if it is."""
    key = "" if change.key is None else str(change.key).strip()
    if not key:
        raise Unfit("unfit_action", f"{change.action} of {field.name} needs a key")
    place = _place([*known], key)
    return key if place is None else [*known][place]


def _place(items: list[Any], wanted: Any) -> int | None:
    """Where it stands: exactly so, else the same but for case, space, and punctuation around."""
    if isinstance(wanted, str) and wanted in items:
        return items.index(wanted)
    names = [identity(item) for item in items]
    return names.index(identity(wanted)) if identity(wanted) in names else None


def _says(held: Any, part: Any) -> bool:
    return identity(held) == identity(part)


def _room(field: Field, items: Sized) -> None:
    most = field.settings.max_items
    if most is not None and len(items) >= most:
        raise Unfit("list_full", f"{field.name} takes at most {most} items (max_items)")
