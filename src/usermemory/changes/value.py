"""The value of a proposed change, in the field's own form and within its caps."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.changes.coerce import Unfit, in_form, plain
from usermemory.errors import SchemaError
from usermemory.schema.fields import MAX_LENGTH, NAMING, caps_of, smaller
from usermemory.schema.form import identities, identity, sources
from usermemory.schema.shape import Json, canonical, fits, is_list, is_object, parsed, simplify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized

    from usermemory.records import Change, Misfit
    from usermemory.schema import Field, Schema
    from usermemory.schema.document import Reading


def value_of(field: Field, value: Any, *, whole: bool = False) -> Any:
    """The value of a field, or of one item of it, in the type that its schema wants.

    Args:
        field: The field.
        value: What was proposed. Tuples and sets are read as lists, dates and times as their ISO
            texts, enums as their values.
        whole: Read all items of a list or map at once, instead of one.

    Raises:
        Unfit: ``no_value``, ``wrong_type`` (what is no JSON too), ``too_long`` or ``list_full``.
    """
    found = read_value(field, value, whole=whole)
    check_size(field, found, whole=whole)
    return found


def read_value(field: Field, value: Any, *, whole: bool = False) -> Any:
    """As `value_of`, of any size: what has become too long can still be named, to remove it."""
    schema = _whole(field) if whole else field.value_schema
    kind = schema.get("type")
    found = in_form(schema, plain(value, field.name), field.name)
    if found is None or found in ("", [], {}):
        raise Unfit("no_value", f"{field.name} needs a value")
    if kind and not fits(found, kind):
        raise Unfit("wrong_type", f"{field.name} takes {kind}, not {_shown(found)}")
    choices = schema.get("enum")
    if choices and canonical(found) not in map(canonical, choices):
        raise Unfit("wrong_type", f"{field.name} takes one of {choices}, not {_shown(found)}")
    return found


def single(value: Any) -> Any:
    """The item of a list of one, in which models like to wrap it, be it written as a string."""
    items = parsed(value, "array")
    return items[0] if is_list(items) and len(items) == 1 else value


def check_size(field: Field, value: Any, *, whole: bool = False) -> None:
    """Refuse a value, or a string or list anywhere in it, that is larger than its cap."""
    schema = _whole(field) if whole else field.value_schema
    _sized(schema, value, field.name, field.settings.max_length)


def check_key(field: Field, key: str) -> None:
    """Refuse a key of a map that is longer than its field's cap, or than a string may be."""
    own = field.settings.max_length
    # A cap that comes from the schema of the values says nothing of the keys.
    longest = None if own == caps_of(field.value_schema)[1] else own
    if len(key) > (longest := longest or MAX_LENGTH):
        raise Unfit("too_long", f"a key of {field.name} takes at most {longest} characters")


def _sized(schema: Mapping[str, Any], value: Any, path: str, cap: int | None) -> None:
    try:
        schema, _ = simplify(schema, path)
    except SchemaError:
        schema = {}
    most, longest = caps_of(schema)
    if isinstance(value, str):
        longest = smaller(cap, longest) or MAX_LENGTH
        if len(value) > longest:
            raise Unfit("too_long", f"{path} takes at most {longest} characters, not {len(value)}")
    elif is_list(value) or is_object(value):
        if most is not None and len(value) > most:
            raise Unfit("list_full", f"{path} takes at most {most} items, not {len(value)}")
        for name, inner, part in _parts(schema, value):
            _sized(inner if is_object(inner) else {}, part, f"{path}{name}", cap)


def _parts(schema: Mapping[str, Any], value: list[Any] | Json) -> Iterator[tuple[str, Any, Any]]:
    """What stands in a list or an object: how to name it, its schema, and its value."""
    if is_object(value):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        yield from ((f".{name}", known.get(name, rest), part) for name, part in value.items())
    else:
        yield from (("[]", schema.get("items"), part) for part in value)


def _whole(field: Field) -> Mapping[str, Any]:
    """The JSON Schema of all that a field holds; `Field.value_schema` is of one item of it."""
    match field.kind:
        case "list" | "objects":
            most = {"maxItems": field.settings.max_items}
            return {"type": "array", "items": field.value_schema, **most}
        case "map":
            most = {"maxProperties": field.settings.max_items}
            return {"type": "object", "additionalProperties": field.value_schema, **most}
        case _:
            return field.value_schema


def _shown(value: Any) -> str:
    return f"{value!r:.100}"


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
    item = read_value(field, single(change.value))
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
        held = _as_object(field, items[place])
        news = {key: part for key, part in item.items() if part not in ([], {}, "")}
        news = {key: part for key, part in news.items() if not _says(held.get(key), part)}
        return _updated(field, items, place, news)
    _room(field, items)
    return [*items, {**_defaults(field, item), **item}]


def _updated(field: Field, items: list[Any], place: int, told: Mapping[str, Any]) -> list[Any]:
    """The list with the given parts of one item; its name stays as it is written."""
    name = field.settings.key or ""
    parts = {key: part for key, part in told.items() if part is not None and key != name}
    return [*items[:place], {**_as_object(field, items[place]), **parts}, *items[place + 1 :]]


def as_wanted(field: Field, wanted: Any, made: Any) -> Any:
    """A list as the schema made it, in the wanted order: that a validator sorts is no change."""
    if not is_list(wanted) or not is_list(made) or wanted == made:
        return made
    places = sources(field, wanted, made)
    if sorted(places) != [[at] for at in range(len(wanted))]:
        return made
    return [made[places.index([at])] for at in range(len(wanted))]


def spoken_of(reading: Reading, change: Change, schema: Schema) -> Misfit | None:
    """The misfit that a change speaks of, if it speaks of one."""
    field = schema.fields.get(change.field)
    about = (one for one in reading.misfits if field and is_about(field, change, one))
    return next(about, None)


def is_about(field: Field, change: Change, misfit: Misfit) -> bool:
    """Whether a change of a field speaks of a value of it that does not fit, by its name or text.

    Raises:
        Unfit: The value of the change is no JSON.
    """
    inside = field.kind in {"map", "object"}
    elsewhere = inside and identity(misfit.key) != identity(change.key)
    if elsewhere or (misfit.field, misfit.reason) != (field.name, "does_not_fit"):
        return False
    if field.kind not in {"list", "objects"} and misfit.index is None:
        return True
    named = None if inside else change.key
    if named is None:
        named = _called(field, parsed(single(plain(change.value, field.name)), "object"))
    return identity(named) == identity(_called(field, misfit.value))


def _called(field: Field, item: Any) -> str:
    """What an item goes by: its key, another property that names it, or its text."""
    if is_object(item):
        names = (field.settings.key or "", *NAMING)
        item = next((item[one] for one in names if item.get(one) is not None), None)
    return str(item)


def _as_object(field: Field, item: Any) -> Mapping[str, Any]:
    """An item of a list of objects; a text that stands there is the name of one."""
    return item if is_object(item) else {field.settings.key or "": item}


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


def _names(field: Field, items: Iterable[Any]) -> list[str]:
    return [_called(field, item) for item in items]


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
    names, name = identities(items), identity(wanted)
    return names.index(name) if name in names else None


def _says(held: Any, part: Any) -> bool:
    return identity(held) == identity(part)


def _room(field: Field, items: Sized) -> None:
    most = field.settings.max_items
    if most is not None and len(items) >= most:
        raise Unfit("list_full", f"{field.name} takes at most {most} items (max_items)")


def is_rest(one: Misfit, known: Misfit) -> bool:
    """Whether a misfit is what is left of another one after parts of it were taken out."""
    place, there = (replace(each, value=None).place for each in (one, known))
    return place == there and _is_left(one.value, known.value)


def _is_left(part: Any, whole: Any) -> bool:
    if is_list(part) and is_list(whole):
        there = iter(whole)
        return all(any(_is_left(one, each) for each in there) for one in part)
    if is_object(part) and is_object(whole):
        return all(key in whole and _is_left(one, whole[key]) for key, one in part.items())
    return canonical(part) == canonical(whole)
