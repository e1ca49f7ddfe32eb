"""Changes that a program proposes in a conversation, and what was proposed and not made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from usermemory.records import Message, Refused, Revision, Usage
from usermemory.refused import Buried, bare, readable, storable
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows import Profile, lock_user
from usermemory.store.flows.amend import Amendment, Start, amend, begin
from usermemory.store.flows.review import Draft, add_proposals

if TYPE_CHECKING:
    from usermemory.dates import Stamps
    from usermemory.erasure import Tombstone

BATCHES = 200
"""Consolidations and proposals of a user whose refused changes are kept: the newest."""


def refused(user_id: str, field: str | None, limit: int) -> Flow[list[Refused]]:
    """Refused changes, the newest first; those of one answer in its order.

    Args:
        user_id: Whose.
        field: Only those of this field.
        limit: How many at most.
    """
    found: list[Refused] = []
    asked = {"user_id": user_id, "named": "" if field is None else f'"field":{codec.dumps(field)}'}
    skip = 0
    while True:
        rows = yield "refused", {**asked, "count": limit, "skip": skip}
        for row in rows:
            every = map(readable, codec.refused_of(row))
            found += (one for one in every if field is None or one.change.field == field)
        if len(found) >= limit or len(rows) < limit:
            return found[:limit]
        skip += limit


def by_tombstones(tombstones: Sequence[Tombstone], salt: str) -> Buried | None:
    """What tells a value that was erased; None where nothing was."""
    if not tombstones:
        return None
    from usermemory.erasure import buried

    return partial(buried, tombstones, salt)


def add(
    user_id: str,
    thread_id: str,
    begun: Start,
    rejections: Sequence[Refused],
    context: Sequence[Message] = (),
) -> Flow[None]:
    """Store what was refused of a proposal; the caller holds the user's lock.

    Args:
        user_id: Whose.
        thread_id: Where it was proposed.
        begun: What the proposal started from, with the messages.
        rejections: What was not made.
        context: What was said right before those messages.
    """
    heard = (*context, *begun.messages)
    kept = storable(rejections, heard, by_tombstones(begun.tombstones, begun.salt))
    if not kept:
        return
    texts = {"rejections": codec.refusals(kept), "usage": codec.usage_text(Usage())}
    yield "add_refusals", {"user_id": user_id, "thread_id": thread_id, **texts}
    yield "trim_refusals", {"user_id": user_id, "count": BATCHES}
    yield "drop_trimmed", {"user_id": user_id}


def record(
    user_id: str,
    thread_id: str,
    begun: Start,
    rejections: Sequence[Refused],
    context: Sequence[Message] = (),
) -> Flow[None]:
    """Store what was refused of a proposal of which nothing was made; arguments as for `add`.

    Of a paused user nothing is stored. What was judged before an erasure may hold what was erased,
    so then only fields and reasons are.
    """
    user = yield from lock_user(user_id)
    if user.paused:
        return
    if user.epoch != begun.epoch:
        rejections = [bare(one) for one in rejections]
    yield from add(user_id, thread_id, begun, rejections, context)


def start(user_id: str, thread_id: str, messages: Sequence[Message], now: float) -> Flow[Start]:
    """What a proposal starts from.

    Args:
        user_id: Whose profile.
        thread_id: Where the messages were said.
        messages: What was said.
        now: When a message was said that has no time of its own and never arrived before.
    """
    found = yield from begin(user_id)
    ids = codec.dumps([message.id for message in messages if message.id is not None])
    rows = yield "arrived", {"user_id": user_id, "thread_id": thread_id, "ids": ids}
    arrived = {row["message_id"]: row for row in rows}
    new = {"said_at": now, "seq": 0, "received_at": now}
    known: list[Message] = []
    for message in messages:
        row = arrived.get(message.id, new)
        at = row["said_at"] if message.at is None else message.at
        known.append(replace(message, at=at, seq=row["seq"], received=row["received_at"]))
    return replace(found, messages=tuple(known))


def propose(
    user_id: str,
    thread_id: str,
    begun: Start,
    made: Amendment | Stamps | None,
    drafts: Sequence[Draft] = (),
    rejections: Sequence[Refused] = (),
    context: Sequence[Message] = (),
) -> Flow[tuple[Revision | None, int] | None]:
    """Write what is made of it, and what waits for a person, if nothing has moved since.

    Beside the profile that is an erasure, even of what the profile does not hold, and a pause.

    Args:
        user_id: Whose profile.
        thread_id: Where it was proposed.
        begun: What the proposal started from.
        made: What is changed at once, or when what is known already was said again.
        drafts: What waits.
        rejections: What of it is not made; stored with it, as far as refused changes are.
        context: What was said right before the proposal's messages.

    Returns:
        The revision, if there is one, and how many proposals wait now; None to start again.
    """
    user = yield from lock_user(user_id)
    if (user.epoch, user.paused) != (begun.epoch, begun.paused):
        return None
    if user.revision != begun.profile.revision:
        return None
    ids = (yield from add_proposals(user_id, user, drafts)) if drafts else []
    revision: Revision | Profile | None = None
    if isinstance(made, Amendment):
        revision = yield from amend(user_id, begun.profile, made)
    elif made is not None:
        yield "save_stamps", {"user_id": user_id, "stamps": codec.dumps(made)}
    yield from add(user_id, thread_id, begun, rejections, context)
    return (revision if isinstance(revision, Revision) else None), sum(map(bool, ids))
