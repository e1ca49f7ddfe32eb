"""What a proposed change would make of a field's value, before the schema has judged it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.unfit import Unfit
from usermemory.changes.value import short, single, value_of
from usermemory.schema.fold import fold, fold_outer
from usermemory.schema.form import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized

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
    item = value_of(field, single(change.value))
    if change.action == "remove":
        place = _find_text(items, item)
        if place is None:
            raise Unfit("item_not_there", f"{field.name} holds nothing like {item!r}")
        return [*items[:place], *items[place + 1 :]]
    if identity(item) in map(identity, items):
        raise Unfit("duplicate", f"{field.name} holds {item!r} already")
    _room(field, items)
    return [*items, item]


def _mapped(field: Field, items: Mapping[str, Any], change: Change) -> dict[str, Any]:
    key = _key(field, items, change)
    if change.action == "remove":
        if key not in items:
            raise Unfit("item_not_there", f"{field.name} has no {key!r}")
        return {name: item for name, item in items.items() if name != key}
    if key not in items:
        _room(field, items)
        short(field, key)
    return {**items, key: value_of(field, change.value)}


def _inside(field: Field, current: Mapping[str, Any], change: Change) -> dict[str, Any]:
    key = _key(field, field.keys, change)
    if key not in field.keys:
        raise Unfit("unknown_field", f"{field.name} has no {key!r}, only {', '.join(field.keys)}")
    inner = field.keys[key]
    if change.action != "update" or inner.kind == "list":
        return {**current, key: proposed_value(inner, current[key], replace(change, key=None))}
    return {**current, key: value_of(inner, change.value)}


def _object_listed(field: Field, items: list[Any], change: Change) -> list[Any]:
    name = field.settings.key or ""
    if change.action == "add":
        item = _given(field, value_of(field, single(change.value)))
        if _find_text([str(other.get(name)) for other in items], str(item.get(name))) is not None:
            raise Unfit("duplicate", f"{field.name} holds {item.get(name)!r} already: update it")
        _room(field, items)
        return [*items, item]
    wanted = change.key if change.key is not None else change.value
    place = _find_text([str(other.get(name)) for other in items], str(wanted))
    if place is None:
        raise Unfit("item_not_there", f"{field.name} holds nothing called {wanted!r}")
    if change.action == "remove":
        return [*items[:place], *items[place + 1 :]]
    told = {key: part for key, part in value_of(field, change.value).items() if part is not None}
    return [*items[:place], {**items[place], **told, name: items[place][name]}, *items[place + 1 :]]


def _key(field: Field, known: Mapping[str, Any], change: Change) -> str:
    """The key as it is written in the profile already, if it is."""
    if not change.key:
        raise Unfit("unfit_action", f"{change.action} of {field.name} needs a key")
    return next((key for key in known if fold(key) == fold(change.key or "")), change.key)


def _given(field: Field, item: Mapping[str, Any]) -> dict[str, Any]:
    """The item without the nulls that only say "not given"."""
    return {
        key: part
        for key, part in item.items()
        if part is not None or (key in field.keys and field.keys[key].nullable)
    }


def _find_text(items: list[Any], wanted: Any) -> int | None:
    """Where it stands: the very same text, else the same but for case, space, punctuation."""
    for same in (identity, _loose):
        names = [same(item) for item in items]
        if same(wanted) in names:
            return names.index(same(wanted))
    return None


def _loose(item: Any) -> str:
    return fold_outer(item) if isinstance(item, str) else identity(item)


def _room(field: Field, items: Sized) -> None:
    if len(items) >= (field.settings.max_items or 0):
        raise Unfit("list_full", f"{field.name} takes at most {field.settings.max_items} items")
