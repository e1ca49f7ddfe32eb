"""Every operation of the store, once, as flows: generators that know nothing of databases.

Here is what they share: the user's lock, a thread's schedule, a profile and its revision.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from usermemory.dates import without_gone
from usermemory.records import Revision, ThreadState
from usermemory.store import codec
from usermemory.store.driver import Flow, Row, Step

TAIL = 6
"""Read messages of a thread that are kept as context for the next batch."""


@dataclass(frozen=True, slots=True)
class User:
    """A user's row, locked until the flow ends."""

    token: int
    epoch: int
    revision: int
    lease_until: float
    paused: int
    salt: str
    now: float


@dataclass(slots=True)
class Thread:
    """A thread's schedule, worked out in memory and saved once."""

    state: ThreadState = "idle"
    due_at: float | None = None
    first_at: float | None = None
    not_before: float = 0.0
    unread: int = 0
    unread_chars: int = 0
    next_seq: int = 1
    at_most: int | None = None
    dead: int = 0
    attempts: int = 0
    last_error: str = ""

    def idle(self) -> None:
        """Nothing is unread: nothing is due."""
        self.state, self.due_at, self.first_at = "idle", None, None
        self.unread = self.unread_chars = self.attempts = 0
        self.at_most = None
        self.not_before, self.last_error = 0.0, ""


_SCHEDULE = tuple(one.name for one in fields(Thread))


def first(rows: Sequence[Row]) -> Row | None:
    """The only row, or nothing."""
    return rows[0] if rows else None


def lock_user(user_id: str) -> Flow[User]:
    """Lock the user's row, which is made when there is none."""
    return user_of((yield locking(user_id)))


def locking(user_id: str) -> Step:
    """The statement that locks the user's row."""
    return "lock_user", {"user_id": user_id, "salt": secrets.token_hex(16)}


def user_of(rows: Sequence[Row]) -> User:
    """The user from what it answers."""
    return User(**rows[0])


def load_thread(key: dict[str, Any]) -> Flow[Thread]:
    """The schedule of a thread; an idle one if it is new."""
    return thread_of((yield "thread", key))


def thread_of(rows: Sequence[Row]) -> Thread:
    """The schedule from its row, if there is one."""
    return Thread(**rows[0]) if rows else Thread()


def save_thread(key: dict[str, Any], thread: Thread) -> Flow[None]:
    """Store the schedule, and work out when the user is next."""
    yield "save_thread", {**key, **{name: getattr(thread, name) for name in _SCHEDULE}}
    yield "refresh_user", {"user_id": key["user_id"]}


def end_lease(user_id: str, token: int) -> Flow[None]:
    """End the lease, if it is still this one, and work out when the user is next."""
    yield "release_user", {"user_id": user_id, "token": token}
    yield "refresh_user", {"user_id": user_id}


def recount(key: dict[str, Any], thread: Thread) -> Flow[None]:
    """Count the inbox again after messages were read or dropped."""
    row = (yield "inbox_size", key)[0]
    thread.unread, thread.unread_chars = row["unread"], row["unread_chars"]
    if row["first_at"] is None:
        thread.first_at = None
    else:
        # What came in as a message of the past has waited since then, not since it was said.
        thread.first_at = max(row["first_at"], thread.first_at or 0.0)


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as a flow finds it.

    ``stamps`` says for each field when it was ``learned``, ``confirmed`` and ``edited`` by hand;
    ``fingerprint`` under which schema it was written last.
    """

    document: Mapping[str, Any] | None = None
    revision: int = 0
    stamps: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Any])
    fingerprint: str = ""


def times(stamps: Mapping[str, Mapping[str, float]], stamp: str) -> dict[str, float]:
    """The time of one stamp, for the fields that have it."""
    return {name: found[stamp] for name, found in stamps.items() if stamp in found}


def load_profile(user_id: str) -> Flow[Profile]:
    """The profile to start from; an empty one of revision 0 for a user nobody knows."""
    return profile_of((yield "profile", {"user_id": user_id}))


def profile_of(rows: Sequence[Row]) -> Profile:
    """A profile from its row; the user's revision counts on even where the profile is gone."""
    row = first(rows)
    if row is None or row["document"] is None:
        return Profile(revision=row["revision"] if row else 0)
    return Profile(
        document=json.loads(row["document"]),
        revision=row["revision"],
        stamps=json.loads(row["stamps"]),
        fingerprint=row["fingerprint"],
    )


def revise(
    user_id: str,
    document: Mapping[str, Any],
    stamps: Mapping[str, Mapping[str, float]],
    revision: Revision,
    token: int = 0,
) -> Flow[None]:
    """Replace a profile, together with the revision that explains it, under the user's lock.

    Args:
        user_id: Whose.
        document: The new profile.
        stamps: Its times; those of items that the revision took away are left out.
        revision: What made it new.
        token: The claim it was made under; 0 for an edit by hand.
    """
    common = {"user_id": user_id, "revision": revision.number}
    fingerprint = {"fingerprint": revision.fingerprint}
    yield "advance_revision", common
    left = without_gone(stamps, revision.changes, document)
    written = {"document": codec.dumps(document), "stamps": codec.dumps(left)}
    yield "save_profile", {**common, **written, **fingerprint}
    yield (
        "add_revision",
        {
            **common,
            **fingerprint,
            "author": revision.by,
            "thread_id": revision.thread_id,
            "token": token,
            "changes": codec.records(revision.changes),
            "replaced": codec.replaced(revision.changes),
            "model": revision.model,
            "prompt": revision.prompt,
            "usage": codec.usage_text(revision.usage),
            "undoes": codec.dumps(revision.undoes),
        },
    )
