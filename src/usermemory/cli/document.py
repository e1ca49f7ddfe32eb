"""Profiles and patches as people write them: in files, with comments, on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from usermemory.schema import Schema

COMMENT = "//"
"""What a line begins with that is left out, at the top of a document."""


def read(file: str) -> Any:
    """The JSON of a file, or of standard input for ``-``.

    Raises:
        InvalidInput: It cannot be read, or is no JSON; says where.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from error
    return parsed(text, "standard input" if file == "-" else file)


def parsed(text: str, name: str) -> Any:
    """The JSON below the comments.

    Raises:
        InvalidInput: It is none; says where.
    """
    comments, body = split(text)
    try:
        return json.loads(body)
    except ValueError as error:
        place = ""
        if isinstance(error, json.JSONDecodeError):
            line = error.lineno + comments.count("\n")
            place = f" in line {line}, column {error.colno}: {error.msg}"
        raise InvalidInput(f"{name} is not JSON{place}") from error


def split(text: str) -> tuple[str, str]:
    """The comments at the top, and what is below them."""
    lines = text.splitlines(keepends=True)
    top = 0
    while top < len(lines) and (not lines[top].strip() or lines[top].startswith(COMMENT)):
        top += 1
    return "".join(lines[:top]), "".join(lines[top:])


def operations(assignments: Iterable[str], schema: Schema) -> list[dict[str, Any]]:
    """``FIELD=VALUE`` as a JSON patch; a JSON pointer in place of a field leads into it.

    Args:
        assignments: As they were typed. A value is JSON or plain text; nothing empties the field.
        schema: The profile's: what a field of text gets is text, also where it would be a number.

    Raises:
        InvalidInput: One of them is no assignment, or of no field.
    """
    return [_operation(one, schema) for one in assignments]


def _operation(assignment: str, schema: Schema) -> dict[str, Any]:
    name, equals, text = assignment.partition("=")
    if not (name and equals):
        raise InvalidInput(f"--set {assignment}: write it as FIELD=VALUE")
    path = name if name.startswith("/") else f"/{name}"
    field, *inside = path[1:].split("/")
    if field not in schema.fields:
        raise InvalidInput(
            f"the profile has no field {field!r}; it has {', '.join(schema.fields)}; --schema "
            "names another schema"
        )
    value = _value(text)
    if value is None:
        return {"op": "remove", "path": path}
    is_text = schema.fields[field].value_schema.get("type") == "string"
    if is_text and not isinstance(value, str) and (inside or schema.fields[field].kind == "scalar"):
        value = text
    return {
        "op": "replace" if inside and inside[-1].isdigit() else "add",
        "path": path,
        "value": value,
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text
