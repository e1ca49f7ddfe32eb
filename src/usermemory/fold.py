"""Fold proposed changes into a copy of the profile: each one checked, applied or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usermemory.changes import Unfit, apply
from usermemory.checks import Accepted, Texts, check
from usermemory.checks.case import leaves
from usermemory.erasure import MASK, Tombstone, buried, subject_of
from usermemory.limits import Limits
from usermemory.records import Applied, Change, Evidence, Message, Refused
from usermemory.schema import Schema
from usermemory.schema.form import identity


@dataclass(frozen=True, slots=True)
class Case:
    """What changes are judged by, beside the profile.

    Attributes:
        schema: The profile's schema.
        batch: The messages that were read.
        context: The messages right before them.
        edited: When each field was last edited by hand.
        off: Checks that are left out.
        limits: How much the profile may hold.
        learned: When what each field holds was said.
        salt: The user's secret, to know what was erased.
        tombstones: What was erased: words from before do not bring it back.
        read: What was read in the messages, for one change after the other.
    """

    schema: Schema
    batch: Sequence[Message]
    context: Sequence[Message]
    user_id: str
    thread_id: str
    edited: Mapping[str, float]
    off: frozenset[str] = frozenset()
    limits: Limits = Limits()
    learned: Mapping[str, float] = field(default_factory=dict[str, float])
    salt: str = ""
    tombstones: Sequence[Tombstone] = ()
    read: Texts = field(default_factory=Texts, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Folded:
    """What came of the changes: the new document, what was done, what was refused."""

    document: Mapping[str, Any]
    applied: tuple[Applied, ...]
    rejections: tuple[Refused, ...]


def fold(document: Mapping[str, Any], changes: Iterable[Change], case: Case) -> Folded:
    """Check and apply changes one by one; a refused one leaves the others alone."""
    earlier = document
    room = case.limits.room(document)
    applied: list[Applied] = []
    rejections: list[Refused] = []
    for change in changes:
        verdict = judge(document, change, case, earlier)
        if isinstance(verdict, Refused):
            rejections.append(verdict)
            continue
        try:
            after, done = apply(document, verdict.change, case.schema, verdict.evidence)
        except Unfit as unfit:
            rejections.append(Refused(change, unfit.reason, unfit.detail))
            continue
        if full := room.full(done):
            rejections.append(Refused(change, "profile_full", full))
            continue
        if _erased(done, case):
            rejections.append(Refused(change, "erased", "the user had it erased"))
            continue
        if any(_takes_back(done, one) for one in applied):
            rejections.append(Refused(change, "contradicted", "it takes back another change"))
            continue
        document = after
        room.take(done)
        applied.append(done)
    return Folded(document, tuple(applied), tuple(rejections))


def judge(
    document: Mapping[str, Any],
    change: Change,
    case: Case,
    earlier: Mapping[str, Any] | None = None,
    *,
    erasing: bool = False,
) -> Accepted | Refused:
    """Is this change what the user said? ``earlier`` is the profile before the whole answer."""
    return check(
        change,
        document=document,
        schema=case.schema,
        batch=case.batch,
        context=case.context,
        thread_id=case.thread_id,
        edited=case.edited,
        learned=case.learned,
        user_id=case.user_id,
        off=case.off,
        earlier=earlier,
        read=case.read,
        erasing=erasing,
    )


def _takes_back(done: Applied, earlier: Applied) -> bool:
    """Whether this undoes what the same answer has done before, by words of the same message.

    In another message the user may have taken it back. Setting a single value twice is no such
    thing either: the last word counts.
    """
    if (done.field, done.key) != (earlier.field, earlier.key) or _elsewhere(done, earlier):
        return False
    made, gone = earlier.before is None, earlier.after is None
    if done.after is None:
        return not gone and identity(done.before) == identity(earlier.after)
    return gone and not made and identity(done.after) == identity(earlier.before)


def _elsewhere(done: Applied, earlier: Applied) -> bool:
    """Whether the user said the one and the other in different messages."""
    said, before = ({quote.seq for quote in one.evidence} for one in (done, earlier))
    return bool(said and before) and said.isdisjoint(before)


def _erased(done: Applied, case: Case) -> bool:
    """Whether this would bring back what the user had erased, from words received before."""
    if done.after is None or not case.tombstones:
        return False
    if any(MASK in str(leaf) for leaf in leaves(done.after)):
        return True
    received = _received(done.evidence, case.batch)
    value = subject_of(case.schema.fields.get(done.field), done, done.after)
    return buried(case.tombstones, case.salt, done.field, value, received)


def _received(evidence: Sequence[Evidence], batch: Sequence[Message]) -> float | None:
    """When the memory took in the words; without a quote, the oldest of the user's in the batch."""
    quoted = {one.seq for one in evidence}
    said = [m for m in batch if m.author == "user" and (not quoted or m.seq in quoted)]
    return min((m.received for m in said if m.received is not None), default=None)


def stamped(
    stamps: Mapping[str, Mapping[str, float]], folded: Folded, now: float
) -> dict[str, dict[str, float]]:
    """When each field was learned, and when it was last said again."""
    result = {field: dict(times) for field, times in stamps.items()}
    for done in folded.applied:
        result.setdefault(done.field, {})["learned"] = _said(done.evidence, now)
    for refused in folded.rejections:
        if refused.reason == "duplicate":
            result.setdefault(refused.change.field, {})["confirmed"] = now
    return result


def _said(evidence: Sequence[Evidence], now: float) -> float:
    return max((quote.at for quote in evidence if quote.at is not None), default=now)


def whole(
    stored: Mapping[str, Any], document: Mapping[str, Any], schema: Schema
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """A new profile, with what an older schema left in the stored one and nobody has changed.

    Args:
        stored: The profile as the database has it.
        document: What became of the part of it that the schema knows.
        schema: The profile's schema.

    Returns:
        Both together, and the names of what the schema no longer takes.
    """
    known, unknown = schema.adopt(stored)
    untouched = {
        name: value
        for name, value in unknown.items()
        if name not in known or document[name] == known[name]
    }
    return {**document, **untouched}, tuple(unknown)
