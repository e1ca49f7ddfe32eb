"""Changes that a program proposes in the middle of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from usermemory.records import Message, Refused, Revision
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows.amend import Amendment, amend
from usermemory.store.flows.common import first, lock_user
from usermemory.store.flows.profile import Profile, profile_of
from usermemory.store.flows.refused import add

if TYPE_CHECKING:
    from usermemory.erasure import Tombstone


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


def start(user_id: str, thread_id: str, messages: Sequence[Message], now: float) -> Flow[Start]:
    """What a proposal starts from.

    Args:
        user_id: Whose profile.
        thread_id: Where the messages were said.
        messages: What was said.
        now: When a message was said that has no time of its own and never arrived before.
    """
    user = first((yield "known_user", {"user_id": user_id}))
    row = first((yield "profile", {"user_id": user_id}))
    ids = codec.dumps([message.id for message in messages if message.id is not None])
    rows = yield "arrived", {"user_id": user_id, "thread_id": thread_id, "ids": ids}
    known = {found["message_id"]: found for found in rows}
    told: list[Message] = []
    for message in messages:
        found = known.get(message.id)
        at = found["said_at"] if found else now
        told.append(
            replace(
                message,
                at=at if message.at is None else message.at,
                seq=found["seq"] if found else 0,
                received=found["received_at"] if found else now,
            )
        )
    graves = yield "tombstones", {"user_id": user_id}
    return Start(
        profile=profile_of(row),
        epoch=user["epoch"] if user else 0,
        paused=bool(user and user["paused"]),
        messages=tuple(told),
        salt=user["salt"] if user else "",
        tombstones=tuple(codec.tombstone(grave) for grave in graves),
    )


def propose(
    user_id: str,
    begun: Start,
    amendment: Amendment,
    rejections: Sequence[Refused] = (),
    context: Sequence[Message] = (),
) -> Flow[Revision | None]:
    """Write an amendment, if nothing has moved since; None to start again.

    Beside the profile that is an erasure, even of what the profile does not hold, and a pause.

    Args:
        user_id: Whose profile.
        begun: What the proposal started from.
        amendment: What is made of it.
        rejections: What of it is not made; stored with it, as far as refused changes are.
        context: What was said right before the proposal's messages.
    """
    user = yield from lock_user(user_id)
    if (user.epoch, user.paused) != (begun.epoch, begun.paused):
        return None
    answer = yield from amend(user_id, begun.profile, amendment)
    if not isinstance(answer, Revision):
        return None
    yield from add(user_id, amendment.thread_id, begun, rejections, context)
    return answer
