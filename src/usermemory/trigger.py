"""Consolidate now, in the caller's thread, without waiting for quiet or asking the gate."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from usermemory.clock import Clock
from usermemory.consolidate import Consolidator
from usermemory.events import Event
from usermemory.extract.manner import apart
from usermemory.lease import LEASE, kept
from usermemory.records import Job, Outcome
from usermemory.store.flows.claim import Claim, Unclaimed, claim_due, claim_thread
from usermemory.store.flows.queue import retry
from usermemory.store.flows.recall import jobs, waiting_users
from usermemory.worker import report, worker_name

_ALL = 1 << 31
"""More threads than there are."""

_LOOK_AGAIN = 0.1
"""Seconds of real time between looks at a user whom a worker holds."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """Runs batches on demand, under the same leases as the workers."""

    consolidator: Consolidator
    clock: Clock
    emit: Callable[[Event], None]
    lease: float = LEASE

    def thread(self, user_id: str, thread_id: str) -> list[Outcome]:
        """Everything unread in one thread; empty if nothing is, or the user is paused."""
        outcomes: list[Outcome] = []
        while isinstance(claim := self._claim(user_id, thread_id, ""), Claim):
            outcomes.append(self._run(claim))
            if _ends(claim, outcomes[-1]):
                break
        return outcomes

    def user(self, user_id: str) -> list[Outcome]:
        """Everything unread of one user, thread after thread."""
        outcomes: list[Outcome] = []
        after = ""
        while isinstance(claim := self._claim(user_id, None, after), Claim):
            outcomes.append(self._run(claim))
            if _ends(claim, outcomes[-1]):
                after = claim.thread_id
        return outcomes

    def retry_failed(self, reason: str, *, dry_run: bool) -> list[Job]:
        """Make every thread due that failed and whose last error has this in its text."""
        driver = self.consolidator.driver
        every = driver.read(jobs, None, None, _ALL)
        wanted = reason.casefold()
        failed = [job for job in every if _has_failed(job) and wanted in job.last_error.casefold()]
        if dry_run:
            return failed
        found = [job for job in failed if driver.write(retry, job.user_id, job.thread_id)]
        self.consolidator.outage.ended(self.clock.now())
        return found

    def everybody(self) -> list[Outcome]:
        """Everything unread of everybody who is not paused."""
        outcomes: list[Outcome] = []
        after = ""
        while users := self.consolidator.driver.read(waiting_users, after):
            for user_id in users:
                outcomes += self.user(user_id)
            after = users[-1]
        return outcomes

    def due(self, limit: int | None = None) -> list[Outcome]:
        """What is due now, gate included; at most so many batches."""
        outcomes: list[Outcome] = []
        while limit is None or len(outcomes) < limit:
            claim = self.consolidator.driver.write(claim_due, worker_name(), self.lease)
            if claim is None:
                break
            outcomes.append(self._run(claim))
        return outcomes

    def _claim(self, user_id: str, thread_id: str | None, after: str) -> Claim | Unclaimed:
        """The next batch; waits while a worker holds the user."""
        while True:
            found = self.consolidator.driver.write(
                claim_thread, user_id, thread_id, after, worker_name(), self.lease
            )
            if found != "held":
                return found
            threading.Event().wait(_LOOK_AGAIN)

    def _run(self, claim: Claim) -> Outcome:
        self.emit(Event("claimed", claim.user_id, claim.thread_id, self.clock.now()))
        with kept(self.consolidator.driver, self.clock, claim, self.lease):
            outcome = apart(lambda: self.consolidator.consolidate(claim))
        report(outcome, self.clock.now(), self.emit)
        return outcome


def _ends(claim: Claim, outcome: Outcome) -> bool:
    """Whether the thread is left to its schedule now; a halved batch goes on at once.

    By the claim's clock, which is the server's: that of this host may be wrong by minutes.
    """
    if outcome.reason == "forgotten":
        return False  # something was erased meanwhile: what is left is read anew
    if outcome.status == "failed":
        return outcome.retry_at is None or outcome.retry_at > claim.now
    return outcome.status == "held"


def _has_failed(job: Job) -> bool:
    """Whether it failed or waits for a provider; what a gate or the budget holds has not."""
    outage = job.last_error.startswith("outage:")
    return bool(job.attempts or job.dead or (job.last_error and (outage or job.state != "held")))
