"""Change a profile by something else than a consolidation: an edit, an undo, a migration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from usermemory.records import Applied, Revision
from usermemory.store.driver import Flow
from usermemory.store.flows import Profile, first, lock_user, profile_of, revise


@dataclass(frozen=True, slots=True)
class Amendment:
    """What an edit wants to write.

    Attributes:
        document: The new profile.
        changes: What makes it new.
        by: Who made it.
        fingerprint: Of the schema it is valid against.
        thread_id: Where it was said, if in a thread.
        undoes: Revisions that it takes back.
        model: What made it, where that has a name.
        stamps: Of the new profile, where its words were said in a conversation; None for an edit,
            after which words from before change these fields no more.
    """

    document: Mapping[str, Any]
    changes: tuple[Applied, ...]
    by: str
    fingerprint: str
    thread_id: str = ""
    undoes: tuple[int, ...] = ()
    model: str = ""
    stamps: Mapping[str, Mapping[str, float]] | None = None


def profile(user_id: str) -> Flow[Profile]:
    """The profile to start from; an empty one of revision 0 for a user nobody knows."""
    return profile_of(first((yield "profile", {"user_id": user_id})))


def amend(user_id: str, base: Profile, amendment: Amendment) -> Flow[Revision | Profile]:
    """Write an amendment, if the profile is still the one that it starts from.

    Returns:
        The revision; or the profile as it is now, where somebody else was faster.
    """
    user = yield from lock_user(user_id)
    if user.revision != base.revision:
        return profile_of(first((yield "profile", {"user_id": user_id})))
    revision = revision_of(amendment, user.revision + 1, user.now)
    stamps = amendment.stamps
    if stamps is None:
        fields = (change.field for change in amendment.changes)
        stamps = stamped(base.stamps, fields, "edited", user.now)
    new = Profile(amendment.document, revision.number, stamps)
    yield from revise(user_id, 0, new, revision, revision.fingerprint)
    return revision


def revision_of(amendment: Amendment, number: int, at: float) -> Revision:
    """What the history says of an amendment."""
    return Revision(
        number=number,
        at=at,
        by=amendment.by,
        changes=amendment.changes,
        thread_id=amendment.thread_id,
        model=amendment.model,
        undoes=amendment.undoes,
        fingerprint=amendment.fingerprint,
    )


def stamped(
    stamps: Mapping[str, Mapping[str, float]], fields: Iterable[str], name: str, now: float
) -> dict[str, dict[str, float]]:
    """The stamps with one more time for each of these fields."""
    result = {field: dict(times) for field, times in stamps.items()}
    for field in fields:
        result.setdefault(field, {})[name] = now
    return result


def stored(after: str, limit: int) -> Flow[list[tuple[str, Profile]]]:
    """Users with a profile as it is stored, in the database's own order, after the one given."""
    rows = yield "profiles", {"after": after, "count": limit}
    return [
        (
            row["user_id"],
            Profile(
                json.loads(row["document"]),
                row["revision"],
                json.loads(row["stamps"]),
                row["fingerprint"],
            ),
        )
        for row in rows
    ]


def buried_fields() -> Flow[list[str]]:
    """The fields of which something was erased, of anybody."""
    rows = yield "buried_fields", {}
    return [row["field"] for row in rows]


def carry(moves: Iterable[tuple[str, str]]) -> Flow[None]:
    """See that what was erased of one field does not come back in another, for every user."""
    for old, new in moves:
        yield "carry_tombstones", {"old": old, "new": new}
