"""One batch of one thread, from the inbox into the profile. Read this page first.

    claim ─► whole turns within the budget ─► gate ─► model ─► each change checked and applied
          ─► one repair ─► commit: profile, revision, read messages, schedule

No transaction is open while the model is asked. Whatever happens, the messages are either read
(committed together with what they taught) or still in the inbox.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from usermemory.batch import fitting, half
from usermemory.errors import ExtractionError, ProviderError, RealModelForbidden, StoreError
from usermemory.extract import Extraction, Extractor, Repairing, Request, UnusableAnswer
from usermemory.fold import Case, Folded, fold, stamped, whole
from usermemory.gate import Gate
from usermemory.limits import Limits
from usermemory.records import Change, Outcome, Refused, Status, Usage
from usermemory.retry import Retry
from usermemory.schema import Schema
from usermemory.store import Driver
from usermemory.store.flows.claim import DAY, Claim, day_of, give_back
from usermemory.store.flows.commit import Failure, Result, commit, fail, hold
from usermemory.store.flows.profile import Profile

logger = logging.getLogger("usermemory")

NOT_REPAIRABLE = frozenset(
    {
        *("duplicate", "not_the_users_words", "instruction", "protected", "profile_full"),
        *("erased", "outdated", "contradicted"),
    }
)
"""Refusals that a second answer cannot mend: asking again would be paid for nothing."""


@dataclass(frozen=True, slots=True)
class Consolidator:
    """What a consolidation works with.

    Attributes:
        driver: The database.
        schema: The profile's schema.
        extractor: Finds the changes; called only when needed, so that nothing is built before.
        gate: Decides at due time whether a batch is worth a call.
        off: Checks that are left out.
        budget: Tokens of conversation that one call reads.
        hold_max: Seconds after which a held batch is read whatever the gate says.
        daily_tokens: What a user may cost a day (UTC); beyond it messages wait for the next.
        retry: When a failed batch is tried again.
        limits: How much one batch may change, and how much a profile may hold.
    """

    driver: Driver
    schema: Schema
    extractor: Callable[[], Extractor]
    gate: Gate | None = None
    off: frozenset[str] = frozenset()
    budget: int = 6_000
    hold_max: float | None = None
    daily_tokens: int | None = None
    retry: Retry = Retry()
    limits: Limits = Limits()

    def consolidate(self, claim: Claim) -> Outcome:
        """Fold one claimed batch into the profile.

        Args:
            claim: The batch; its lease is ended here in any case.

        Returns:
            What came of it.

        Raises:
            StoreError: The database failed; the messages are still in the inbox.
        """
        claim = self._fitting(claim)
        if not any(message.author == "user" for message in claim.batch):
            return self._finish(claim, Extraction(), repaired=True)
        try:
            waits = self._waits(claim)
            if waits is not None:
                return self._hold(claim, waits)
            extraction = self.extractor().extract(self._request(claim))
        except (StoreError, RealModelForbidden):
            self.driver.write(give_back, claim)
            raise
        except Exception as error:  # noqa: BLE001 - recorded, retried, and then a dead letter
            return self._fail(claim, error)
        return self._finish(claim, extraction)

    def _fitting(self, claim: Claim) -> Claim:
        """The claim with as much of its batch as one call reads."""
        at_most = claim.thread.at_most
        batch = fitting(claim.batch, self.budget, at_most, more=not claim.whole)
        whole = claim.whole and len(batch) == len(claim.batch)
        return replace(claim, batch=batch, whole=whole)

    def _waits(self, claim: Claim) -> tuple[str, float | None] | None:
        """What the batch waits for and until when; None when it goes through."""
        if self.daily_tokens is not None and claim.spent >= self.daily_tokens:
            return f"budget: {claim.spent} tokens today", (day_of(claim.now) + 1) * DAY
        # A batch that was held to its end or halved has passed the gate before.
        passed = claim.triggered or claim.thread.state == "held" or claim.thread.at_most
        if self.gate is None or passed or self.gate.opens(claim.batch):
            return None
        if self.hold_max is None:
            return f"gate: {self.gate}", None
        return f"gate: {self.gate}", (claim.thread.first_at or claim.now) + self.hold_max

    def _hold(self, claim: Claim, waits: tuple[str, float | None]) -> Outcome:
        self.driver.write(hold, claim, *waits)
        return _outcome(claim, "held", reason=waits[0], messages=0)

    def _finish(self, claim: Claim, extraction: Extraction, *, repaired: bool = False) -> Outcome:
        """Check, apply, repair once, commit; again on the newer profile if it has moved."""
        while True:
            folded = self._fold(claim, extraction.changes)
            if not repaired:
                repaired = True
                extraction, folded = self._repair(claim, extraction, folded)
            refused = (*extraction.rejections, *folded.rejections)
            known = self._known(claim)
            if exceeded := self.limits.exceeded(known, folded.applied, refused):
                reason, told = exceeded
                return self._fail(claim, UnusableAnswer(told, reason, extraction.usage))
            result = self._result(claim, extraction, folded, refused)
            answer = self.driver.write(commit, claim, result)
            if isinstance(answer, Profile):
                claim = replace(claim, profile=answer)
                continue
            if isinstance(answer, str):
                return _outcome(claim, "failed", reason=answer, usage=extraction.usage)
            return _outcome(
                claim,
                "changed" if answer else "unchanged",
                revision=answer,
                rejections=refused,
                usage=extraction.usage,
            )

    def _fold(self, claim: Claim, changes: Sequence[Change]) -> Folded:
        case = Case(
            schema=self.schema,
            batch=claim.batch,
            context=claim.context,
            user_id=claim.user_id,
            thread_id=claim.thread_id,
            edited=claim.profile.times("edited"),
            learned=claim.profile.times("learned"),
            off=self.off,
            limits=self.limits,
            salt=claim.salt,
            tombstones=claim.tombstones,
        )
        return fold(self._known(claim), changes, case)

    def _repair(
        self, claim: Claim, extraction: Extraction, folded: Folded
    ) -> tuple[Extraction, Folded]:
        """Ask once more for what was refused and can be mended; keep what is good either way."""
        extractor = self.extractor()
        mendable = [r for r in folded.rejections if r.reason not in NOT_REPAIRABLE]
        if not mendable or not isinstance(extractor, Repairing):
            return extraction, folded
        request = replace(self._request(claim), document=folded.document)
        try:
            mended = extractor.repair(request, mendable)
        except Exception as error:  # noqa: BLE001 - what was good is kept; the rest is recorded
            logger.warning("repair failed with %s; what was good is kept", type(error).__name__)
            spent = error.usage if isinstance(error, UnusableAnswer) else Usage()
            return replace(extraction, usage=extraction.usage + spent), folded
        refused = {id(r.change) for r in mendable}
        good = tuple(change for change in extraction.changes if id(change) not in refused)
        both = replace(
            extraction,
            changes=(*good, *mended.changes),
            usage=extraction.usage + mended.usage,
            rejections=(*extraction.rejections, *mendable, *mended.rejections),
        )
        return both, self._fold(claim, both.changes)

    def _request(self, claim: Claim) -> Request:
        return Request(
            schema=self.schema,
            document=self._known(claim),
            batch=claim.batch,
            context=claim.context,
            user_id=claim.user_id,
            thread_id=claim.thread_id,
            now=claim.now,
        )

    def _known(self, claim: Claim) -> Mapping[str, Any]:
        """The profile as far as the schema knows it: one that has changed since goes on working."""
        return self.schema.adopt(claim.profile.document or {})[0]

    def _with_unknown(self, claim: Claim, folded: Folded) -> Mapping[str, Any]:
        """The new profile, with what an older schema left in it and nobody has changed."""
        document, unknown = whole(claim.profile.document or {}, folded.document, self.schema)
        if unknown:
            logger.warning(
                "the profile of user=%s keeps what its schema no longer takes: %s",
                claim.user_id,
                ", ".join(unknown),
            )
        return document

    def _result(
        self,
        claim: Claim,
        extraction: Extraction,
        folded: Folded,
        refused: tuple[Refused, ...],
    ) -> Result:
        stamps = stamped(claim.profile.stamps, folded, claim.now)
        return Result(
            seqs=tuple(message.seq for message in claim.batch),
            document=self._with_unknown(claim, folded) if folded.applied else None,
            changes=folded.applied,
            stamps=stamps,
            confirmed=stamps != claim.profile.stamps,
            fingerprint=self.schema.fingerprint,
            rejections=refused,
            model=extraction.model,
            prompt=extraction.prompt,
            usage=extraction.usage,
        )

    def _fail(self, claim: Claim, error: Exception) -> Outcome:
        """Record why; the messages stay in the inbox for the next attempt or for a person."""
        # Of an unknown error only the type is kept: its text may quote the conversation.
        reason, text = "extractor_error", type(error).__name__
        if isinstance(error, ExtractionError):
            reason, text = error.reason, f"{text}: {error}"
        usage = error.usage if isinstance(error, UnusableAnswer) else Usage()
        failure = self._next_attempt(claim, Failure(reason, text, None, usage=usage), error)
        held = self.driver.write(fail, claim, failure)
        if not isinstance(error, ExtractionError):
            logger.error("the extractor failed with %s", text)
            logger.debug("where it failed", exc_info=error)
        return _outcome(
            claim,
            "failed",
            reason=reason if held else "lost",
            usage=usage,
            error=text,
            retry_at=None if failure.retry_in is None else claim.now + failure.retry_in,
        )

    def _next_attempt(self, claim: Claim, failure: Failure, error: Exception) -> Failure:
        """Wait and try again; halve a batch that is itself to blame; bury a turn that is."""
        failed = claim.thread.attempts + 1
        if isinstance(error, ProviderError) or not isinstance(error, ExtractionError):
            wanted = error.retry_after if isinstance(error, ProviderError) else None
            return replace(failure, retry_in=self.retry.after(failed, wanted))
        smaller = half(claim.batch)
        if smaller is not None and error.reason in {"truncated", "too_many"}:
            return replace(failure, retry_in=0.0, at_most=smaller)
        if smaller is not None and failed > 1:
            return replace(failure, retry_in=self.retry.after(1), at_most=smaller)
        wait = self.retry.after(failed)
        if wait is None:
            return replace(failure, poison=tuple(message.seq for message in claim.batch))
        return replace(failure, retry_in=wait)


def _outcome(claim: Claim, status: Status, **details: Any) -> Outcome:
    details.setdefault("messages", len(claim.batch))
    return Outcome(claim.user_id, claim.thread_id, status, **details)
