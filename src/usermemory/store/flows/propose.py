"""Changes that a program proposes in the middle of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from usermemory.records import Applied, Message, Revision
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows.claim import Profile, profile_of
from usermemory.store.flows.common import first, lock_user
from usermemory.store.flows.revise import revise


@dataclass(frozen=True, slots=True)
class Start:
    """A user as a proposal finds them.

    Attributes:
        epoch: The erasure count: what was judged before an erasure is judged anew.
        paused: Nothing may be learned.
        messages: Those that were passed, as the inbox knows them: with their number and times.
    """

    profile: Profile
    epoch: int
    paused: bool
    messages: tuple[Message, ...]


def start(user_id: str, thread_id: str, messages: Sequence[Message], now: float) -> Flow[Start]:
    """What a proposal starts from.

    Args:
        user_id: Whose profile.
        thread_id: Where the messages were said.
        messages: What was said.
        now: When a message was said that has no time of its own and never arrived before.
    """
    user = first((yield "user", {"user_id": user_id}))
    row = first((yield "profile", {"user_id": user_id}))
    ids = codec.dumps([message.id for message in messages if message.id is not None])
    rows = yield "arrived", {"user_id": user_id, "thread_id": thread_id, "ids": ids}
    known = {found["message_id"]: found for found in rows}
    told: list[Message] = []
    for message in messages:
        found = known.get(message.id)
        at = found["said_at"] if found else now
        seq = found["seq"] if found else 0
        told.append(replace(message, seq=seq, at=at if message.at is None else message.at))
    return Start(
        profile=profile_of(row, user["revision"] if user else 0),
        epoch=user["epoch"] if user else 0,
        paused=bool(user and user["paused"]),
        messages=tuple(told),
    )


def propose(
    user_id: str,
    thread_id: str,
    begun: Start,
    profile: Profile,
    changes: tuple[Applied, ...],
    by: str,
    fingerprint: str,
) -> Flow[Revision | None]:
    """Write the new profile, if nothing has moved since; None to start again.

    Args:
        user_id: Whose.
        thread_id: Where the words were said.
        begun: What the changes were judged by.
        profile: The new document and its stamps.
        changes: What makes it new.
        by: The name that the revision bears.
        fingerprint: Of the schema.
    """
    user = yield from lock_user(user_id)
    now = (user.epoch, user.revision, user.paused)
    if now != (begun.epoch, begun.profile.revision, begun.paused):
        return None
    revision = Revision(user.revision + 1, user.now, by, changes, thread_id)
    yield from revise(user_id, 0, profile, revision, fingerprint)
    return revision
