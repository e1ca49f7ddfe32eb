"""Write what came of a claim: all of it in one transaction, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from usermemory.records import Applied, Refused, Revision, Usage
from usermemory.refused import storable
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows import (
    TAIL,
    Profile,
    Thread,
    User,
    end_lease,
    load_profile,
    load_thread,
    lock_user,
    recount,
    revise,
    save_thread,
)
from usermemory.store.flows.claim import Claim, day_of
from usermemory.store.flows.propose import BATCHES, by_tombstones
from usermemory.store.flows.review import Draft, add_proposals


@dataclass(frozen=True, slots=True)
class Result:
    """What a consolidation wants to write.

    Attributes:
        document: The new profile; None leaves it as it is.
        changes: What makes it new.
        stamps: When fields were learned and confirmed.
        confirmed: Whether the stamps are new, though the document may not be.
        seqs: The messages that were read.
        rejections: What the checks refused.
        drafts: What waits for a person.
        keep_for: Seconds from now for which the text stays that search may have; None: as long as
            was said when it came.
    """

    seqs: tuple[int, ...]
    document: Mapping[str, Any] | None = None
    changes: tuple[Applied, ...] = ()
    stamps: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Any])
    confirmed: bool = False
    fingerprint: str = ""
    rejections: tuple[Refused, ...] = ()
    model: str = ""
    prompt: str = ""
    usage: Usage = Usage()
    drafts: tuple[Draft, ...] = ()
    keep_for: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a batch could not be consolidated, and what is tried next.

    Attributes:
        retry_in: Seconds until the next attempt; None: never, a person has to look.
        at_most: Turns of the next attempt, where the batch itself is to blame and is halved.
        poison: The messages that are to blame by themselves: they die, their thread goes on.
        counts: Whether it counts as an attempt; an outage does not.
        repeated: Whether it belongs to an outage that was reported before.
        model: The name of the model whose usage it is, or that could not be asked; empty where a
            second model failed after something was spent on a first.
    """

    reason: str
    error: str
    retry_in: float | None
    at_most: int | None = None
    poison: tuple[int, ...] = ()
    counts: bool = True
    repeated: bool = False
    usage: Usage = Usage()
    model: str = ""


Lost = Literal["lost", "forgotten", "paused"]
"""``lost``: another worker has the user. ``forgotten``: something was erased meanwhile.
``paused``: the user was paused meanwhile; the batch is read after they resume."""


def commit(claim: Claim, result: Result) -> Flow[tuple[Revision | None, int] | Lost | Profile]:
    """Profile, revision, read messages and schedule, if token and epoch still hold.

    Returns:
        The revision, or None where nothing changed, and how many proposals of the result wait; a
        `Lost` where nothing may be written; or the `Profile` as it is now, where somebody edited
        it meanwhile: apply the changes to that.
    """
    user = yield from lock_user(claim.user_id)
    if user.token != claim.token:
        return "lost"
    if user.epoch != claim.epoch or user.paused:
        yield from end_lease(claim.user_id, claim.token)
        return "paused" if user.paused else "forgotten"
    if user.revision != claim.profile.revision:
        return (yield from load_profile(claim.user_id))
    revision = yield from _write(claim, result, user)
    drafts = result.drafts
    waiting = (yield from add_proposals(claim.user_id, user, drafts)) if drafts else []
    said = (*claim.context, *claim.batch)
    yield from _record(
        claim,
        "changed" if revision else "unchanged",
        user.now,
        result.seqs,
        result.usage,
        refused=storable(result.rejections, said, by_tombstones(claim.tombstones, claim.salt)),
        revision=revision.number if revision else None,
        model=result.model,
        prompt=result.prompt,
    )
    yield from _spend(claim, user, result.usage)
    read = {"seqs": codec.dumps(result.seqs), "keep_for": result.keep_for}
    yield "mark_read", {**claim.key, **read}
    yield "trim_tail", {**claim.key, "count": TAIL}
    thread = yield from load_thread(claim.key)
    yield from recount(claim.key, thread)
    _reschedule(thread, claim, user.now)
    yield "release_user", {"user_id": claim.user_id, "token": claim.token}
    yield from save_thread(claim.key, thread)
    return revision, sum(map(bool, waiting))


def _write(claim: Claim, result: Result, user: User) -> Flow[Revision | None]:
    if result.document is None:
        if result.confirmed and claim.profile.document is not None:
            stamps = codec.dumps(result.stamps)
            yield "save_stamps", {"user_id": claim.user_id, "stamps": stamps}
        return None
    revision = Revision(
        number=user.revision + 1,
        at=user.now,
        by="model",
        changes=result.changes,
        thread_id=claim.thread_id,
        model=result.model,
        prompt=result.prompt,
        usage=result.usage,
        fingerprint=result.fingerprint,
    )
    yield from revise(claim.user_id, result.document, result.stamps, revision, claim.token)
    return revision


def _record(
    claim: Claim,
    outcome: str,
    now: float,
    seqs: Sequence[int],
    usage: Usage,
    *,
    refused: Sequence[Refused] = (),
    **details: Any,
) -> Flow[None]:
    """What came of the claim, and which messages it read."""
    nothing = {"reason": "", "error": "", "revision": None, "model": "", "prompt": ""}
    recorded = {
        **claim.key,
        "token": claim.token,
        "outcome": outcome,
        "seqs": codec.dumps(seqs),
        "rejections": codec.refusals(refused),
        "usage": codec.usage_text(usage),
        "seconds": round(max(0.0, now - claim.now), 3),
    }
    yield "add_consolidation", {**nothing, **recorded, **details}
    if refused:
        yield "trim_refusals", {"user_id": claim.user_id, "count": BATCHES}


def _reschedule(thread: Thread, claim: Claim, now: float) -> None:
    """What is still unread arrived meanwhile, and has its own due time, or was too much at once."""
    if not thread.unread:
        thread.idle()
        return
    thread.attempts, thread.not_before, thread.last_error = 0, 0.0, ""
    # What was halved for a bad turn's sake grows again behind it.
    thread.at_most = None if thread.at_most is None else thread.at_most * 2
    if not claim.whole or thread.due_at is None:
        thread.state, thread.due_at = "waiting", now


def hold(claim: Claim, reason: str, until: float | None) -> Flow[bool]:
    """Leave a batch in the inbox until there is more, or until a time; False if the claim is void.

    Args:
        claim: The batch.
        reason: What it waits for.
        until: When it is looked at again even if nothing is added; None: never.
    """
    user = yield from lock_user(claim.user_id)
    if user.token != claim.token:
        return False
    thread = yield from load_thread(claim.key)
    if thread.unread and thread.next_seq == claim.thread.next_seq:
        thread.state, thread.due_at, thread.last_error = "held", until, reason
    yield from end_lease(claim.user_id, claim.token)
    yield from save_thread(claim.key, thread)
    return True


def fail(claim: Claim, failure: Failure) -> Flow[bool]:
    """Record a failure and schedule the next attempt, or bury it; False if the claim is void."""
    user = yield from lock_user(claim.user_id)
    if user.token != claim.token:
        return False
    thread = yield from load_thread(claim.key)
    yield from _after_failure(claim, failure, thread, user.now)
    yield from _spend(claim, user, failure.usage)
    seqs = [message.seq for message in claim.batch]
    reason, error, model = failure.reason, failure.error, failure.model
    yield from _record(
        claim, "failed", user.now, seqs, failure.usage, reason=reason, error=error, model=model
    )
    yield from end_lease(claim.user_id, claim.token)
    yield from save_thread(claim.key, thread)
    return True


def _after_failure(claim: Claim, failure: Failure, thread: Thread, now: float) -> Flow[None]:
    """Bury the turn that is to blame, or wait for the next attempt, or for a person."""
    if not thread.unread:
        thread.idle()  # The messages were dropped while the model failed on them.
        return
    thread.last_error = failure.error
    if failure.poison:
        buried = yield "bury", {**claim.key, "seqs": codec.dumps(failure.poison)}
        thread.dead += len(buried)
        yield from recount(claim.key, thread)
        thread.attempts, thread.at_most = 0, None
        thread.state, thread.due_at = ("waiting", now) if thread.unread else ("idle", None)
        return
    halved = failure.at_most is not None
    thread.attempts = 0 if halved else thread.attempts + failure.counts
    thread.at_most = failure.at_most if halved else thread.at_most
    if failure.retry_in is None:
        thread.state, thread.due_at = "dead", None
    else:
        thread.not_before = now + failure.retry_in
        thread.state, thread.due_at = "waiting", thread.not_before


def _spend(claim: Claim, user: User, usage: Usage) -> Flow[None]:
    tokens = usage.input_tokens + usage.output_tokens
    if tokens:
        spent = {"tokens": tokens, "day": day_of(user.now)}
        yield "spend", {"user_id": claim.user_id, **spent}
