"""Read the value of a proposed change: lenient where nothing can be misread, else `Unfit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.changes.unfit import Unfit
from usermemory.schema.form import identity
from usermemory.schema.shape import fits, is_list, is_object, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from usermemory.schema import Field


def value_of(field: Field, value: Any) -> Any:
    """The value of a field, or of one item of it, in the type that its schema wants.

    Raises:
        Unfit: ``no_value``, ``wrong_type`` or ``too_long``.
    """
    schema = field.value_schema
    kind = schema.get("type")
    value = parsed(value, kind) if kind else value
    if isinstance(value, str):
        value = value.strip()
    if value is None or value in ("", [], {}):
        raise Unfit("no_value", f"{field.name} needs a value")
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind and not fits(value, kind):
        raise Unfit("wrong_type", f"{field.name} takes {kind}, not {value!r}")
    short(field, value)
    return _chosen(field, value) if "enum" in schema else value


def single(value: Any) -> Any:
    """The item of a list of one, in which models like to wrap it, be it written as a string."""
    items = parsed(value, "array")
    return items[0] if is_list(items) and len(items) == 1 else value


def short(field: Field, value: Any) -> None:
    """Refuse a string, wherever in the value, that is longer than the field's cap."""
    longest = field.settings.max_length or 0
    if any(len(text) > longest for text in _texts(value)):
        raise Unfit("too_long", f"{field.name} takes at most {longest} characters")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_object(value):
        yield from _texts([*value.values()])
    elif is_list(value):
        for part in value:
            yield from _texts(part)


def _chosen(field: Field, value: Any) -> Any:
    choices = field.value_schema["enum"]
    for choice in choices:
        if identity(choice) == identity(value):
            return choice
    raise Unfit("wrong_type", f"{field.name} takes one of {choices}, not {value!r}")
