"""The format: rows as JSON that people and programs can read, checked against a JSON Schema.

``format.json`` is that schema, and says what each part is. A document of version 1 stays readable:
what is added later may be missing in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from usermemory.errors import InvalidInput
from usermemory.schema.shape import is_object
from usermemory.store import codec
from usermemory.store.flows.copying import Rows
from usermemory.store.tables import tables

VERSION = 1

_JSON = {
    "profiles": ("document", "stamps"),
    "revisions": ("changes", "usage", "undoes"),
    "consolidations": ("seqs", "rejections", "usage"),
    "tombstones": ("words",),
}
"""Columns whose text is JSON."""

_LATER = {"fingerprint", "hashed_as"}
"""Columns that an export may lack, since it is older than they are: empty texts then."""

_LISTS = ("revisions", "threads", "messages", "consolidations", "tombstones", "erasures")
_NAMES = {"inbox": "messages"}
"""What a table is called outside."""

_ORDER = ("thread_id", "revision", "token", "epoch", "seq", "field", "digest")


@cache
def format_schema() -> Mapping[str, Any]:
    """The JSON Schema of an export."""
    text = files("usermemory.carry").joinpath("format.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def document_of(user_id: str, rows: Rows, schema: Mapping[str, Any], at: float) -> dict[str, Any]:
    """All rows of a user as one document.

    Args:
        user_id: Whose.
        rows: As `rows_of` gives them.
        schema: The JSON Schema of the profile, for whoever reads it elsewhere.
        at: When it is taken.
    """
    parts: dict[str, list[dict[str, Any]]] = {}
    for table, text in rows:
        row = {name: value for name, value in json.loads(text).items() if name != "user_id"}
        for column in _JSON.get(table, ()):
            row[column] = json.loads(row[column])
        parts.setdefault(_NAMES.get(table, table), []).append(row)
    lists = {name: sorted(parts.get(name, []), key=_place) for name in _LISTS}
    return {
        "format": "usermemory",
        "version": VERSION,
        "exported_at": at,
        "user_id": user_id,
        "schema": dict(schema),
        "user": parts["users"][0],
        "profile": parts.get("profiles", [None])[0],
        **lists,
    }


def rows_from(document: Any, user_id: str) -> Rows:
    """The rows of a document, under this user id.

    Raises:
        InvalidInput: It is no export, or one that this version cannot read; says where.
    """
    _check(document)
    parts: dict[str, list[Any]] = {name: document.get(name, []) for name in _LISTS}
    parts |= {"users": [document["user"]], "profiles": [document["profile"] or []]}
    outside = {name: _NAMES.get(name, name) for name in tables()}
    return frozenset(
        (table, codec.dumps(row))
        for table, columns in tables().items()
        for given in filter(None, parts[outside[table]])
        for row in [dict(_written(table, columns, given, user_id))]
    )


def _written(
    table: str, columns: tuple[str, ...], given: Mapping[str, Any], user_id: str
) -> Iterator[tuple[str, Any]]:
    for column in columns:
        if column == "user_id":
            yield column, user_id
        elif column in _JSON.get(table, ()):
            yield column, codec.dumps(given[column])
        else:
            yield column, given.get(column, "") if column in _LATER else given[column]


def _check(document: Any) -> None:
    from jsonschema import Draft202012Validator

    version = document.get("version") if is_object(document) else None
    if isinstance(version, int) and version > VERSION:
        raise InvalidInput(
            f"this export is of version {version}, and this package reads up to {VERSION}: upgrade"
        )
    if is_object(document) and "learning" in document and "format" not in document:
        raise InvalidInput("this is an export for the user to read; export without --for-user")
    validator: Any = Draft202012Validator(dict(format_schema()))
    for error in validator.iter_errors(document):
        where = "/".join(map(str, error.absolute_path)) or "the document"
        raise InvalidInput(f"this is no export of a user: {where}: {error.message[:200]}")


def _place(row: Mapping[str, Any]) -> list[Any]:
    # A reading that taught nothing has no revision, and None has no place among numbers.
    return [(name, row[name] is None, row[name]) for name in _ORDER if name in row]
