"""What must not come in by an import: forgotten, gone since the last one, or too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from usermemory.erasure import buried, subject_of
from usermemory.importing.merging import Refuse, mark
from usermemory.memory import UserMemory
from usermemory.records import Applied
from usermemory.schema import Field
from usermemory.schema.renames import renamed_revision
from usermemory.store.flows.erase import graves
from usermemory.store.flows.recall import history

FORGOTTEN = "the user had it forgotten"
GONE = "it was imported before and is gone since"
NO_ROOM = "the profile is full: {} characters at most (max_profile)"

_COLLECTIONS = frozenset({"list", "objects", "map"})
_ALL = 1_000_000
"""Revisions of a user: more than there are."""


def unwanted(memory: UserMemory, user_id: str, by: str, *, replace: bool, known: bool) -> Refuse:
    """Why a value is unwanted in a user's profile.

    Args:
        memory: Where the profile is.
        user_id: Whose.
        by: Whom the import's revisions are by.
        replace: Whether what went since may come again; what was forgotten never does, since the
            source is older.
        known: Whether there may be revisions of the user.
    """
    salt, tombstones = memory.driver.read(graves, user_id)
    past = memory.driver.read(history, user_id, _ALL) if known and not replace else []
    brought = {
        (change.field, mark(change.key, change.after))
        for revision in past
        if revision.by == by
        for change in renamed_revision(memory.schema, revision).changes
        if change.after is not None
    }

    def refuse(field: Field, value: Any, key: str | None) -> str | None:
        subject = subject_of(field, Applied(field.name, "add", after=value, key=key), value)
        names = (field.name, *field.settings.was) if tombstones else ()
        if any(buried(tombstones, salt, name, subject, 0.0) for name in names):
            return FORGOTTEN
        return GONE if (field.name, mark(key, value)) in brought else None

    return refuse


def within(memory: UserMemory, document: Mapping[str, Any], refuse: Refuse) -> Refuse:
    """The same rule, as long as the profile has room for what may come.

    Args:
        memory: Which says how much room there is.
        document: What stays of the profile as it is.
        refuse: The rule so far.
    """
    room = memory.consolidator.limits.room(document)
    begun = {name for name, value in document.items() if value}

    def full(field: Field, value: Any, key: str | None) -> str | None:
        if reason := refuse(field, value, key):
            return reason
        # The first item has no comma before it: else the next import would find room for one more.
        comma = int(field.kind in _COLLECTIONS and field.name not in begun)
        room.size -= comma
        done = _coming(field, value, key)
        if room.full(done):
            room.size += comma
            return NO_ROOM.format(room.most)
        room.take(done)
        begun.add(field.name)
        return None

    return full


def _coming(field: Field, value: Any, key: str | None) -> Applied:
    """A value that comes where nothing stands, as a change."""
    if field.kind in {"list", "objects"}:
        return Applied(field.name, "add", after=value, key=key, index=0)
    if field.kind == "map":
        return Applied(field.name, "set", after=value, key=key)
    inner = field.keys.get(key or "", field)
    return Applied(field.name, "update", inner.default, value, key)
