"""Take a user's next batch under a lease; what a person does about threads that wait."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from usermemory.records import Message
from usermemory.store import codec
from usermemory.store.driver import Flow, Row
from usermemory.store.flows import (
    TAIL,
    Profile,
    Thread,
    end_lease,
    first,
    load_thread,
    lock_user,
    profile_of,
    recount,
    save_thread,
    thread_of,
)

if TYPE_CHECKING:
    from usermemory.erasure import Tombstone

DAY = 86_400.0
"""Seconds."""

BATCH = 200
"""Messages that one consolidation takes in at most; what is beyond comes next."""


Question = tuple[int, tuple[int, ...]]
"""The state of erasures, and the numbers of the messages that were asked about."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thread's batch, and the right to commit what comes of it.

    Attributes:
        token: The fencing token: a commit with an older one is void.
        epoch: The erasure count: a commit from before an erasure is void.
        batch: The unread messages, oldest first.
        context: The last messages that were read before them.
        whole: Whether the batch is all that was unread.
        spent: Tokens that the user cost today already.
        triggered: Asked for by a person or a program: the gate is not consulted.
        salt: The user's secret, for what is kept hashed.
        tombstones: What was erased, and is not learned again from older words.
    """

    user_id: str
    thread_id: str
    token: int
    epoch: int
    now: float
    profile: Profile
    batch: tuple[Message, ...]
    context: tuple[Message, ...]
    thread: Thread
    whole: bool = True
    triggered: bool = False
    spent: int = 0
    salt: str = ""
    tombstones: tuple[Tombstone, ...] = ()

    @property
    def question(self) -> Question:
        """What a model's answer to the batch belongs to."""
        return self.epoch, tuple(message.seq for message in self.batch)

    @property
    def key(self) -> dict[str, Any]:
        """What names the thread in statements."""
        return {"user_id": self.user_id, "thread_id": self.thread_id}


def claim_due(worker: str, lease: float) -> Flow[Claim | None]:
    """The batch that has waited longest, if any is due.

    Args:
        worker: Who asks, for people who look.
        lease: Seconds after which another worker may take over, unless renewed.
    """
    while True:
        user = first((yield "claim_due", {"worker": worker, "lease": lease}))
        if user is None:
            return None
        key = {"user_id": user["user_id"]}
        due = first((yield "due_thread", key))
        if due is not None:
            yield "refresh_user", key
            return (yield from _take(user, due["thread_id"], triggered=False))
        # Its lease ran out with nothing left to do: put its due time right and look on.
        yield from end_lease(user["user_id"], user["token"])


Unclaimed = Literal["nothing", "held", "paused"]
"""Why a user was not claimed: nothing unread, somebody else works on it, or it is paused."""


def claim_thread(
    user_id: str, thread_id: str | None, after: str, worker: str, lease: float
) -> Flow[Claim | Unclaimed]:
    """The batch of this thread, or of the user's next one after ``after``, due or not."""
    found = thread_id
    if found is None:
        row = first((yield "unread_thread", {"user_id": user_id, "after": after}))
        found = row["thread_id"] if row else ""
    thread = yield from load_thread({"user_id": user_id, "thread_id": found})
    if not thread.unread:
        return "nothing"
    user = first((yield "claim_user", {"user_id": user_id, "worker": worker, "lease": lease}))
    if user is None:
        paused = (yield "is_paused", {"user_id": user_id})[0]["paused"]
        return "paused" if paused else "held"
    yield "refresh_user", {"user_id": user_id}
    claim = yield from _take(user, found, triggered=True)
    if not claim.batch:  # Somebody read it between our look and our claim.
        yield from end_lease(user_id, claim.token)
        return "held"
    return claim


def _take(user: Row, thread_id: str, *, triggered: bool) -> Flow[Claim]:
    key = {"user_id": user["user_id"], "thread_id": thread_id}
    # Looked at only after all are asked: on a server that is one round trip.
    scheduled = yield "thread", key
    unread = yield "unread", {**key, "count": BATCH}
    tail = yield "tail", {**key, "count": TAIL}
    known = yield "profile", {"user_id": user["user_id"]}
    graves = yield "tombstones", {"user_id": user["user_id"]}
    thread = thread_of(scheduled)
    return Claim(
        user_id=user["user_id"],
        thread_id=thread_id,
        token=user["token"],
        epoch=user["epoch"],
        now=user["now"],
        profile=profile_of(known),
        batch=tuple(codec.message(item) for item in unread),
        context=tuple(codec.message(item) for item in reversed(tail)),
        thread=thread,
        whole=len(unread) == thread.unread,
        triggered=triggered,
        salt=user["salt"],
        tombstones=tuple(codec.tombstone_of(item) for item in graves),
        spent=user["spent"] if user["spent_day"] == day_of(user["now"]) else 0,
    )


def day_of(now: float) -> int:
    """The day (since the epoch, UTC) of a time."""
    return int(now // DAY)


def renew(user_id: str, token: int, lease: float) -> Flow[bool]:
    """Extend the lease; False if it is no longer ours."""
    rows = yield "renew_lease", {"user_id": user_id, "token": token, "lease": lease}
    return bool(rows)


def give_back(user_id: str, token: int) -> Flow[bool]:
    """End a lease with nothing done: the thread stays due. False if it is another's by now."""
    user = yield from lock_user(user_id)
    if user.token != token:
        return False
    yield from end_lease(user_id, token)
    return True


def leases(host: str, lease: float) -> Flow[list[tuple[str, int, str]]]:
    """User, token and worker of the leases, of so many seconds, that workers of this host hold."""
    rows = yield "leases_of", {"host": f"{host}:%", "lease": lease}
    return [(row["user_id"], row["token"], row["lease_by"]) for row in rows]


def pause(user_id: str, paused: bool) -> Flow[None]:  # noqa: FBT001 - the one thing it sets
    """Stop or resume learning about a user."""
    yield from lock_user(user_id)
    yield "pause_user", {"user_id": user_id, "paused": int(paused)}
    yield "refresh_user", {"user_id": user_id}


def retry(user_id: str, thread_id: str) -> Flow[bool]:
    """Make a thread due now, dead messages too, with fresh attempts; False if nothing waits."""
    key = {"user_id": user_id, "thread_id": thread_id}
    user = yield from lock_user(user_id)
    thread = yield from load_thread(key)
    if thread.dead:
        yield "unbury", key
        yield from recount(key, thread)
        thread.dead = 0
    if not thread.unread:
        return False
    thread.state, thread.due_at = "waiting", user.now
    thread.attempts, thread.not_before = 0, 0.0
    yield from save_thread(key, thread)
    return True


def drop(user_id: str, thread_id: str) -> Flow[int]:
    """Give up on a thread's unread and dead messages; how many those were.

    A worker that is thinking about them is told so by the epoch, as after an erasure.
    """
    key = {"user_id": user_id, "thread_id": thread_id}
    yield from lock_user(user_id)
    thread = yield from load_thread(key)
    dropped = thread.unread + thread.dead
    if dropped:
        yield "add_epoch", {"user_id": user_id}
        yield "forget_unread", key
        thread.idle()
        thread.dead = 0
        yield from save_thread(key, thread)
    return dropped


def worker_name() -> str:
    """Host and process, for people who look at leases, and for workers of this host.

    Where the system tells, with when the process was started, and in which space of process
    numbers: containers may share a host's name.
    """
    return f"{this_host()}:{os.getpid()}:{_started(os.getpid())}"


def this_host() -> str:
    """This host, and which space of process numbers this process lives in."""
    try:
        space = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{space}"


def _started(process: int) -> str:
    """When a process was started, as the system counts it; empty if that is not known."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]


def has_died(worker: str) -> bool:
    """Whether a worker of this host, by its name, is certainly gone."""
    host, _, rest = worker.partition(":")
    number, _, started = rest.partition(":")
    if host != this_host() or not started or not number.isdigit() or not _started(os.getpid()):
        return False
    return _started(int(number)) != started
