"""Proposals that a person decides on: approved, edited or declined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.batch import Batch
from usermemory.changes import Collision, proposed, put
from usermemory.changes.diff import naming
from usermemory.clock import Clock
from usermemory.consolidate import Consolidator
from usermemory.dates import of_field
from usermemory.errors import Conflict, InvalidInput
from usermemory.judge import Judged, Judgement, applied
from usermemory.propose import amendment_of, batch_from
from usermemory.records import Applied, Change, Message, Proposal, Proposed, Reason, Revision
from usermemory.schema.form import identity
from usermemory.schema.renames import renamed_history, renamed_revision, renamed_stamps
from usermemory.schema.shape import canonical, is_object
from usermemory.store.flows.amend import Amendment, Start
from usermemory.store.flows.review import (
    Found,
    approve_proposal,
    decline_proposal,
    find_proposal,
)

if TYPE_CHECKING:
    from usermemory.schema import Field

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
            proposal, begun, since = self._found(proposal_id, user_id)
            changes = self._changes(proposal, value)
            batch = self._batch(proposal, begun)
            moved = Moved(proposal, batch, begun, renamed_history(self._schema, since))
            judged = self._judged(batch, moved, changes)
            as_proposed = proposal.kind not in ("merge", "shorten") and value is None
            if any(one.reason not in _DONE or not as_proposed for one in judged.refused):
                return Proposed(None, judged.refused)
            if value is not None:
                made_so = (replace(one, edited=one.after is not None) for one in judged.applied)
                judged = replace(judged, applied=tuple(made_so))
            amendment = self._amendment(proposal, begun, judged, by) if judged.applied else None
            made = self._driver.write(
                approve_proposal, proposal, begun, amendment, edited=value is not None
            )
            if made is not False:
                revision = made if isinstance(made, Revision) else None
                return Proposed(revision, judged.refused)

    def decline(self, proposal_id: str, user_id: str) -> Proposal:
        """As `UserMemory.decline` says."""
        proposal, _, _ = self._found(proposal_id, user_id)
        if not self._driver.write(decline_proposal, proposal):
            raise _gone(proposal_id)
        return proposal

    def _found(self, proposal_id: str, user_id: str) -> Found:
        # What is no id of ours, the database need not be asked for: it may not even take it.
        is_id = str(proposal_id).isascii() and str(proposal_id).isalnum()
        found = self._driver.read(find_proposal, proposal_id, user_id) if is_id else None
        if not found:
            raise _gone(proposal_id)
        if len(found) > 1:
            users = ", ".join(repr(one.user_id) for one, _, _ in found)
            raise InvalidInput(f"proposal {proposal_id} waits for {users}: name one with user_id=")
        return found[0]

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
        self, batch: Batch, moved: Moved, changes: Sequence[tuple[Change, Applied]]
    ) -> Judged:
        judgements = [
            moved.judged(Judgement(_quoted(change, done), done.evidence), done)
            for change, done in changes
        ]
        if moved.proposal.kind == "change":
            return applied(batch, judgements)
        # What the tidy pass takes out it may put in again: one by one, and together.
        done: list[Applied] = []
        for one in judgements:
            judged = applied(batch, [one])
            if judged.refused:
                return Judged(batch.document, (), judged.refused)
            done += judged.applied
            batch = replace(batch, document=judged.document)
        return Judged(batch.document, tuple(done), made=tuple(judgements))

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


_SINCE: Mapping[Reason, str] = {
    "outdated": "what is known was said later",
    "edited_by_hand": "it was edited since it was proposed",
}


class Moved:
    """What has become of a profile since something was proposed about it.

    Args:
        proposal: What was proposed.
        batch: The profile as it is now.
        begun: The same, as it is stored.
        since: The revisions since, the newest first, under today's names.
    """

    def __init__(
        self, proposal: Proposal, batch: Batch, begun: Start, since: Iterable[Revision]
    ) -> None:
        self.proposal = proposal
        self._batch = batch
        self._stamps = renamed_stamps(batch.schema, begun.profile.stamps)
        self._since = [one for one in since if one.number > proposal.revision]

    def judged(self, judgement: Judgement, done: Applied) -> Judgement:
        """The judgement; refused where its place was edited, or spoken of later, since.

        What a tidy pass proposes rests on the profile that it saw: any change since is later.
        """
        field = self._batch.schema.fields.get(done.field)
        if field is None:
            return judgement
        if field.settings.protect:
            return judgement.refuse("protected", "only an edit by hand changes it")
        tidied = self.proposal.kind != "change"
        known = self._batch.document[field.name]
        try:
            if canonical(put(field, known, done)) == canonical(known):
                return judgement  # the profile says so already
            is_there = True
        except Collision:
            is_there = False
        why = self._touched(field, done)
        if why is None and tidied and done.before is not None and not is_there:
            why = "outdated"
        return judgement if why is None else judgement.refuse(why, _SINCE[why])

    def _touched(self, field: Field, done: Applied) -> Reason | None:
        """Whether the same place was edited since, or spoken of later than the change's words."""
        tidied = self.proposal.kind != "change"
        said = self.proposal.at if tidied else _said_at(done, self.proposal.at)
        for one, revision in self._at_place(field, done):
            if one.evidence or revision.by == "model":
                if tidied or _said_at(one, revision.at) > said:
                    return "outdated"
            elif tidied or not _joins(done):
                return "edited_by_hand"
        return "outdated" if self._last_said(field, done) > said else None

    def _at_place(self, field: Field, done: Applied) -> Iterator[tuple[Applied, Revision]]:
        """What changed since of what the change is about, the newest first."""
        for revision in self._since:
            for one in revision.changes:
                if revision.by != "migration" and _same_place(field, one, done):
                    yield one, revision

    def _last_said(self, field: Field, done: Applied) -> float:
        """When the user last said what the change replaces or takes away; 0 for nothing."""
        if _joins(done) or (field.kind == "object" and done.index is not None):
            return 0.0
        known = self._batch.document[field.name]
        times = self._stamps.get(field.name, {})
        place = _place(field, done)
        found = of_field(field.name, known, times, self._batch.schema, self._batch.now)
        return max(
            (
                at
                for one in found
                if one.exact and (field.kind == "scalar" or _name(field, one.item) == place)
                for at in (one.learned, one.confirmed)
                if at is not None
            ),
            default=0.0,
        )


def _joins(done: Applied) -> bool:
    """Whether it is put beside others, and replaces none of them."""
    return done.action == "add" and not is_object(done.after)


def _said_at(done: Applied, otherwise: float) -> float:
    return max((one.at for one in done.evidence if one.at is not None), default=otherwise)


def _same_place(field: Field, one: Applied, other: Applied) -> bool:
    if one.field != field.name:
        return False
    return field.kind == "scalar" or _place(field, one) == _place(field, other)


def _place(field: Field, done: Applied) -> str:
    """What a change is about: the key of a map or an object, or the item of a list."""
    if field.kind in ("map", "object"):
        inside = "" if done.index is None else canonical(done.before or done.after)
        return identity(done.key) + inside
    return _name(field, done.before if done.after is None else done.after)


def _name(field: Field, item: Any) -> str:
    return identity(naming(field, item) or item)


def _quoted(change: Change, done: Applied) -> Change:
    return replace(change, quote=done.evidence[0].quote if done.evidence else "")


def _gone(proposal_id: str) -> Conflict:
    return Conflict(
        f"no proposal {proposal_id!r:.60} waits: it was approved, declined or erased, has "
        "expired, or never was"
    )
