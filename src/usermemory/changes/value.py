"""Read the value of a proposed change, in the field's own form and within its caps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from usermemory.changes.coerce import in_form, plain
from usermemory.changes.unfit import Unfit
from usermemory.errors import SchemaError
from usermemory.schema.settings import MAX_LENGTH, caps_of, smaller
from usermemory.schema.shape import Json, canonical, fits, is_list, is_object, parsed, simplify

if TYPE_CHECKING:
    from usermemory.schema import Field


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
    found = read(field, value, whole=whole)
    check_size(field, found, whole=whole)
    return found


def read(field: Field, value: Any, *, whole: bool = False) -> Any:
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
