"""Forms that edit a place of a profile: their controls, and what was typed into them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from usermemory.errors import InvalidInput
from usermemory.schema.shape import is_list, is_object
from usermemory.serve.pages.words import label, pointer, readable

if TYPE_CHECKING:
    from usermemory.schema import Field
    from usermemory.serve.pages.values import Spot

_LONG = 80


@dataclass(frozen=True, slots=True)
class Input:
    """One control of a form.

    Attributes:
        name: In the form.
        label: For people.
        kind: ``line``, ``text``, ``number``, ``choice``, ``lines`` (one item each) or ``json``.
        value: What it holds at first.
        options: Of a choice: value and name.
        hint: What the schema says of it.
        schema: JSON Schema of the value.
    """

    name: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])


def inputs(place: Spot) -> list[Input]:
    """The form that edits a place: a control for each property of an object, else one."""
    made: list[Input] = []
    if place.new and place.path.endswith("/-") and place.field.kind == "map":
        made.append(Input("key", "Under which name", "line"))
    if place.keys:
        held = place.value if is_object(place.value) else {}
        made += [
            _input(f"value.{name}", inner, held.get(name, inner.default))
            for name, inner in place.keys.items()
        ]
    elif place.shape is not None:
        # The page says what a field of its own means.
        shape = replace(place.shape, description="") if place.item is None else place.shape
        made.append(_input("value", shape, place.value))
    else:
        made.append(_leaf("value", "Value", place.schema, place.value, ""))
    return made


def _input(name: str, shape: Field, value: Any) -> Input:
    title = label(shape, shape.name)
    if shape.kind == "scalar":
        return _leaf(name, title, shape.value_schema, value, shape.description)
    if shape.kind == "list" and shape.value_schema.get("type") == "string":
        lines = "\n".join(map(str, value or ()))
        hint = " ".join(filter(None, [shape.description, "One in each line."]))
        return Input(name, title, "lines", lines, hint=hint, schema=shape.value_schema)
    text = json.dumps(value, ensure_ascii=False, indent=1)
    hint = " ".join(filter(None, [shape.description, "As JSON."]))
    return Input(name, title, "json", text, hint=hint, schema=shape.value_schema)


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
    kind = "text" if len(text) > _LONG or "\n" in text else "line"
    return Input(name, title, kind, text, hint=hint, schema=schema)


def typed(one: Input, text: str) -> Any:
    """What was typed into a control, as a value; what it is worth the schema says.

    Raises:
        InvalidInput: It is no JSON where that is asked for.
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
        try:
            return json.loads(text.strip().replace(",", "."))
        except (ValueError, RecursionError):
            return text  # the schema says what is wrong with it
    return text


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
        path, controls = pointer(place.field.name, name), controls[1:]
    if place.keys:
        held = place.value if is_object(place.value) else {}
        value: Any = {**held}
        for one in controls:
            value[one.name.removeprefix("value.")] = typed(one, fields.get(one.name, ""))
    else:
        value = typed(controls[0], fields.get(controls[0].name, ""))
    of_list = place.field.kind in {"list", "objects", "map"}
    if value is None and of_list:
        raise InvalidInput("It is empty. To take it out, remove it.")
    op = "add" if place.new and of_list else "replace"
    return {"op": op, "path": path, "value": value}
