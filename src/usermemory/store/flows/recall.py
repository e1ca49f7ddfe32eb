"""Read what is known: the chat's point lookup, and what people look at, costs among it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from usermemory.records import Applied, Cost, Job, Recalled, Revision, Said, Usage
from usermemory.store import codec
from usermemory.store.driver import Flow, Row
from usermemory.store.flows import Profile, load_profile

_ALL = 1 << 62
"""Beyond every revision number."""

ROWS = 1 << 31
"""More rows than there are."""


def recall(
    user_id: str,
    tail: int = 0,
    thread_id: str = "",
    earlier: int = 0,
    waiting: int = 0,
    shared: str = "",
    make: Callable[..., Recalled] = Recalled,
) -> Flow[Recalled]:
    """The profile of a user, in one statement.

    Args:
        user_id: Whose.
        tail: How many unread messages of theirs to add, at most.
        thread_id: The thread whose messages the caller has anyway.
        earlier: How many revisions that put an end to a value to add, at most.
        waiting: How many changes that wait for a person to add, at most.
        shared: Whose profile to add, as what is true for everybody; empty for nobody's.
        make: Makes the record of its attributes.

    Returns:
        The profile; its document is empty for a user nobody knows.
    """
    if not (tail or earlier or waiting or shared):
        row = (yield "recall", {"user_id": user_id})[0]
        return _recalled(make, row)
    asked = {"user_id": user_id, "tail": tail, "thread_id": thread_id, "earlier": earlier}
    rows = yield "recall_beside", {**asked, "waiting": waiting, "shared": shared}
    of_all: dict[str, Any] = {}
    profile, unread, before, aside = rows[0], list[Said](), list[Revision](), list[Applied]()
    for row in rows:
        match row["kind"]:
            case "said":
                unread.append(Said(row["thread_id"], row["text"], row["at"]))
            case "earlier":
                before.append(codec.ended(row))
            case "waiting":
                aside += codec.changes_of(row["text"])
            case "shared":
                of_all = from_json(row["text"])
            case _:
                profile = row
    beside = tuple(reversed(unread)), tuple(before), tuple(aside), of_all
    return _recalled(make, profile, *beside)


def _recalled(make: Callable[..., Recalled], profile: Row, *beside: Any) -> Recalled:
    text, stamps = profile["text"], profile["stamps"]
    return make(
        from_json(text) if text else {},
        from_json(stamps) if stamps else {},
        profile["number"] or 0,
        profile["at"],
        profile["pending"],
        profile["now"],
        *beside,
    )


def profiles(
    after: str = "", limit: int = 100, make: Callable[..., Recalled] = Recalled
) -> Flow[list[tuple[str, Recalled]]]:
    """Users with a profile, in the database's own order, after the one given."""
    rows = yield "profiles", {"after": after, "count": limit}
    return [
        (
            row["user_id"],
            make(
                document=from_json(row["document"]),
                stamps=from_json(row["stamps"]),
                revision=row["revision"],
                updated_at=row["updated_at"],
            ),
        )
        for row in rows
    ]


def history(user_id: str, limit: int = 1_000, before: int = _ALL) -> Flow[list[Revision]]:
    """The revisions of a user, the newest first."""
    rows = yield "history", {"user_id": user_id, "before": before, "count": limit}
    return [codec.revision(row) for row in rows]


def profile_and_history(user_id: str) -> Flow[tuple[Profile, list[Revision]]]:
    """The profile, and all of its revisions; some may be newer than it."""
    profile = yield from load_profile(user_id)
    return profile, (yield from history(user_id, ROWS))


def jobs(
    state: str | None = None, user_id: str | None = None, limit: int = 1_000
) -> Flow[list[Job]]:
    """Threads with unread messages, the most urgent first."""
    rows = yield "jobs", {"state": state or "", "user_id": user_id or "", "count": limit}
    return [codec.job(row) for row in rows]


@dataclass(frozen=True, slots=True)
class NextDue:
    """What a worker sees when it looks.

    Attributes:
        wait: Seconds until somebody is due, 0 if somebody is; None while nothing waits.
        unclean: Whether something was erased of which the disk still holds copies.
    """

    wait: float | None
    unclean: bool


def next_due() -> Flow[NextDue]:
    """How long a worker may sleep, and whether it has something else to do."""
    row = (yield "next_due", {})[0]
    wait = None if row["next_due"] is None else max(0.0, row["next_due"] - row["now"])
    return NextDue(wait, row["unclean"] is not None)


@dataclass(frozen=True, slots=True)
class Figures:
    """What an operator watches.

    Attributes:
        waiting: Threads that are due or will be; those of paused users are left out.
        oldest: Seconds for which the oldest of them has been due; 0 if none is.
        running: Users on whose due batches a worker is at work.
        dead: Threads with messages that wait for a person.
    """

    waiting: int
    oldest: float
    running: int
    dead: int


def figures() -> Flow[Figures]:
    """How much waits, runs and is dead."""
    row = (yield "figures", {})[0]
    late = 0.0 if row["oldest"] is None else max(0.0, row["now"] - row["oldest"])
    return Figures(row["waiting"], late, row["running"], row["dead"])


def waiting_users(after: str = "", limit: int = 500) -> Flow[list[str]]:
    """Users with unread messages, in order, after the one given."""
    rows = yield "users_with_unread", {"after": after, "count": limit}
    return [row["user_id"] for row in rows]


_COSTS_PAGE = 5_000


_BEFORE_ALL = -(2**62)
"""Less than any token: tidy passes count downwards."""


def costs(user_id: str | None, since: float, until: float) -> Flow[list[Cost]]:
    """What readings cost, by user, day and model; those that asked no model cost nothing.

    Args:
        user_id: About whom; None for everybody.
        since: From when, in seconds since the epoch.
        until: To when.
    """
    found: dict[tuple[str, str, str], tuple[int, Usage]] = {}
    asked = {"since": since, "until": until, "count": _COSTS_PAGE}
    query = "costs" if user_id is None else "costs_of"
    whose = {} if user_id is None else {"user_id": user_id}
    last: dict[str, str | int] = {"after": "", "token": _BEFORE_ALL}
    while True:
        place = last if user_id is None else {"token": last["token"]}
        rows = yield query, {**asked, **whose, **place}
        for row in rows:
            usage = codec.usage_of(row["usage"])
            if usage.calls:
                key = row["user_id"], _utc_day(row["at"]), row["model"]
                readings, sum_ = found.get(key, (0, Usage()))
                found[key] = readings + 1, sum_ + usage
        if len(rows) < _COSTS_PAGE:
            break
        last = {"after": rows[-1]["user_id"], "token": rows[-1]["token"]}
    ordered = sorted(found.items(), key=lambda item: (item[0][1], item[0]))
    return [Cost(*key, readings, usage) for key, (readings, usage) in ordered]


def _utc_day(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).date().isoformat()


def everything_said(user_id: str) -> Flow[tuple[Profile, list[Revision], Sequence[Row]]]:
    """A user's profile, all of its revisions, and the messages whose text is kept."""
    profile, history = yield from profile_and_history(user_id)
    return profile, history, (yield "kept_messages", {"user_id": user_id})


def people(
    named: str = "", sort: str = "seen", limit: int = 50, skip: int = 0, after: str = ""
) -> Flow[Sequence[Row]]:
    """Users who are known or wait, for a list of them.

    Args:
        named: A part of their ids, whatever the case; empty for all.
        sort: ``seen``, ``size`` or ``pending``, the most first; else by id.
        limit: How many at most.
        skip: How many come before.
        after: An id; only those behind it.
    """
    part = named.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    asked = {"named": part and f"%{part}%", "sort": sort, "after": after}
    return (yield "people", {**asked, "count": limit, "skip": skip})


def readings(since: float, limit: int = 20_000) -> Flow[Sequence[Row]]:
    """What came of the readings since a time, the newest first; proposals of tools among them."""
    return (yield "readings", {"since": since, "count": limit})


def waiting_for_provider() -> Flow[Row]:
    """How many threads wait for a provider that cannot be asked, and when one is due next."""
    return (yield "waiting_for_provider", {})[0]


def held_leases(limit: int = 100) -> Flow[Sequence[Row]]:
    """User, worker and end of the leases that are held now."""
    return (yield "held_leases", {"count": limit})


def is_paused(user_id: str) -> Flow[bool]:
    """Whether nothing is learned about a user."""
    rows = yield "is_paused", {"user_id": user_id}
    return bool(rows and rows[0]["paused"])
