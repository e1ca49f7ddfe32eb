"""A user's memory as a document: to carry elsewhere, and for the user to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from usermemory.errors import Conflict, InvalidInput, StoreBusy
from usermemory.schema.shape import is_object
from usermemory.store import codec
from usermemory.store.copying import UserRows, is_foreign, put_users, user_rows
from usermemory.store.driver import NO_TEXT, Flow, tables
from usermemory.store.flows import lock_user


def take_out(user_id: str, schema: Mapping[str, Any], at: float) -> Flow[dict[str, Any] | None]:
    """The whole of a user as one JSON document; None for a user nobody knows."""
    rows = (yield from user_rows([user_id])).get(user_id)
    return document_of(user_id, rows, schema, at) if rows else None


def put_in(user_id: str, document: Any) -> Flow[bool]:
    """Store an exported user; False if all of it is there already.

    Raises:
        InvalidInput: The document is no export.
        Conflict: The user is known here from elsewhere, or has moved on since the export.
        StoreBusy: A worker is at work on the user.
    """
    given = rows_from(document, user_id)
    there: UserRows = (yield from user_rows([user_id])).get(user_id, frozenset())
    if there == given:
        return False
    if there:
        if is_foreign(there, given):
            raise Conflict(
                f"this database knows of user {user_id!r} what the export does not: it is of "
                "another origin, or was used since; forget the user here first, or choose "
                "another id"
            )
        user = yield from lock_user(user_id)
        if user.lease_until > user.now:
            raise StoreBusy(f"a worker is reading a thread of {user_id!r}; try again")
    yield from put_users({user_id: given})
    return True


VERSION = 1

_JSON = {
    "profiles": ("document", "stamps"),
    "revisions": ("changes", "usage", "undoes"),
    "consolidations": ("seqs", "rejections", "usage"),
    "tombstones": ("words",),
    "proposals": ("changes",),
    "shown": ("items",),
}
"""Columns whose text is JSON."""

_LATER = {"fingerprint": "", "hashed_as": "", "keep_until": None, "seconds": None}
"""Columns that an export may lack, since it is older than they are, and what they hold then."""

_LIST_NAMES = (
    "revisions",
    "threads",
    "messages",
    "consolidations",
    "proposals",
    "tombstones",
    "erasures",
    "shown",
)
_NAMES_OUTSIDE = {"inbox": "messages"}
"""What a table is called outside."""

_ORDER = (
    "thread_id",
    "revision",
    "token",
    "epoch",
    "seq",
    "message_id",
    "field",
    "digest",
    "proposal_id",
)


@cache
def format_schema() -> Mapping[str, Any]:
    """The JSON Schema of an export."""
    text = files("usermemory").joinpath("export_format.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def document_of(
    user_id: str, rows: UserRows, schema: Mapping[str, Any], at: float
) -> dict[str, Any]:
    """All rows of a user as one document.

    Args:
        user_id: Whose.
        rows: As `user_rows` gives them.
        schema: The JSON Schema of the profile, for whoever reads it elsewhere.
        at: When it is taken.
    """
    parts: dict[str, list[dict[str, Any]]] = {}
    for table, text in rows:
        row = {name: value for name, value in json.loads(text).items() if name != "user_id"}
        for column in _JSON.get(table, ()):
            row[column] = json.loads(row[column])
        parts.setdefault(_NAMES_OUTSIDE.get(table, table), []).append(row)
    lists = {name: sorted(parts.get(name, []), key=_row_order) for name in _LIST_NAMES}
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


def rows_from(document: Any, user_id: str) -> UserRows:
    """The rows of a document, under this user id.

    Raises:
        InvalidInput: It is no export, or one that this version cannot read; says where.
    """
    _check_format(document)
    document = _consistent(document)
    parts: dict[str, list[Any]] = {name: document.get(name, []) for name in _LIST_NAMES}
    parts |= {"users": [document["user"]], "profiles": [document["profile"] or []]}
    rows: set[tuple[str, str]] = set()
    for table, columns in tables().items():
        for given in filter(None, parts[_NAMES_OUTSIDE.get(table, table)]):
            row = {**_LATER, **given, "user_id": user_id}
            row |= {name: codec.dumps(row[name]) for name in _JSON.get(table, ())}
            rows.add((table, codec.dumps({name: row[name] for name in columns})))
    return frozenset(rows)


def _consistent(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, no counter behind what it counts: nothing could be written after that.

    Raises:
        InvalidInput: Its profile is older than its history.
    """
    user, profile = document["user"], document["profile"]
    newest = max([user["revision"], *(one["revision"] for one in document["revisions"])])
    if profile is not None and profile["revision"] < newest:
        raise InvalidInput(
            f"the parts of this export are of different times: its profile is of revision "
            f"{profile['revision']}, its history of {newest}; export it again"
        )
    newest = newest if profile is None else profile["revision"]
    tokens = [one["token"] for one in (*document["revisions"], *document["consolidations"])]
    numbers: dict[str, int] = {}
    for one in document["messages"]:
        numbers[one["thread_id"]] = max(one["seq"], numbers.get(one["thread_id"], 0))
    threads = [
        {**one, "next_seq": max(one["next_seq"], numbers.get(one["thread_id"], 0) + 1)}
        for one in document["threads"]
    ]
    counted = {"revision": newest, "token": max([user["token"], *tokens])}
    return {**document, "user": {**user, **counted}, "threads": threads}


def _check_format(document: Any) -> None:
    from jsonschema import Draft202012Validator

    version = document.get("version") if is_object(document) else None
    if isinstance(version, int) and version > VERSION:
        raise InvalidInput(
            f"this export is of version {version}, and this package reads up to {VERSION}: upgrade"
        )
    if is_object(document) and "learning" in document and "format" not in document:
        raise InvalidInput(
            "this is an export for the user to read: make one with for_user=false, or without "
            "--for-user"
        )
    validator: Any = Draft202012Validator(dict(format_schema()))
    for error in validator.iter_errors(document):
        where = "/".join(map(str, error.absolute_path)) or "the document"
        raise InvalidInput(f"this is no export of a user: {where}: {error.message[:200]}")
    try:
        codec.dumps(document).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"this is no export of a user: {NO_TEXT}") from error


def _row_order(row: Mapping[str, Any]) -> list[Any]:
    # A reading that taught nothing has no revision, and None has no place among numbers.
    return [(name, row[name] is None, row[name]) for name in _ORDER if name in row]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_BY = {"model": "conversation", "undo": "undone", "forget": "forgotten"}
"""Who made a revision, in words of somebody who has never seen this package."""

_NOTHING: tuple[Any, ...] = (None, "", [], {}, ())


def for_the_user(export: Mapping[str, Any]) -> dict[str, Any]:
    """An export without what only the machine needs.

    Args:
        export: As `document_of` gives it.

    Returns:
        ``user_id``, ``exported_at``, ``learning`` (``on`` or ``paused``), the ``profile`` as it
        is stored, its ``history`` (oldest first) with the words that each change rests on, the
        ``messages`` whose text is kept, what was ``refused``, what is ``waiting`` for a person,
        and when something was ``erased``.
        Times are ISO 8601 in UTC.
    """
    profile: Mapping[str, Any] = export["profile"] or {}
    read = _sorted_by(export["consolidations"], "at")
    return {
        "user_id": export["user_id"],
        "exported_at": _iso(export["exported_at"]),
        "learning": "paused" if export["user"]["paused"] else "on",
        "profile": profile.get("document", {}),
        "history": [_readable_revision(one) for one in _sorted_by(export["revisions"], "revision")],
        "messages": [_readable_message(one) for one in export["messages"] if one["text"]],
        "refused": [each for one in read for each in _readable_refused(one)],
        "waiting": [
            _readable_proposal(one)
            for one in _sorted_by(export["proposals"], "at")
            if one["state"] == "waiting" and one["expires_at"] > export["exported_at"]
        ],
        "erased": [_iso(one["at"]) for one in _sorted_by(export["erasures"], "epoch")],
    }


def _iso(at: float | None) -> str | None:
    """A moment in ISO 8601, to the second; None for none, or for one beyond the calendar."""
    if at is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=round(at))).isoformat()
    except (OverflowError, ValueError):
        return None


def _sorted_by(rows: Iterable[Mapping[str, Any]], column: str) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: row[column])


def _readable_revision(row: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty(
        at=_iso(row["at"]),
        by=_BY.get(row["author"], row["author"]),
        thread=row["thread_id"],
        changes=[_readable_change(one) for one in row["changes"]],
    )


def _readable_change(change: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty(
        field=change["field"],
        key=change.get("key"),
        before=change.get("before"),
        after=change.get("after"),
        erased=change.get("erased") or None,
        at=_iso(change.get("at")),
        said=[
            _without_empty(
                words=one["quote"],
                asked=one.get("question"),
                at=_iso(one.get("at")),
                thread=one.get("thread_id"),
            )
            for one in change.get("evidence", ())
            if one["quote"]
        ],
    )


def _readable_message(row: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty(
        at=_iso(row["said_at"]),
        thread=row["thread_id"],
        by=row["name"] or row["author"],
        text=row["text"],
        read=row["state"] in {"tail", "kept"},
    )


def _readable_refused(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in row["rejections"]:
        change = one["change"]
        yield _without_empty(
            at=_iso(row["at"]),
            thread=row["thread_id"],
            field=change["field"],
            key=change.get("key"),
            value=change.get("value"),
            words=change.get("quote"),
            reason=one["reason"].replace("_", " "),
        )


def _readable_proposal(row: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty(
        at=_iso(row["at"]),
        until=_iso(row["expires_at"]),
        thread=row["thread_id"],
        why=row["why"],
        changes=[_readable_change(one) for one in row["changes"]],
    )


def _without_empty(**given: Any) -> dict[str, Any]:
    """What there is to say."""
    return {name: value for name, value in given.items() if value not in _NOTHING}
