"""Change a profile by something else than a consolidation: an edit, an undo, a migration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermemory.dates import made_items, mark_items
from usermemory.records import Applied, Message, Revision
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows import Profile, first, load_profile, lock_user, revise

if TYPE_CHECKING:
    from usermemory.erasure import Tombstone


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

    def revision(self, number: int, at: float) -> Revision:
        """What the history says of it."""
        return Revision(
            number=number,
            at=at,
            by=self.by,
            changes=self.changes,
            thread_id=self.thread_id,
            model=self.model,
            undoes=self.undoes,
            fingerprint=self.fingerprint,
        )


@dataclass(frozen=True, slots=True)
class Start:
    """A user as a proposal finds them.

    Attributes:
        epoch: The erasure count: what was judged before an erasure is judged anew.
        paused: Nothing may be learned.
        messages: Those that were passed, as the inbox knows them: with their number and times.
        salt: The user's secret, to know what was erased.
        tombstones: What was erased, and is not learned again from older words.
    """

    profile: Profile
    epoch: int
    paused: bool
    messages: tuple[Message, ...]
    salt: str
    tombstones: tuple[Tombstone, ...]


def begin(user_id: str) -> Flow[Start]:
    """A user as they are stored now; changes and locks nothing."""
    known = first((yield "known_user", {"user_id": user_id}))
    profile = yield from load_profile(user_id)
    graves = yield "tombstones", {"user_id": user_id}
    return Start(
        profile=profile,
        epoch=known["epoch"] if known else 0,
        paused=bool(known and known["paused"]),
        messages=(),
        salt=known["salt"] if known else "",
        tombstones=tuple(codec.tombstone_of(grave) for grave in graves),
    )


def amend(user_id: str, base: Profile, amendment: Amendment) -> Flow[Revision | Profile]:
    """Write an amendment, if the profile is still the one that it starts from.

    Returns:
        The revision; or the profile as it is now, where somebody else was faster.
    """
    user = yield from lock_user(user_id)
    if user.revision != base.revision:
        return (yield from load_profile(user_id))
    revision = amendment.revision(user.revision + 1, user.now)
    stamps = amendment.stamps
    if stamps is None:
        edited = {name: dict(times) for name, times in base.stamps.items()}
        for change in amendment.changes:
            times = edited.setdefault(change.field, {})
            times["edited"] = user.now
            mark_items(times, "edited", made_items(change), user.now)
        stamps = edited
    yield from revise(user_id, amendment.document, stamps, revision)
    return revision


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
