"""Records as the JSON text that the tables hold, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import from_json

from usermemory.records import (
    Applied,
    Change,
    Job,
    Message,
    Refused,
    Revision,
    Usage,
)
from usermemory.store.driver import Row

if TYPE_CHECKING:
    from usermemory.erasure import Tombstone

_CHANGE_FIELDS = tuple(field.name for field in fields(Change))


def dumps(value: Any) -> str:
    """Compact JSON; equal values give equal text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def records(items: Iterable[Applied]) -> str:
    """The changes of a revision as JSON; few have a time of their own, or were edited."""
    return dumps(
        [
            {
                name: value
                for name, value in asdict(item).items()
                if value or name not in {"at", "edited"}
            }
            for item in items
        ]
    )


def refusals(items: Iterable[Refused]) -> str:
    """Refused changes as JSON; the row says where and when."""
    return dumps(
        [
            {"change": asdict(one.change), "reason": one.reason, "detail": one.detail}
            for one in items
        ]
    )


def replaced(changes: Iterable[Applied]) -> int:
    """How many of a revision's changes put an end to a value that can still be told."""
    return sum(change.before is not None for change in changes)


def usage_text(usage: Usage) -> str:
    """Token counts as JSON."""
    return dumps(asdict(usage))


@cache
def _changes_reader() -> TypeAdapter[tuple[Applied, ...]]:
    return TypeAdapter(tuple[Applied, ...])


def changes_of(text: str) -> tuple[Applied, ...]:
    """The changes of a revision."""
    return _changes_reader().validate_json(text)


@lru_cache
def usage_of(text: str) -> Usage:
    """The token counts of a call; those of all edits are the same."""
    return Usage(**json.loads(text))


def message(row: Row) -> Message:
    """A message from its row in the inbox."""
    return Message(
        author=row["author"],
        text=row["text"],
        id=row["message_id"],
        name=row["name"],
        at=row["said_at"],
        seq=row["seq"],
        received=row["received_at"],
        part=row["part"],
    )


def ended(row: Row) -> Revision:
    """What a revision put an end to, from its row of a recall."""
    changes = tuple(change for change in changes_of(row["text"]) if change.before is not None)
    return Revision(row["number"], row["at"], "", changes, row["thread_id"])


def revision(row: Row) -> Revision:
    """A revision from its row."""
    return Revision(
        number=row["revision"],
        at=row["at"],
        by=row["author"],
        changes=changes_of(row["changes"]),
        thread_id=row["thread_id"],
        model=row["model"],
        prompt=row["prompt"],
        usage=usage_of(row["usage"]),
        undoes=tuple(from_json(row["undoes"])),
        fingerprint=row["fingerprint"],
    )


def tombstone_of(row: Row) -> Tombstone:
    """What is left of an erased value, from its row."""
    from usermemory.erasure import Tombstone

    words = frozenset(json.loads(row["words"]))
    return Tombstone(row["field"], row["digest"], words, row["erased_at"], row["hashed_as"])


def rejections(text: str) -> tuple[Refused, ...]:
    """Refused changes.

    Nothing is checked: a later version may give reasons that this one does not know, and earlier
    ones stored whatever action a model had made up.
    """
    return tuple(
        Refused(
            Change(
                **{name: one["change"][name] for name in _CHANGE_FIELDS if name in one["change"]}
            ),
            one["reason"],
            one.get("detail", ""),
        )
        for one in json.loads(text)
    )


def refused_of(row: Row) -> tuple[Refused, ...]:
    """The refused changes of a row, each with its thread and time."""
    place = {"thread_id": row["thread_id"], "at": row["at"]}
    return tuple(replace(one, **place) for one in rejections(row["rejections"]))


def job(row: Row) -> Job:
    """A thread with unread messages from its row."""
    return replace(Job(**row), running=bool(row["running"]))
