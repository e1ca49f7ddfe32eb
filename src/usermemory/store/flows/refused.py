"""What was proposed and not made: record what a program proposed in vain, and list it all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from usermemory.records import Message, Refused, Usage
from usermemory.refused import Buried, bare, readable, storable
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows.common import lock_user

if TYPE_CHECKING:
    from usermemory.erasure import Tombstone
    from usermemory.store.flows.propose import Start

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
    asked = {"user_id": user_id, "named": "" if field is None else codec.named(field)}
    skip = 0
    while True:
        rows = yield "refused", {**asked, "count": limit, "skip": skip}
        for row in rows:
            every = map(readable, codec.refused(row))
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
