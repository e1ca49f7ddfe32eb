"""Erase, in one transaction, and see that nobody who is at work brings it back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from usermemory.erasure import (
    EVERYTHING,
    Kept,
    OfMessage,
    OfThread,
    OfValue,
    Plan,
    Refusals,
    Stored,
    Target,
    Tombstone,
    plan,
    tombstone,
)
from usermemory.records import Forgotten, Revision
from usermemory.schema.document import counts_as
from usermemory.schema.renames import renamed_stamps
from usermemory.schema.shape import is_list, is_object
from usermemory.store import codec
from usermemory.store.driver import Flow, Row
from usermemory.store.flows import (
    Profile,
    User,
    first,
    load_profile,
    load_thread,
    lock_user,
    recount,
    revise,
    save_thread,
)
from usermemory.store.flows.recall import ROWS, history
from usermemory.store.flows.review import proposals_to_erase, without_proposals
from usermemory.store.flows.shown import drop_shown, forget_shown

if TYPE_CHECKING:
    from usermemory.schema import Schema


@dataclass(frozen=True, slots=True)
class Prepared:
    """An erasure that was worked out while nothing was locked.

    Attributes:
        profile: What it was worked out from; with every change of the past its revision moves.
        said: The same, of messages, refusals and proposals.
        plan: What is to be written.
    """

    profile: Profile
    said: Sequence[Sequence[Row]]
    plan: Plan


def prepare(user_id: str, target: Target, schema: Schema) -> Flow[Prepared]:
    """Work out an erasure without a lock, so that no writer waits for that; see `erase`."""
    profile = yield from load_profile(user_id)
    said = yield from _said(user_id)
    return Prepared(profile, said, (yield from _planned(user_id, profile, target, schema)))


def _said(user_id: str) -> Flow[Sequence[Sequence[Row]]]:
    """All rows that an erasure looks through beside profile and history."""
    words = yield "kept_words", {"user_id": user_id}
    refusals = yield "refusals", {"user_id": user_id}
    proposals = yield "proposals_stored", {"user_id": user_id, "count": ROWS}
    return [list(map(dict, rows)) for rows in (words, refusals, proposals)]


def erase(
    user_id: str, target: Target, schema: Schema, prepared: Prepared | None = None
) -> Flow[Forgotten]:
    """Erase a value, a message or what a thread taught.

    Args:
        user_id: Whose.
        target: What.
        schema: The profile's.
        prepared: The same, worked out before; it counts unless something has moved since.

    Returns:
        What it reached; copies on the disk are another matter.
    """
    user = yield from _begin(user_id)
    profile = yield from load_profile(user_id)
    stands = prepared is not None and prepared.profile == profile
    if prepared is not None and stands and prepared.said == (yield from _said(user_id)):
        made = prepared.plan
    else:
        made = yield from _planned(user_id, profile, target, schema)
    for field, value in made.subjects:
        stone = tombstone(user.salt, field, value)
        words = codec.dumps(sorted(stone.words))
        buried = {"field": field, "digest": stone.digest, "words": words}
        yield "add_tombstone", {"user_id": user_id, **buried}
    yield from _rewrite(user_id, made)
    waiting, _ = yield from proposals_to_erase(user_id)
    yield from without_proposals(user_id, [waiting[place].id for place in sorted(made.waiting)])
    yield from _empty_messages(user_id, made)
    if isinstance(target, OfThread):
        yield from drop_shown(user_id, target.thread_id)
    elif isinstance(target, OfMessage):
        numbers = yield from _numbers(user_id, target)
        yield from drop_shown(user_id, target.thread_id, sorted(numbers))
    yield "forget_errors", {"user_id": user_id}
    if profile.document is not None:
        # Even where it only reached the past: an edit or undo that was worked out before has to
        # find that the profile has moved.
        fingerprint = counts_as(schema, made.document, profile.fingerprint)
        number = user.revision + 1
        revision = Revision(number, user.now, "forget", made.gone, fingerprint=fingerprint)
        stamps = renamed_stamps(schema, profile.stamps)
        yield from revise(user_id, made.document, stamps, revision)
    yield from forget_shown(user_id, user.salt, schema)
    yield "refresh_user", {"user_id": user_id}
    return made.forgotten


def erase_user(user_id: str) -> Flow[Forgotten]:
    """Erase all that is known and kept of a user; counters and hashed marks stay behind."""
    user = yield from _begin(user_id)
    profile = yield from load_profile(user_id)
    stored = yield from _stored(user_id, profile)
    threads = yield "threads_of", {"user_id": user_id}
    for statement in (
        "drop_profile",
        "drop_revisions",
        "drop_consolidations",
        "drop_proposals",
        "drop_tombstones",
        "empty_inbox",
        "idle_threads",
    ):
        yield statement, {"user_id": user_id}
    yield from drop_shown(user_id)
    everything = {"field": EVERYTHING, "digest": "", "words": "[]"}
    yield "add_tombstone", {"user_id": user_id, **everything}
    # An edit that started from the old profile must find that it has moved.
    yield "advance_revision", {"user_id": user_id, "revision": user.revision + 1}
    yield "refresh_user", {"user_id": user_id}
    return _all_of(stored, threads)


def rehearse(user_id: str, target: Target | None, schema: Schema) -> Flow[Forgotten]:
    """What an erasure would reach, and nothing done; None for the whole user."""
    profile = yield from load_profile(user_id)
    if target is not None:
        return (yield from _planned(user_id, profile, target, schema)).forgotten
    stored = yield from _stored(user_id, profile)
    return _all_of(stored, (yield "threads_of", {"user_id": user_id}))


def graves(user_id: str) -> Flow[tuple[str, tuple[Tombstone, ...]]]:
    """A user's secret and what was erased of theirs; changes and locks nothing."""
    row = first((yield "known_user", {"user_id": user_id}))
    stones = yield "tombstones", {"user_id": user_id}
    return (row["salt"] if row else "", tuple(codec.tombstone_of(stone) for stone in stones))


def _begin(user_id: str) -> Flow[User]:
    user = yield from lock_user(user_id)
    epoch = (yield "add_epoch", {"user_id": user_id})[0]["epoch"]
    yield "add_erasure", {"user_id": user_id, "epoch": epoch}
    yield "void_replies", {"user_id": user_id}
    return user


def _planned(user_id: str, profile: Profile, target: Target, schema: Schema) -> Flow[Plan]:
    stored = yield from _stored(user_id, profile)
    if isinstance(target, OfMessage):
        stored = replace(stored, numbers=(yield from _numbers(user_id, target)))
    if isinstance(target, OfValue) and target.value is not None and not target.also:
        # Erased once more, it need not be there.
        salt, stones = yield from graves(user_id)
        again = any(one.is_of(salt, target.field, target.value) for one in stones)
        target = replace(target, anywhere=target.anywhere or again)
    made = plan(target, stored, schema)
    if not isinstance(target, OfThread):
        return made
    # A checkpointer holds a thread of the user's whether or not there is still text of it here.
    known = yield "thread", {"user_id": user_id, "thread_id": target.thread_id}
    threads = {*made.forgotten.threads, target.thread_id} if known else made.forgotten.threads
    return replace(made, forgotten=replace(made.forgotten, threads=tuple(sorted(threads))))


def _numbers(user_id: str, target: OfMessage) -> Flow[frozenset[int]]:
    """As which rows the message came; the text of most is gone, and what quotes it is left."""
    if isinstance(target.message, int):
        return frozenset({target.message})
    named = {"thread_id": target.thread_id, "message_id": target.message}
    rows = yield "numbers_of", {"user_id": user_id, **named}
    return frozenset(row["seq"] for row in rows)


def _all_of(stored: Stored, threads: Sequence[Row]) -> Forgotten:
    changes = [change for revision in stored.revisions for change in revision.changes]
    return Forgotten(
        values=sum(_values_in(value) for value in stored.document.values()),
        changes=len(changes),
        quotes=sum(len(change.evidence) for change in changes),
        messages=len({(kept.thread_id, kept.seq) for kept in stored.messages}),
        threads=tuple(row["thread_id"] for row in threads),
        proposals=len({one.token for one in stored.waiting}),
    )


def _stored(user_id: str, profile: Profile) -> Flow[Stored]:
    revisions = yield from history(user_id, ROWS)
    words = yield "kept_words", {"user_id": user_id}
    refusals = yield "refusals", {"user_id": user_id}
    messages = [
        Kept(
            row["thread_id"],
            row["seq"],
            row["message_id"],
            row["text"],
            unread=row["state"] in {"unread", "dead"},
        )
        for row in words
    ]
    refused = [
        Refusals(
            token=row["token"],
            rejections=codec.rejections(row["rejections"]),
            error=row["error"],
            thread_id=row["thread_id"],
            seqs=frozenset(json.loads(row["seqs"])),
        )
        for row in refusals
    ]
    proposals, waiting = yield from proposals_to_erase(user_id)
    proposed = [change for one in proposals for change in one.changes]
    return Stored(profile.document or {}, revisions, messages, refused, waiting, proposed)


def _rewrite(user_id: str, made: Plan) -> Flow[None]:
    for number, changes in made.revisions.items():
        left = {"changes": codec.records(changes), "replaced": codec.replaced(changes)}
        yield "rewrite_revision", {"user_id": user_id, "revision": number, **left}
    for refused in made.refused:
        left = {"rejections": codec.refusals(refused.rejections), "error": refused.error}
        yield "rewrite_refusals", {"user_id": user_id, "token": refused.token, **left}


def _empty_messages(user_id: str, made: Plan) -> Flow[None]:
    """Mask or empty messages, and count their threads again."""
    for kept, text in made.messages:
        where: dict[str, Any] = {"user_id": user_id, "thread_id": kept.thread_id, "seq": kept.seq}
        if text is None:
            yield "empty_message", where
        else:
            yield "mask_message", {**where, "text": text}
    for thread_id in sorted({kept.thread_id for kept, _ in made.messages}):
        key = {"user_id": user_id, "thread_id": thread_id}
        thread = yield from load_thread(key)
        yield from recount(key, thread)
        thread.dead = (yield "dead_messages", key)[0]["dead"]
        if not thread.unread:
            thread.idle()
        yield from save_thread(key, thread)


def _values_in(value: Any) -> int:
    return len(value) if is_list(value) or is_object(value) else int(value is not None)


def newest_erasure() -> Flow[float | None]:
    """Up to which erasure the disk has to be cleaned; None if of none."""
    newest: float | None = (yield "newest_erasure", {})[0]["at"]
    return newest


def has_expired() -> Flow[bool]:
    """Whether anything is past its time, or due in a future that a host's clock ran ahead to."""
    return (yield "expired", {})[0]["since"] is not None


def expire() -> Flow[None]:
    """Leave marks of messages whose text is past its time, and nothing of what else is.

    Who is due in a future that a clock ran ahead to is due now.
    """
    yield "expire_kept", {}
    yield "drop_expired_proposals", {}
    yield "expire_shown", {}
    yield "drop_old_replies", {}
    yield "put_clocks_right", {}


def mark_cleaned(up_to: float) -> Flow[None]:
    """The disk was cleaned of all that was erased up to then."""
    yield "erasures_cleaned", {"began": up_to}
