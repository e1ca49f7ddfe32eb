"""How a person might tell what is in a field: sentences and values for the examples of a prompt.

Well-known names have sentences of their own in ``prompts/phrases-2.json``; any other field gets
plain ones that are made from its name and its type.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from usermemory.prompt.json_values import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usermemory.schema import Field

_BY_FORMAT: Mapping[str, tuple[str, str]] = {
    "date": ("2024-03-14", "2025-11-02"),
    "date-time": ("2024-03-14T09:30:00Z", "2025-11-02T18:00:00Z"),
    "time": ("09:30:00", "18:00:00"),
    "email": ("mira@example.org", "m@example.org"),
    "uri": ("https://example.org/a", "https://example.org/b"),
}
_WORDS = ("Linden", "Harbour")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Two values of a field and what a person says to tell them.

    Attributes:
        values: What is written into the field; the second one replaces or joins the first.
        says: The sentence that tells each of them.
        ends: The sentence that takes the first one back.
        short: The first one, behind another in the same sentence; empty if nobody says it so.
        natural: Whether a person wrote them.
        changes: Whether such a thing often changes.
    """

    values: tuple[Any, Any]
    says: tuple[str, str]
    ends: str
    short: str = ""
    natural: bool = False
    changes: bool = False


def phrases(field: Field) -> Phrases | None:
    """Phrases for a field, or ``None`` where no value of it can be thought up."""
    if field.kind in ("scalar", "list") and not field.settings.examples:
        known = _known().get(field.name.casefold())
        if known and _fits(field.value_schema, known.values[0]):
            return known
    return _plain(field)


@functools.cache
def _known() -> Mapping[str, Phrases]:
    file = resources.files("usermemory") / "prompts" / "phrases-2.json"
    table: dict[str, Phrases] = {}
    for name, entry in json.loads(file.read_text(encoding="utf-8")).items():
        (first, says_first), (second, says_second) = entry["says"]
        says, ends = (says_first, says_second), entry.get("ends", f"{first} is over")
        short, changes = entry.get("short", ""), "changes" in entry
        written = Phrases((first, second), says, ends, short, natural=True, changes=changes)
        table.update(dict.fromkeys([name, *entry.get("also", ())], written))
    return table


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    """A free text or a plain number; whatever is bound more tightly gets plain phrases."""
    free = schema.keys().isdisjoint(("enum", "pattern", "format"))
    return free and schema.get("type") == ("string" if isinstance(value, str) else "integer")


def _plain(field: Field) -> Phrases | None:
    values = _values(field)
    if values is None:
        return None
    says = (_sentence(field, values[0]), _sentence(field, values[1]))
    ends = f"{_spoken(values[0])} is not one of my {_label(field)} any more"
    return Phrases(values, says, ends)


def keyed(field: Field, key: str, value: Any) -> str:
    """The sentence that tells one entry of a map, or one part of an object."""
    return f"my {_label(field)}: {key} is {_spoken(value)}"


def _sentence(field: Field, value: Any) -> str:
    if field.kind == "list":
        return f"{_spoken(value)} is one of my {_label(field)}"
    if field.kind == "objects":
        return f"one of my {_label(field)}: {_spoken(value)}"
    return f"{_label(field)}: yes" if value is True else f"my {_label(field)} is {_spoken(value)}"


def _label(field: Field) -> str:
    return field.name.replace("_", " ")


def _spoken(value: Any) -> str:
    if is_object(value):
        parts = (f"{key} {_spoken(one)}" for key, one in value.items() if one is not None)
        return ", ".join(parts)
    if is_list(value):
        return " and ".join(map(_spoken, value))
    return value if isinstance(value, str) else json.dumps(value)


def _values(field: Field) -> tuple[Any, Any] | None:
    """Two values of a scalar, or of one item of a list or map."""
    if field.settings.examples:
        return _pair(field.settings.examples)
    if field.keys:
        return _object(field, 0), _object(field, 1)
    return _of_type(field.value_schema)


def _object(field: Field, at: int) -> dict[str, Any]:
    """An object with every key that is asked for, null where nothing can be thought up."""
    return {name: _inside(inner, at) for name, inner in field.keys.items() if inner.settings.ask}


def _inside(field: Field, at: int) -> Any:
    values = _values(field)
    if values is None or field.kind not in ("scalar", "list", "object"):
        return None
    return [values[at]] if field.kind == "list" else values[at]


def _of_type(schema: Mapping[str, Any]) -> tuple[Any, Any] | None:
    if "enum" in schema:
        return _pair(schema["enum"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return lowest + 1, lowest + 2
    if kind == "boolean":
        return True, False
    if kind != "string" or "pattern" in schema:
        return None
    return _BY_FORMAT.get(schema["format"]) if "format" in schema else _WORDS


def _pair(values: Sequence[Any]) -> tuple[Any, Any] | None:
    return (values[0], values[1 % len(values)]) if values else None
