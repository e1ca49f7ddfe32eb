"""Changes that wait for a person, until somebody decides or they expire."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from usermemory.erasure import Refusals
from usermemory.records import (
    Applied,
    Change,
    Message,
    Proposal,
    ProposalKind,
    Refused,
    Revision,
    Usage,
)
from usermemory.refused import storable
from usermemory.schema.form import identity
from usermemory.store import codec
from usermemory.store.driver import Flow, Row
from usermemory.store.flows import User, first, lock_user
from usermemory.store.flows.amend import Amendment, Start, amend, begin
from usermemory.store.flows.recall import ROWS, history
from usermemory.text import folded_words

LIFETIME = 90 * 86_400.0
"""Seconds for which a proposal waits."""

_ID_LENGTH = 20

_APART = 1e-6
"""Seconds between proposals of one answer, which keep its order."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal before it is stored.

    Attributes:
        changes: What it would do, each with the words that it rests on.
        kind: See `ProposalKind`.
        why: What a model says of it.
        by: Who proposes it.
        thread_id: Where it was said, if in one thread.
        model: Which model proposes it.
        said: All that the user said, where the changes rest on no words of their own.
    """

    changes: tuple[Applied, ...]
    kind: ProposalKind = "change"
    why: str = ""
    by: str = "model"
    thread_id: str = ""
    model: str = ""
    said: tuple[str, ...] = ()


def add_proposals(user_id: str, user: User, drafts: Iterable[Draft]) -> Flow[list[str]]:
    """Store what is to be decided; the caller holds the user's lock.

    Returns:
        The id of each; of one that waits already too, empty for one that was declined on the same
        words.
    """
    added: list[str] = []
    for place, draft in enumerate(drafts):
        # The words make it another proposal; the subject tells that the same waits already.
        subject = _digest(user.salt, _done(draft.changes))
        words = _digest(user.salt, [subject, sorted(_said(draft.changes) or draft.said)])
        row = first(
            (
                yield (
                    "add_proposal",
                    {
                        "user_id": user_id,
                        "proposal_id": words[:_ID_LENGTH],
                        "kind": draft.kind,
                        "subject": subject,
                        "changes": codec.records(draft.changes),
                        "why": draft.why,
                        "author": draft.by,
                        "thread_id": draft.thread_id,
                        "model": draft.model,
                        "revision": user.revision,
                        "at": user.now + place * _APART,
                        "expires_at": user.now + LIFETIME,
                    },
                )
            )
        )
        if row is None:
            key = {"user_id": user_id, "proposal_id": words[:_ID_LENGTH], "subject": subject}
            row = first((yield "waits_already", key))
        added.append("" if row is None else row["proposal_id"])
    return added


def waiting(user_id: str | None, limit: int) -> Flow[list[Proposal]]:
    """What waits, the oldest first; None for anybody's."""
    count = {"count": limit}
    if user_id is None:
        rows = yield "proposals", count
    else:
        rows = yield "proposals_of", {"user_id": user_id, **count}
    return [_proposal_of(row) for row in rows]


Found = tuple[Proposal, Start, list[Revision]]
"""A proposal, its user as they are now, and what has changed since, the newest first."""


def find_proposal(proposal_id: str, user_id: str) -> Flow[list[Found]]:
    """A proposal that waits, of one user as a rule: a copied user has the ids of the first.

    Args:
        proposal_id: Which.
        user_id: Whose it has to be; empty for anybody's.
    """
    rows = yield "proposal", {"proposal_id": proposal_id, "user_id": user_id}
    found: list[Found] = []
    for proposal in map(_proposal_of, rows):
        begun = yield from begin(proposal.user_id)
        newer = begun.profile.revision - proposal.revision
        since = (yield from history(proposal.user_id, newer)) if newer > 0 else []
        found.append((proposal, begun, since))
    return found


def approve_proposal(
    proposal: Proposal, begun: Start, amendment: Amendment | None, *, edited: bool = False
) -> Flow[Revision | bool]:
    """Make a proposal, in one transaction with its end.

    Args:
        proposal: Which.
        begun: The user as it was judged by.
        amendment: What it makes of the profile; None where that says so already.
        edited: Whether a person put in a value of their own: then the same words propose the
            other one no more.

    Returns:
        The revision; True where nothing had to be made; False where it is to be judged anew,
        since something has moved.
    """
    user = yield from lock_user(proposal.user_id)
    if user.epoch != begun.epoch or user.revision != begun.profile.revision:
        return False
    key = {"user_id": proposal.user_id, "proposal_id": proposal.id}
    if first((yield "decline_proposal" if edited else "drop_proposal", key)) is None:
        return False
    if amendment is None:
        return True
    made = yield from amend(proposal.user_id, begun.profile, amendment)
    return made if isinstance(made, Revision) else False


def decline_proposal(proposal: Proposal) -> Flow[bool]:
    """End a proposal: the same words propose it no more. False if it does not wait."""
    yield from lock_user(proposal.user_id)
    key = {"user_id": proposal.user_id, "proposal_id": proposal.id}
    return first((yield "decline_proposal", key)) is not None


def proposals_to_erase(user_id: str) -> Flow[tuple[list[Proposal], list[Refusals]]]:
    """What is stored of proposals, and as an erasure looks into it: for each all that it says.

    ``Refusals.token`` is the place among the proposals.
    """
    rows = yield "proposals_stored", {"user_id": user_id, "count": _EVERY}
    found = [_proposal_of(row) for row in rows]
    said = [one for place, each in enumerate(found) for one in _as_refusals(place, each)]
    return found, said


_EVERY = 1_000_000
_LONG = 4_000
"""Characters of a profile from which on it is tidied when it has changed."""

_OLD = 180 * 86_400.0
"""Seconds after which any profile is looked at again."""


def _as_refusals(place: int, proposal: Proposal) -> Iterable[Refusals]:
    for done in proposal.changes:
        sides = [
            Refused(Change(done.field, done.action, side, key=done.key), "doubtful")
            for side in (done.before, done.after)
        ]
        yield Refusals(place, tuple(sides), proposal.why)
        for one in done.evidence:
            quote = Refused(Change(done.field, done.action, quote=one.quote), "doubtful")
            seqs = frozenset({one.seq} if one.seq else ())
            yield Refusals(place, (quote,), one.question, one.thread_id, seqs)


def without_proposals(user_id: str, proposal_ids: Sequence[str]) -> Flow[None]:
    """Drop those that rest on what is erased."""
    for proposal_id in proposal_ids:
        yield "drop_proposal", {"user_id": user_id, "proposal_id": proposal_id}


def _done(changes: Iterable[Applied]) -> list[list[str]]:
    """What it would do, by value: to take something out is not to put it in."""
    return [
        [one.field, one.key or "", identity(one.after)]
        if one.after is not None
        else [one.field, one.key or "", identity(one.before), "out"]
        for one in changes
    ]


def _said(changes: Iterable[Applied]) -> set[str]:
    every = (one for done in changes for one in done.evidence)
    return {" ".join([*folded_words(one.question), "|", *folded_words(one.quote)]) for one in every}


def _digest(salt: str, value: object) -> str:
    text = codec.dumps(value).encode("utf-8", "surrogatepass")
    return hmac.new(salt.encode(), text, hashlib.sha256).hexdigest()


def _proposal_of(row: Row) -> Proposal:
    return Proposal(
        id=row["proposal_id"],
        user_id=row["user_id"],
        kind=row["kind"],
        changes=codec.changes_of(row["changes"]),
        why=row["why"],
        by=row["author"],
        thread_id=row["thread_id"],
        model=row["model"],
        revision=row["revision"],
        at=row["at"],
        expires_at=row["expires_at"],
    )


def drafts_of(
    changes: Iterable[Applied],
    by: str,
    thread_id: str,
    messages: Iterable[Message],
    model: str = "",
) -> tuple[Draft, ...]:
    """What was learned of some messages and waits: changes of one field on the same words are one.

    Args:
        changes: Which.
        by: Who proposes them.
        thread_id: Where it was said.
        messages: What they were learned from.
        model: Which model proposes them.
    """
    said = tuple(" ".join(folded_words(one.text)) for one in messages if one.author == "user")
    groups: dict[tuple[str, frozenset[tuple[str, int]]], list[Applied]] = {}
    for one in changes:
        words = frozenset((said.quote, said.seq) for said in one.evidence)
        groups.setdefault((one.field, words), []).append(one)
    return tuple(
        Draft(tuple(group), by=by, thread_id=thread_id, model=model, said=said)
        for group in groups.values()
    )


def load_tidied(user_id: str) -> Flow[tuple[Start, list[Revision]]]:
    """A user as they are stored now, with all that made their profile, the newest first."""
    begun = yield from begin(user_id)
    return begun, (yield from history(user_id, ROWS))


def store_tidied(
    user_id: str,
    begun: Start,
    drafts: Sequence[Draft],
    refused: Sequence[Refused],
    usage: Usage,
    by: tuple[str, str],
) -> Flow[tuple[list[str], list[Proposal]] | None]:
    """What a tidy pass proposes, with what it cost; None if something was erased meanwhile.

    Args:
        user_id: Whose profile.
        begun: What the pass was shown.
        drafts: What it proposes.
        refused: What of its answer is no proposal.
        usage: What it cost.
        by: The model and the prompt.

    Returns:
        As `add_proposals`, and those that wait now.
    """
    user = yield from lock_user(user_id)
    if user.epoch != begun.epoch or user.paused:
        return None
    # What changed while the model was asked is later than what it saw.
    seen = replace(user, revision=begun.profile.revision)
    ids = yield from add_proposals(user_id, seen, drafts)
    model, prompt = by
    kept = storable(refused, (), None)
    texts = {"rejections": codec.refusals(kept), "usage": codec.usage_text(usage)}
    about = {"revision": begun.profile.revision, "model": model, "prompt": prompt}
    yield "add_tidied", {"user_id": user_id, **about, **texts}
    found = yield from waiting(user_id, _EVERY)
    return ids, [one for one in found if one.id in ids]


def tidied_users(after: str, limit: int) -> Flow[list[str]]:
    """Users whose profile is due to be tidied, in the database's own order, after the one given.

    It is long, or old, and has changed since the last pass, or half a year has gone by.
    """
    asked = {"after": after, "count": limit, "long": _LONG, "age": _OLD}
    return [row["user_id"] for row in (yield "due_to_tidy", asked)]
