"""The fields of a profile as a person would list them: one line of text each.

A backend that only enforces a grammar never shows the schema to its model, so what a field is for
has to be said in the prompt as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.prompt.transcript import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from usermemory.schema import Field, Schema

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_LONGEST_DESCRIPTION = 400
KEYED = (
    "key, before the value: which entry of a map or an object; of a list of objects the name of "
    "the item to update or remove; else null. In an update, null leaves a property as it is."
)


def asked_fields(schema: Schema) -> Iterable[Field]:
    """The fields that a model may propose changes to, in the schema's order."""
    return (
        field
        for field in schema.fields.values()
        if field.settings.ask and not field.settings.protect
    )


def described(schema: Schema) -> str:
    """One line for each field that is asked for: type, whom it may be about, meaning."""
    fields = list(asked_fields(schema))
    keyed = any(field.kind not in ("scalar", "list") for field in fields)
    return "\n".join([*map(_line, fields), *([KEYED] if keyed else [])])


def _line(field: Field) -> str:
    parts = [_kind(field)]
    if field.settings.about == "anyone":
        parts.append("also other people")
    if field.settings.instructions == "quote":
        parts.append("also what the user asks of the assistant")
    return f"- {field.name}: {'; '.join(parts)}{_meaning(field)}"


def meaning(field: Field) -> str:
    """What a field means, on one line; empty where that is no more than its name."""
    title = "" if _same_words(field.title, field.name) else field.title
    return " ".join((field.description or title).split())[:_LONGEST_DESCRIPTION]


def _meaning(field: Field) -> str:
    examples = ", ".join(map(one_line, field.settings.examples))
    sentences = [meaning(field), f"For example {examples}" if examples else ""]
    return "".join(f". {sentence.rstrip('.')}" for sentence in sentences if sentence)


def _same_words(title: str, name: str) -> bool:
    return title.casefold().replace(" ", "_") == name.casefold()


def _kind(field: Field) -> str:
    properties = ", ".join(
        f"{name} ({_kind(inner)})" for name, inner in field.keys.items() if inner.settings.ask
    )
    if field.kind == "scalar":
        return _value(field.value_schema)
    if field.kind == "object":
        return f"object with the keys {properties}"
    if field.kind == "objects":
        return f"list of objects, named by {field.settings.key}, with the keys {properties}"
    items = f"objects with the keys {properties}" if properties else _value(field.value_schema)
    return f"{field.kind} of {items}"


def _value(schema: Mapping[str, Any]) -> str:
    """The type of a value in words, with its choices and bounds."""
    if "enum" in schema:
        return "one of " + ", ".join(map(one_line, schema["enum"]))
    name = schema.get("format") or _TYPES.get(schema.get("type", ""), "text")
    return f"{name}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    lowest = "" if low is None else f" from {low}"
    return lowest if high is None else f"{lowest} up to {high}"
