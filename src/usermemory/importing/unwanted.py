"""What must not come back by an import: what was forgotten, and what went since the last one."""

from __future__ import annotations

from typing import Any

from usermemory.erasure import buried, subject_of
from usermemory.importing.merging import Refuse
from usermemory.memory import UserMemory
from usermemory.records import Applied
from usermemory.schema import Field
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical
from usermemory.store.flows.erase import graves
from usermemory.store.flows.recall import history

FORGOTTEN = "the user had it forgotten"
GONE = "it was imported before and is gone since"

_ALL = 1_000_000
"""Revisions of a user: more than there are."""


def unwanted(memory: UserMemory, user_id: str, by: str, *, replace: bool) -> Refuse:
    """Why a value is unwanted in a user's profile.

    Args:
        memory: Where the profile is.
        user_id: Whose.
        by: Whom the import's revisions are by.
        replace: Whether what went since may come again; what was forgotten never does, since the
            source is older.
    """
    salt, tombstones = memory.driver.read(graves, user_id)
    revisions = [] if replace else memory.driver.read(history, user_id, _ALL)
    brought = {
        (change.field, _mark(change.after, change.key))
        for revision in revisions
        if revision.by == by
        for change in revision.changes
        if change.after is not None
    }

    def refuse(field: Field, value: Any, key: str | None) -> str | None:
        subject = subject_of(field, Applied(field.name, "add", after=value, key=key), value)
        if buried(tombstones, salt, field.name, subject, 0.0):
            return FORGOTTEN
        return GONE if (field.name, _mark(value, key)) in brought else None

    return refuse


def _mark(value: Any, key: str | None) -> str:
    """How a value is told from others of its field."""
    return canonical([key, identity(value)])
