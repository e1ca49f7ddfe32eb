"""What is kept of a user, for the user to read: no secrets, no counters, dates as dates: PURE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_BY = {"model": "conversation", "undo": "undone", "forget": "forgotten"}
"""Who made a revision, in words of somebody who has never seen this package."""

_NOTHING: tuple[Any, ...] = (None, "", [], {}, ())


def readable(export: Mapping[str, Any]) -> dict[str, Any]:
    """An export without what only the machine needs.

    Args:
        export: As `document_of` gives it.

    Returns:
        ``user_id``, ``exported_at``, ``learning`` (``on`` or ``paused``), the ``profile`` as it
        is stored, its ``history`` (oldest first) with the words that each change rests on, the
        ``messages`` whose text is kept, what was ``refused``, and when something was ``erased``.
        Times are ISO 8601 in UTC.
    """
    profile: Mapping[str, Any] = export["profile"] or {}
    read = _in_order(export["consolidations"], "at")
    return {
        "user_id": export["user_id"],
        "exported_at": _iso(export["exported_at"]),
        "learning": "paused" if export["user"]["paused"] else "on",
        "profile": profile.get("document", {}),
        "history": [_revision(one) for one in _in_order(export["revisions"], "revision")],
        "messages": [_message(one) for one in export["messages"] if one["text"]],
        "refused": [each for one in read for each in _refused(one)],
        "erased": [_iso(one["at"]) for one in _in_order(export["erasures"], "epoch")],
    }


def _iso(at: float | None) -> str | None:
    """A moment in ISO 8601, to the second; None for none, or for one beyond the calendar."""
    if at is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=round(at))).isoformat()
    except (OverflowError, ValueError):
        return None


def _in_order(rows: Iterable[Mapping[str, Any]], column: str) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: row[column])


def _revision(row: Mapping[str, Any]) -> dict[str, Any]:
    return _told(
        at=_iso(row["at"]),
        by=_BY.get(row["author"], row["author"]),
        thread=row["thread_id"],
        changes=[_change(one) for one in row["changes"]],
    )


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    return _told(
        field=change["field"],
        key=change.get("key"),
        before=change.get("before"),
        after=change.get("after"),
        erased=change.get("erased") or None,
        at=_iso(change.get("at")),
        said=[
            _told(
                words=one["quote"],
                asked=one.get("question"),
                at=_iso(one.get("at")),
                thread=one.get("thread_id"),
            )
            for one in change.get("evidence", ())
            if one["quote"]
        ],
    )


def _message(row: Mapping[str, Any]) -> dict[str, Any]:
    return _told(
        at=_iso(row["said_at"]),
        thread=row["thread_id"],
        by=row["name"] or row["author"],
        text=row["text"],
        read=row["state"] == "tail",
    )


def _refused(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in row["rejections"]:
        change = one["change"]
        yield _told(
            at=_iso(row["at"]),
            thread=row["thread_id"],
            field=change["field"],
            key=change.get("key"),
            value=change.get("value"),
            words=change.get("quote"),
            reason=one["reason"].replace("_", " "),
        )


def _told(**given: Any) -> dict[str, Any]:
    """What there is to say."""
    return {name: value for name, value in given.items() if value not in _NOTHING}
