"""One batch of one thread, from the inbox into the profile. Read this page first.

    claim ─► whole turns within the budget ─► gate ─► propose: one model call
          ─► the wall: code ─► second look: one model call, only for doubts
          ─► apply to a copy ─► commit: profile, revision, read messages, schedule

No transaction is open while a model is asked. Whatever happens, the messages are either read
(committed together with what they taught) or still in the inbox.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from usermemory.batch import Batch, fitting, half
from usermemory.changes import settled
from usermemory.errors import (
    ExtractionError,
    ProviderError,
    RealModelForbidden,
    SchemaMismatch,
    StoreError,
)
from usermemory.extract import Extraction, Extractor, Repairing, UnusableAnswer
from usermemory.extract.language_model import sound
from usermemory.gate import Gate, guarded
from usermemory.judge import Judged, applied, judge, reviewed, stamped
from usermemory.judge.changes import Verdicts, Verifier
from usermemory.records import Applied, Outcome, Refused, Status, Usage
from usermemory.retry import KeptAnswers, Outage, Retry, TooLong, in_time
from usermemory.schema import Schema
from usermemory.schema.document import Reading, dropped
from usermemory.schema.renames import renamed_stamps
from usermemory.settings import Limits, Review
from usermemory.store import Driver
from usermemory.store.driver import T
from usermemory.store.flows import Profile, times
from usermemory.store.flows.claim import DAY, Claim, day_of, give_back
from usermemory.store.flows.commit import Failure, Result, commit, fail, hold
from usermemory.store.flows.review import drafts_of

logger = logging.getLogger("usermemory")

MENDABLE = frozenset({"wrong_type", "invalid_document", "too_long", "unfit_action"})
"""Refusals of a form that a second answer could mend; whatever else is refused stays so."""

_SHARED = "shared: nothing is learned into the profile of all users"
_MOST_WARNED = 1_000
_STORED_AT_LAST = 3  # times that an answer may not be stored, before that is the batch's fault


@dataclass(slots=True)
class BatchAnswer:
    """A model's answer to a batch, and what became of it so far.

    Attributes:
        extraction: What was proposed.
        spent: What it cost, as far as that is not recorded yet.
        verdicts: Of the second look, by the place of the change.
        mended: Whether it was asked for again where its form was wrong.
        unstored: How often the database would not take it.
    """

    extraction: Extraction
    spent: Usage
    verdicts: Verdicts = field(default_factory=dict[int, Any])
    mended: bool = False
    unstored: int = 0


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Consolidator:
    """What a consolidation works with.

    Attributes:
        driver: The database.
        schema: The profile's schema.
        extractor: Finds the changes; called only when needed, so that nothing is built before.
        verifier: Takes the second look.
        gate: Decides at due time whether a batch is worth a call.
        evidence: Whether each change needs a quote of the user's.
        budget: Tokens of conversation that one call reads.
        hold_max: Seconds after which a held batch is read whatever the gate says.
        daily_tokens: What a user may cost a day (UTC); beyond it messages wait for the next.
        retry: When a failed batch is tried again.
        limits: How much one batch may change, and how much a profile may hold.
        review: Which changes wait for a person.
        outage: Whether the provider can be asked.
        shared: The user of whom nothing is learned, since the profile stands beside everybody's.
        keep_for: Seconds for which search may have what was read.
    """

    driver: Driver
    schema: Schema
    extractor: Callable[[], Extractor]
    verifier: Verifier = field(default_factory=Verifier)
    gate: Gate | None = None
    evidence: bool = True
    budget: int = 6_000
    hold_max: float | None = None
    daily_tokens: int | None = None
    retry: Retry = Retry()
    limits: Limits = Limits()
    review: Review = None
    outage: Outage = field(default_factory=Outage, repr=False, compare=False)
    shared: str = ""
    keep_for: float | None = None
    _warned: set[str] = field(default_factory=set[str], repr=False, compare=False)
    _answers: KeptAnswers[BatchAnswer] = field(
        default_factory=KeptAnswers[BatchAnswer], repr=False, compare=False
    )

    def consolidate(self, claim: Claim) -> Outcome:
        """Take one claimed batch into the profile.

        Args:
            claim: The batch; its lease is ended here in any case.

        Returns:
            What came of it: also whatever went wrong behind the model's answer, which counts as an
            attempt and never stops a worker.

        Raises:
            StoreError: The database failed; the messages are still in the inbox.
            SchemaMismatch: The profile was learned with another schema; nothing was read.
        """
        claim = self._fitting(claim)
        try:
            if claim.user_id == self.shared:  # they came before it was
                logger.warning("%s: its messages wait", _SHARED)
                return self._hold(claim, (_SHARED, None))
            self._check_schema(claim)
            if not any(message.author == "user" for message in claim.batch):
                return self._learn(claim, BatchAnswer(Extraction(), Usage(), mended=True))
            if (waits := self._waits(claim)) is not None:
                return self._hold(claim, waits)
            reading = self.schema.read(claim.profile.document or {})
            return self._learn(claim, self._answer(claim, reading), reading)
        except (StoreError, RealModelForbidden, SchemaMismatch, KeyboardInterrupt):
            self.driver.write(give_back, claim.user_id, claim.token)
            raise
        except BaseException as error:  # noqa: BLE001 - recorded, retried, and then a dead letter
            return self._fail(claim, error)

    def _check_schema(self, claim: Claim) -> None:
        """See that the profile was learned with this schema, or that this one has all its fields.

        Raises:
            SchemaMismatch: Neither; the messages stay unread for whoever has the right one.
        """
        profile = claim.profile
        if profile.document is None or profile.fingerprint == self.schema.fingerprint:
            return
        if fields := dropped(self.schema.read(profile.document).misfits):
            raise SchemaMismatch(
                f"the profile of {claim.user_id!r} was learned with another schema: "
                f"{self.schema.name} has no {', '.join(fields)}. Nothing is read. "
                "Pass the schema of your application (--schema module:Name); or if this is the new "
                "one, see `usermemory schema check` and take it over by `usermemory schema migrate`"
            )

    def _fitting(self, claim: Claim) -> Claim:
        """The claim with as much of its batch as one call reads."""
        batch = fitting(claim.batch, self.budget, claim.thread.at_most, more=not claim.whole)
        whole = claim.whole and len(batch) == len(claim.batch)
        return replace(claim, batch=batch, whole=whole)

    def _waits(self, claim: Claim) -> tuple[str, float | None] | None:
        """What the batch waits for and until when; None when it goes through."""
        if self.daily_tokens is not None and claim.spent >= self.daily_tokens:
            return f"budget: {claim.spent} tokens today", (day_of(claim.now) + 1) * DAY
        # A batch that the gate held to its end, or that was halved, has passed it before.
        held = claim.thread.state == "held" and claim.thread.last_error.startswith("gate:")
        passed = claim.triggered or held or claim.thread.at_most
        if self.gate and not passed and not guarded(self.gate.opens, otherwise=True)(claim.batch):
            first = claim.thread.first_at or claim.now
            until = None if self.hold_max is None else first + self.hold_max
            return f"gate: {self.gate}", until
        if not claim.triggered and (asked_at := self.outage.until(claim.now)) is not None:
            return f"outage: {self.outage.reason}", asked_at
        return None

    def _hold(self, claim: Claim, waits: tuple[str, float | None]) -> Outcome:
        self.driver.write(hold, claim, *waits)
        return _outcome(claim, "held", reason=waits[0], messages=0)

    def _answer(self, claim: Claim, reading: Reading) -> BatchAnswer:
        """The model's answer: the one from before, where only what comes after it had to wait."""
        if answer := self._answers.take(claim.user_id, claim.thread_id, claim.question):
            return answer
        extractor = self.extractor()
        batch = self._batch(claim, reading).lent()
        extraction = sound(self._asked(lambda: extractor.extract(batch)))
        self._reached(claim)
        return BatchAnswer(extraction, extraction.usage)

    def _asked(self, call: Callable[[], T]) -> T:
        """What a model answers; one that takes too long cannot be asked now."""
        try:
            return in_time(call, self.retry.limit)
        except TooLong as error:
            raise ProviderError(f"the model: {error}", "timeout") from error

    def _reached(self, claim: Claim) -> None:
        """The provider answered, well or badly: whatever outage there was is over."""
        if (lasted := self.outage.ended(claim.now)) is not None:
            logger.info("the model can be asked again, after %.0f seconds", lasted)

    def drop_answers(self, user_id: str) -> None:
        """Let go of the answers that wait to be looked at or stored: what they say is erased."""
        self._answers.drop(user_id)

    def _learn(self, claim: Claim, answer: BatchAnswer, reading: Reading | None = None) -> Outcome:
        try:
            outcome = self._committed(claim, answer, reading)
        except (RealModelForbidden, KeyboardInterrupt):
            raise
        except (ProviderError, StoreError) as error:
            # It cannot be looked at or stored: the batch waits, and nothing is asked twice.
            self._answers.keep(claim.user_id, claim.thread_id, claim.question, answer)
            answer.unstored += type(error) is StoreError  # others pass: a lock, a full disk
            if isinstance(error, StoreError) and answer.unstored < _STORED_AT_LAST:
                raise
            outcome, answer.spent = self._fail(claim, error, answer), Usage()
        except BaseException as error:  # noqa: BLE001 - as for the answer itself
            return self._fail(claim, error, answer)
        if answer.spent.calls:
            self._reached(claim)
        return outcome

    def _committed(self, claim: Claim, answer: BatchAnswer, reading: Reading | None) -> Outcome:
        """Judge, apply, commit; again on the newer profile if it has moved."""
        while True:
            reading = reading or self.schema.read(claim.profile.document or {})
            self._warn_of_misfits(claim.user_id, reading)
            batch = self._batch(claim, reading)
            judged = self._judged(batch, answer)
            refused = (*answer.extraction.rejections, *judged.refused)
            if exceeded := self.limits.exceeded(batch.document, judged.applied, refused):
                reason, told = exceeded
                return self._fail(claim, UnusableAnswer(told, reason), answer)
            judged, aside = reviewed(batch, judged, self.review)
            refused = (*answer.extraction.rejections, *judged.refused)
            result = self._result(claim, answer, judged, refused, reading, aside)
            written = self.driver.write(commit, claim, result)
            if isinstance(written, Profile):
                claim, reading = replace(claim, profile=written), None
                continue
            if isinstance(written, str):
                return _outcome(claim, "failed", reason=written, usage=answer.spent)
            revision, waiting = written
            came: Status = "changed" if revision else "unchanged"
            outcome = _outcome(claim, came, usage=answer.spent, waiting=waiting)
            return replace(outcome, revision=revision, rejections=refused)

    def _judged(self, batch: Batch, answer: BatchAnswer) -> Judged:
        """The wall, the second look for what it doubts, and what is left put into a copy."""
        found = judge(batch, answer.extraction.changes, evidence=self.evidence)
        judged = applied(batch, found)
        if not answer.mended and self._mend(batch, answer, judged):
            found = judge(batch, answer.extraction.changes, evidence=self.evidence)
            judged = applied(batch, found)
        looked_at = (batch, found, judged.made, answer.verdicts)
        settled, spent = self._asked(lambda: self.verifier.settle(*looked_at))
        answer.spent += spent
        return judged if settled is None else applied(batch, settled)

    def _mend(self, batch: Batch, answer: BatchAnswer, judged: Judged) -> bool:
        """Ask once more for changes whose form was wrong; what is good is kept either way."""
        answer.mended = True
        wrong = [refused for refused in judged.refused if refused.reason in MENDABLE]
        extractor = self.extractor() if wrong else None
        if not isinstance(extractor, Repairing):
            return False
        try:
            batch = replace(batch, document=judged.document)
            mended = sound(self._asked(lambda: extractor.repair(batch, wrong)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as if none was asked
            logger.warning("repair failed with %s; what was good is kept", type(error).__name__)
            answer.spent += error.usage if isinstance(error, UnusableAnswer) else Usage()
            return False
        answer.spent += mended.usage
        if not mended.changes:
            return False
        at_fault = {id(refused.change) for refused in wrong}
        good = [one for one in answer.extraction.changes if id(one) not in at_fault]
        answer.extraction = replace(
            answer.extraction,
            changes=(*good, *mended.changes),
            rejections=(*answer.extraction.rejections, *wrong, *mended.rejections),
        )
        return True

    def _batch(self, claim: Claim, reading: Reading) -> Batch:
        """The claim as it is read and judged; of the profile what fits the schema."""
        stamps = renamed_stamps(self.schema, claim.profile.stamps)
        return Batch(
            schema=self.schema,
            document=reading.document,
            batch=claim.batch,
            context=claim.context,
            user_id=claim.user_id,
            thread_id=claim.thread_id,
            now=claim.now,
            edited=times(stamps, "edited"),
            learned=times(stamps, "learned"),
            salt=claim.salt,
            tombstones=claim.tombstones,
            limits=self.limits,
            reading=reading,
        )

    def _warn_of_misfits(self, user_id: str, reading: Reading) -> None:
        """Log once for each user that something of theirs does not fit."""
        if reading.misfits and user_id not in self._warned and len(self._warned) < _MOST_WARNED:
            self._warned.add(user_id)
            fields = ", ".join(dict.fromkeys(one.field for one in reading.misfits))
            told = "not all that is stored of user=%s fits the schema: %s (see memory.misfits)"
            logger.warning(told, user_id, fields)

    def _result(
        self,
        claim: Claim,
        answer: BatchAnswer,
        judged: Judged,
        refused: tuple[Refused, ...],
        reading: Reading,
        aside: tuple[Applied, ...],
    ) -> Result:
        before = renamed_stamps(self.schema, claim.profile.stamps)
        stamps = stamped(before, judged, self.schema, claim.now)
        document, changes = settled(reading, judged.document, judged.applied, self.schema)
        model = answer.extraction.model
        return Result(
            seqs=tuple(message.seq for message in claim.batch),
            document=document if judged.applied else None,
            changes=changes,
            stamps=stamps,
            confirmed=stamps != before,
            fingerprint=self.schema.fingerprint,
            rejections=refused,
            model=model,
            prompt=answer.extraction.prompt,
            usage=answer.spent,
            drafts=drafts_of(aside, "model", claim.thread_id, claim.batch, model) if aside else (),
            keep_for=self.keep_for,
        )

    def _fail(self, claim: Claim, error: BaseException, of: BatchAnswer | None = None) -> Outcome:
        """Record why; the messages stay in the inbox for the next attempt or for a person."""
        # Of an unknown error only the type is kept: its text may quote the conversation.
        reason, text = "extractor_error", type(error).__name__
        if isinstance(error, ExtractionError | StoreError):
            reason, text = getattr(error, "reason", "not_stored"), f"{text}: {error}"
        usage, model = (of.spent, of.extraction.model) if of else (Usage(), "")
        if of is None and isinstance(error, UnusableAnswer):
            usage, model = error.usage, error.model
        failure = Failure(reason, text, None, usage=usage, model=model)
        failure = self._next_attempt(claim, failure, error)
        held = self.driver.write(fail, claim, failure)
        if not isinstance(error, ExtractionError | StoreError):
            logger.error("the extractor failed with %s", text)
            logger.debug("where it failed", exc_info=error)
        return _outcome(
            claim,
            "failed",
            reason=reason if held else "lost",
            usage=usage,
            error=text,
            retry_at=None if failure.retry_in is None else claim.now + failure.retry_in,
            repeated=failure.repeated,
        )

    def _next_attempt(self, claim: Claim, failure: Failure, error: BaseException) -> Failure:
        """Wait and try again; halve a batch that is itself to blame; bury a turn that is."""
        if isinstance(error, ProviderError):
            wait, new = self.outage.failed(claim.now, failure.error, self.retry, error.retry_after)
            model = "" if failure.usage.calls else error.model
            return replace(failure, model=model, counts=False, retry_in=wait, repeated=not new)
        failed = claim.thread.attempts + 1
        if not isinstance(error, ExtractionError):
            return replace(failure, retry_in=self.retry.after(failed))
        self._reached(claim)
        smaller, too_much = half(claim.batch), error.reason in {"truncated", "too_many"}
        if smaller is not None and (too_much or failed > 1):
            pause = 0.0 if too_much else self.retry.after(1)
            return replace(failure, retry_in=pause, at_most=smaller)
        if (again := self.retry.after(failed)) is None:
            return replace(failure, poison=tuple(message.seq for message in claim.batch))
        return replace(failure, retry_in=again)


def _outcome(claim: Claim, status: Status, **details: Any) -> Outcome:
    details.setdefault("messages", len(claim.batch))
    return Outcome(claim.user_id, claim.thread_id, status, **details)
