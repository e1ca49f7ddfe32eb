"""Proposals that a person decides on: approved, edited or declined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from usermemory.batch import Batch
from usermemory.changes import Collision, proposed, put
from usermemory.clock import Clock
from usermemory.consolidate import Consolidator
from usermemory.errors import Conflict, InvalidInput
from usermemory.judge import Judged, Judgement, applied
from usermemory.propose import amendment_of, batch_from
from usermemory.records import Applied, Change, Message, Proposal, Proposed, Revision
from usermemory.schema.renames import renamed_revision
from usermemory.schema.shape import is_object
from usermemory.store.flows.amend import Amendment, Start
from usermemory.store.flows.review import approve_proposal, decline_proposal, find_proposal

_DONE = frozenset({"duplicate", "item_not_there"})
"""Why a change need not be made: the profile says so already."""


class Reviewing:
    """Judges proposals by the profile as it is now, and makes or ends them.

    Args:
        consolidator: The memory's, whose schema and limits apply.
        clock: What time it is.
    """

    def __init__(self, consolidator: Consolidator, clock: Clock) -> None:
        self._consolidator = consolidator
        self._driver = consolidator.driver
        self._schema = consolidator.schema
        self._clock = clock

    def approve(self, proposal_id: str, user_id: str, by: str, value: Any) -> Proposed:
        """As `UserMemory.approve` says."""
        while True:
            proposal, begun = self._found(proposal_id, user_id)
            changes = self._changes(proposal, value)
            batch = self._batch(proposal, begun)
            judged = self._judged(batch, proposal, changes)
            as_proposed = proposal.kind == "change" and value is None
            if any(one.reason not in _DONE or not as_proposed for one in judged.refused):
                return Proposed(None, judged.refused)
            amendment = self._amendment(proposal, begun, judged, by) if judged.applied else None
            made = self._driver.write(approve_proposal, proposal, begun, amendment)
            if made is not False:
                revision = made if isinstance(made, Revision) else None
                return Proposed(revision, judged.refused)

    def decline(self, proposal_id: str, user_id: str) -> Proposal:
        """As `UserMemory.decline` says."""
        proposal, _ = self._found(proposal_id, user_id)
        if not self._driver.write(decline_proposal, proposal):
            raise _gone(proposal_id)
        return proposal

    def _found(self, proposal_id: str, user_id: str) -> tuple[Proposal, Start]:
        # What is no id of ours, the database need not be asked for: it may not even take it.
        is_id = str(proposal_id).isascii() and str(proposal_id).isalnum()
        found = self._driver.read(find_proposal, proposal_id, user_id) if is_id else None
        if found is None:
            raise _gone(proposal_id)
        return found

    def _changes(self, proposal: Proposal, value: Any) -> list[tuple[Change, Applied]]:
        """What to do, in the words of today's schema; with a value of the person's own."""
        told = Revision(0, proposal.at, proposal.by, proposal.changes)
        named = renamed_revision(self._schema, told).changes
        changes = [(proposed(one), one) for one in named]
        if value is None:
            return changes
        putting = [at for at, (_, one) in enumerate(changes) if one.after is not None]
        if len(putting) != 1:
            raise InvalidInput(
                f"proposal {proposal.id} puts in {len(putting)} values: there is not one to edit; "
                "decline it and edit the profile"
            )
        change, one = changes[putting[0]]
        changes[putting[0]] = replace(change, value=value), one
        return changes

    def _judged(
        self, batch: Batch, proposal: Proposal, changes: Sequence[tuple[Change, Applied]]
    ) -> Judged:
        judgements = [Judgement(_quoted(change, done), done.evidence) for change, done in changes]
        if proposal.kind == "change":
            return applied(
                batch,
                [
                    self._timely(batch, proposal, one, done)
                    for one, (_, done) in zip(judgements, changes, strict=True)
                ],
            )
        # What the tidy pass takes out it may put in again: one by one, and together.
        done: list[Applied] = []
        for one in judgements:
            judged = applied(batch, [one])
            if judged.refused:
                return Judged(batch.document, (), judged.refused)
            done += judged.applied
            batch = replace(batch, document=judged.document)
        return Judged(batch.document, tuple(done), made=tuple(judgements))

    def _timely(
        self, batch: Batch, proposal: Proposal, judgement: Judgement, done: Applied
    ) -> Judgement:
        """Refused where what is known was said after these words, or the same value edited since.

        An edit beside it is in nobody's way.
        """
        name = judgement.change.field
        field = self._schema.fields.get(name)
        said = [one.at for one in judgement.evidence if one.at is not None]
        learned = batch.learned.get(name)
        if field is None or not said:
            return judgement
        if field.kind == "scalar" and learned is not None and max(said) < learned:
            return judgement.refuse("outdated", "what is known was said later")
        # A text that joins others replaces none of them.
        joins = done.action == "add" and not is_object(done.after)
        if batch.edited.get(name, 0.0) >= proposal.at and not joins:
            try:
                put(field, batch.document[name], done)
            except Collision:
                return judgement.refuse("edited_by_hand", "it was edited since it was proposed")
        return judgement

    def _batch(self, proposal: Proposal, begun: Start) -> Batch:
        evidence = [one for done in proposal.changes for one in done.evidence]
        # The words came in before they were proposed; what was erased since, stays so.
        words = [
            Message("user", one.quote, at=one.at, seq=one.seq, received=proposal.at)
            for one in evidence
        ]
        where = (proposal.user_id, proposal.thread_id)
        return batch_from(self._consolidator, begun, *where, words, self._clock.now())

    def _amendment(self, proposal: Proposal, begun: Start, judged: Judged, by: str) -> Amendment:
        where, now = proposal.thread_id, self._clock.now()
        made = amendment_of(self._schema, begun, judged, by, where, now)
        return replace(made, model=proposal.model)


def _quoted(change: Change, done: Applied) -> Change:
    return replace(change, quote=done.evidence[0].quote if done.evidence else "")


def _gone(proposal_id: str) -> Conflict:
    return Conflict(
        f"no proposal {proposal_id!r:.60} waits: it was approved, declined or erased, has "
        "expired, or never was"
    )
