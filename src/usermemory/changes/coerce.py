"""Bring a value into the form that its schema wants, where it can be read in one way only.

Models write "80" for 80, "in_repair" for "in repair", null for "not given", a lone item for a list
of one. Such values are read as what the schema wants. What can be read in two ways ("1,800") is
left as it is, and then the type is wrong: a number that is wrong by a thousand is worse than none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, time
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from usermemory.errors import InvalidInput, SchemaError
from usermemory.schema.form import identity
from usermemory.schema.shape import (
    SCALARS,
    Json,
    canonical,
    fits,
    is_list,
    is_object,
    parsed,
    simplify,
)

if TYPE_CHECKING:
    from usermemory.records import Reason


class Unfit(InvalidInput):
    """A change that cannot be made to this document.

    Args:
        reason: From the closed list.
        detail: What is wrong, for a person or for the model that may try again.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


_DEPTH = 50
# Beyond it JSON readers take a number for infinite; NaN is not below it either.
_LARGEST = 2.0**1_023

# One and a bit, or a thousand and a bit: "1.800", "1,800".
_GROUPED = re.compile(r"-?[1-9]\d{0,2}[.,]\d{3}")

_WITH_COMMA = re.compile(r"-?\d+,\d+")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?")
_DATE = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))(?:[T ]\d{1,2}:.*)?")
_SHORT_HOUR = re.compile(r"\d:\d\d(?:\D.*)?")
_BETWEEN = re.compile(r"[\s_-]+")


def plain(value: Any, path: str, depth: int = 0) -> Any:
    """The value as JSON has it: nothing that is stored may fail to be written, or read, later.

    Args:
        value: What an extractor, a tool or a caller gave.
        path: How to name it in refusals.
        depth: How many values contain it: one that contains itself has no end.

    Raises:
        Unfit: ``wrong_type``: no JSON, and nothing that stands for JSON in Python.
    """
    value = value.value if isinstance(value, Enum) else value
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        number = int(value) if isinstance(value, int) else float(value)
        if abs(number) < _LARGEST:
            return number
    elif depth < _DEPTH:
        if isinstance(value, list | tuple):
            return [plain(item, path, depth + 1) for item in cast("list[Any]", value)]
        if isinstance(value, set | frozenset):
            members = (plain(item, path, depth + 1) for item in cast("set[Any]", value))
            return sorted(members, key=canonical)
        if _is_mapping(value) and all(isinstance(name, str) for name in value):
            return {name: plain(part, path, depth + 1) for name, part in value.items()}
    raise Unfit("wrong_type", f"{path} takes JSON values, not this {type(value).__name__}")


def _is_mapping(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def in_form(schema: Mapping[str, Any], value: Any, path: str) -> Any:
    """The value as its schema wants it, where it can be read in one way only; else as it is.

    Args:
        schema: Inlined JSON Schema of the value.
        value: A JSON value.
        path: How to name it in refusals.

    Raises:
        Unfit: ``wrong_type``: the schema's own reader would take it for something else.
    """
    try:
        wanted, _ = simplify(schema, path)
    except SchemaError:  # nobody was asked for it; the document is validated in full
        return value
    kind = wanted.get("type")
    if value is None:
        return None
    if kind in SCALARS:
        return _scalar(wanted, kind, value, path)
    if kind == "array":
        return _array(wanted, value, path)
    return _object(wanted, value, path) if kind == "object" or "properties" in wanted else value


def _array(schema: Json, value: Any, path: str) -> Any:
    if value == "":
        return value
    items = _parsed(value, "array", path)
    inner: Json = schema["items"] if is_object(schema.get("items")) else {}
    return [in_form(inner, item, path) for item in (items if is_list(items) else [items])]


def _object(schema: Json, value: Any, path: str) -> Any:
    found = _parsed(value, "object", path)
    if is_list(found) and len(found) == 1:
        found = found[0]
    if not is_object(found):
        return value
    known, needed = schema.get("properties", {}), schema.get("required", ())
    given: Json = {}
    for name, part in found.items():
        inner = known.get(name, schema.get("additionalProperties"))
        given[name] = in_form(inner if is_object(inner) else {}, part, f"{path}.{name}")
        # Forms are closed: a model writes null, or nothing, for a property that was not given.
        if name in known and name not in needed and given[name] in (None, ""):
            del given[name]
    return given


def _scalar(schema: Json, kind: Any, value: Any, path: str) -> Any:
    if is_list(value) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        value = value.strip()
    if kind in ("integer", "number"):
        value = _number(value, kind)
    elif kind == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    elif kind == "string":
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(value, str):
            value = _moment(schema.get("format"), value, path)
    return _option(schema["enum"], value) if "enum" in schema else value


def _number(value: Any, kind: str) -> Any:
    """A number that was written as a text; what looks grouped by thousands is none."""
    number = value
    if isinstance(value, str):
        text = "".join(str(unicodedata.decimal(digit, digit)) for digit in value)
        if _GROUPED.fullmatch(text) and (kind == "integer" or "," in text):
            return value
        number = parsed(text.replace(",", ".") if _WITH_COMMA.fullmatch(text) else text, "number")
    if kind == "integer" and isinstance(number, float) and number.is_integer():
        return int(number)
    return number if fits(number, kind) else value


def _moment(form: Any, text: str, path: str) -> str:
    """A date or time in full; a bare number, which Pydantic takes for seconds, is none."""
    if form == "date" and (found := _DATE.fullmatch(text)):
        year, _, *parts = found.groups()
        month, day = (int(part) for part in parts if part)
        with suppress(ValueError):  # no day of the calendar
            return date(int(year), month, day).isoformat()
    if form == "time" and _SHORT_HOUR.fullmatch(text):
        return f"0{text}"
    if form in ("date", "time", "date-time") and _NUMBER.fullmatch(text):
        raise Unfit("wrong_type", f"{path} takes a {form} as ISO 8601 writes it, not {text!r:.100}")
    return text


def _option(choices: list[Any], value: Any) -> Any:
    """The option that is meant, if it is one only; else the value as it is."""
    for same in (canonical, identity, _loose):
        meant = [choice for choice in choices if same(choice) == same(value)]
        if meant:
            return meant[0] if len(meant) == 1 else value
    return value


def _loose(value: Any) -> str:
    return _BETWEEN.sub(" ", identity(value))


def _parsed(value: Any, kind: str, path: str) -> Any:
    """JSON in a string, made plain as every value is."""
    found = parsed(value, kind)
    return found if found is value else plain(found, path)
