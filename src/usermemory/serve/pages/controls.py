"""Forms that edit a place of a profile: their controls, and what was typed into them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from usermemory.changes.coerce import in_form
from usermemory.errors import InvalidInput
from usermemory.schema.form import identity
from usermemory.schema.shape import is_list, is_object
from usermemory.serve.pages.words import label, pointer, readable
from usermemory.text import is_nothing

if TYPE_CHECKING:
    from usermemory.schema import Field
    from usermemory.serve.pages.values import Spot

_LONG = 80

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Moment:
    """How a date or a time is written: by an example, what is said of that, and what reads it."""

    example: str
    read: Any
    zone: str = ""

    def fits(self, text: str) -> bool:
        """Whether a text is one."""
        with suppress(ValueError):
            self.read(text)
            return True
        return False

    def told(self, title: str) -> str:
        """What is said of a text that is none."""
        return f"{title}: write it as {self.example}."


def _read_day(text: str) -> date:
    if not _DAY.fullmatch(text):  # `fromisoformat` takes weeks and days without dashes too
        raise ValueError(text)
    return date.fromisoformat(text)


_MOMENTS = {
    "date": _Moment("2026-05-31", _read_day),
    "date-time": _Moment(
        "2026-05-31T18:30Z", datetime.fromisoformat, ", with its zone: Z for UTC, or such as +02:00"
    ),
    "time": _Moment("18:30", time.fromisoformat),
}
"""By the format that JSON Schema names."""


@dataclass(frozen=True, slots=True)
class Input:
    """One control of a form.

    Attributes:
        name: In the form.
        label: For people.
        kind: ``line``, ``text``, ``number``, ``date``, ``choice``, ``lines`` (one item each) or
            ``json``.
        value: What it holds at first.
        options: Of a choice: value and name.
        hint: What the schema says of it.
        schema: JSON Schema of the value.
        steps: Where in an object its value stands; none for the value as a whole.
    """

    name: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    steps: tuple[str, ...] = ()


def inputs(place: Spot) -> list[Input]:
    """The form that edits a place: a control for each value inside an object, else one."""
    made: list[Input] = []
    if place.new and place.path.endswith("/-") and place.field.kind == "map":
        made.append(Input("key", "Under which name", "line"))
    if place.keys and (place.value is None or is_object(place.value)):
        made += _inside(place.keys, place.value, (), "")
    elif place.shape is not None:
        # The page says what a field of its own means.
        shape = replace(place.shape, description="") if place.item is None else place.shape
        made.append(_input("value", shape, place.value))
    else:
        made.append(_leaf("value", "Value", place.schema, place.value, ""))
    return made


def _inside(
    keys: Mapping[str, Field], value: Any, above: tuple[str, ...], title: str
) -> Iterator[Input]:
    """A control for each property of an object, and of objects in it."""
    held = value if is_object(value) else {}
    for name, shape in keys.items():
        steps, part = (*above, name), held.get(name, shape.default)
        told = f"{title}{label(shape, name)}"
        if shape.kind == "object" and (part is None or is_object(part)):
            yield from _inside(shape.keys, part, steps, f"{told}: ")
        else:
            made = _input(".".join(("value", *steps)), shape, part)
            yield replace(made, label=told, steps=steps)


def _input(name: str, shape: Field, value: Any) -> Input:
    title = label(shape, shape.name)
    if shape.kind == "scalar":
        return _leaf(name, title, shape.value_schema, value, shape.description)
    if shape.kind == "list" and shape.value_schema.get("type") == "string":
        lines = "\n".join(map(str, value or ()))
        hint = _hint(shape.description, "One in each line.")
        return Input(name, title, "lines", lines, hint=hint, schema=shape.value_schema)
    text = json.dumps(value, ensure_ascii=False, indent=1)
    hint = _hint(shape.description, "As JSON.")
    return Input(name, title, "json", text, hint=hint, schema=shape.value_schema)


def _hint(*told: str) -> str:
    return " ".join(filter(None, told))


def _leaf(name: str, title: str, schema: Mapping[str, Any], value: Any, hint: str) -> Input:
    if "enum" in schema or schema.get("type") == "boolean":
        wanted = schema.get("enum", [True, False])
        options = [("", "–"), *((json.dumps(one), readable(one)) for one in wanted)]
        held = "" if value is None else json.dumps(value)
        return Input(name, title, "choice", held, options, hint, schema)
    if is_object(value) or is_list(value):
        text = json.dumps(value, ensure_ascii=False, indent=1)
        return Input(name, title, "json", text, hint="As JSON.", schema=schema)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    if schema.get("type") in {"integer", "number"}:
        return Input(name, title, "number", text, hint=hint, schema=schema)
    moment = _MOMENTS.get(schema.get("format", ""))
    if moment and schema["format"] == "date" and (not text or moment.fits(text)):
        return Input(name, title, "date", text, hint=hint, schema=schema)
    if moment:
        hint = _hint(hint, f"Written as {moment.example}{moment.zone}.")
    kind = "text" if len(text) > _LONG or "\n" in text else "line"
    return Input(name, title, kind, text, hint=hint, schema=schema)


def typed(one: Input, text: str) -> Any:
    """What was typed into a control, as a value; what it is worth the schema says.

    Raises:
        InvalidInput: It is no JSON, number, date or time, where that is asked for.
    """
    text = text.replace("\r\n", "\n")
    if one.kind == "lines":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if not text.strip():
        return None
    if one.kind in {"json", "choice"}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{one.label}: this is no JSON") from error
    if one.kind == "number":
        found = in_form(one.schema, text, one.label)
        if isinstance(found, str):  # also where a comma may part thousands
            example = "1600" if one.schema.get("type") == "integer" else "1600 or 1600.5"
            raise InvalidInput(f"{one.label}: write it as a number such as {example}.")
        return found
    moment = _MOMENTS.get(one.schema.get("format", ""))
    if moment and text != one.value:
        text = text.strip()
        if not moment.fits(text):
            raise InvalidInput(moment.told(one.label))
    return text


def edited(place: Spot, controls: Sequence[Input], fields: Mapping[str, str]) -> Any:
    """The value that a form holds.

    Raises:
        InvalidInput: Something in it cannot be read.
    """
    if not controls[0].steps:
        return typed(controls[0], fields.get(controls[0].name, ""))
    value: dict[str, Any] = dict(place.value) if is_object(place.value) else {}
    for one in controls:
        _put(value, one.steps, typed(one, fields.get(one.name, "")))
    return value


def _put(held: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    """Set what stands inside; an object that is not there is made for a value that says something.

    What is changed is a copy.
    """
    first, *rest = steps
    inner = held.get(first)
    if not rest:
        held[first] = value
    elif is_object(inner) or not is_nothing(value):
        held[first] = dict(inner) if is_object(inner) else {}
        _put(held[first], tuple(rest), value)


def is_untouched(controls: Sequence[Input], fields: Mapping[str, str]) -> bool:
    """Whether a form was sent as it was given."""
    return all(
        fields.get(one.name, one.value).replace("\r\n", "\n") == one.value for one in controls
    )


def operation(place: Spot, controls: Sequence[Input], fields: Mapping[str, str]) -> dict[str, Any]:
    """The JSON patch operation of a form that was sent.

    Raises:
        InvalidInput: Something in it cannot be read, or says nothing.
    """
    path = place.path
    if controls[0].name == "key":
        name = fields.get("key", "").strip()
        if not name:
            raise InvalidInput("Give it a name.")
        if taken := [one for one in place.names if identity(one) == identity(name)]:
            raise InvalidInput(f"There is {taken[0]!r} already: change that, or take another name.")
        path, controls = pointer(place.field.name, name), controls[1:]
    value = edited(place, controls, fields)
    of_list = place.field.kind in {"list", "objects", "map"}
    if value is None and of_list:
        raise InvalidInput("It is empty. To take it out, remove it.")
    op = "add" if place.new and of_list else "replace"
    return {"op": op, "path": path, "value": value}
