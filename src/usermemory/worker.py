"""Consolidate what is due, in threads of this process; or now, in the caller's."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from usermemory.clock import Clock
from usermemory.consolidate import Consolidator
from usermemory.errors import MemoryClosed, SchemaMismatch, StoreError, UserMemoryError
from usermemory.extract.manner import apart
from usermemory.records import Event, EventKind, Job, Outcome
from usermemory.refused import MOST_STORED, shown_field
from usermemory.store.erased import clean_erased
from usermemory.store.flows.claim import (
    Claim,
    Unclaimed,
    claim_due,
    claim_thread,
    give_back,
    has_died,
    leases,
    renew,
    retry,
    this_host,
    worker_name,
)
from usermemory.store.flows.recall import ROWS, jobs, next_due, waiting_users

logger = logging.getLogger("usermemory")

THREADS = 8
"""Batches that a worker reads at a time: a thread that waits for a model costs next to nothing."""

LEASE = 60.0
"""Seconds after which the work of a worker that has died is given to another."""

POLL = 5.0
"""Seconds between looks at the database while nobody wakes us: other processes write too."""

REST = 60.0
"""Seconds for which a worker with the wrong schema reads nothing, before it looks again."""

CLEAN = 60.0
"""Seconds between attempts to clean the disk of what was erased."""

_HELD_PAUSE = 0.1
"""Seconds of real time between looks at a user whom a worker holds."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """Runs batches on demand, under the same leases as the workers."""

    consolidator: Consolidator
    clock: Clock
    emit: Callable[[Event], None]
    lease: float = LEASE

    def user(self, user_id: str, thread_id: str | None = None) -> list[Outcome]:
        """Everything unread of a user, or of one thread; nothing if the user is paused."""
        outcomes: list[Outcome] = []
        after = ""
        while isinstance(claim := self._claim(user_id, thread_id, after), Claim):
            outcomes.append(self._run(claim))
            if _ends(claim, outcomes[-1]):
                if thread_id is not None:
                    break
                after = claim.thread_id
        return outcomes

    def retry_failed(self, reason: str, *, dry_run: bool) -> list[Job]:
        """Make every thread due that failed and whose last error has this in its text."""
        driver = self.consolidator.driver
        every = driver.read(jobs, None, None, ROWS)
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
        """What is due now, gate included, at most so many batches; first the disk is cleaned."""
        driver, outcomes = self.consolidator.driver, list[Outcome]()
        if driver.read(next_due).unclean:
            clean_erased(driver)
        while limit is None or len(outcomes) < limit:
            if (claim := driver.write(claim_due, worker_name(), self.lease)) is None:
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
            threading.Event().wait(_HELD_PAUSE)

    def consolidated(self, claim: Claim) -> Outcome:
        """What comes of a batch; its lease is renewed meanwhile."""
        self.emit(Event("claimed", claim.user_id, claim.thread_id, self.clock.now()))
        done = threading.Event()
        heartbeat = partial(self._renew, claim, done)
        threading.Thread(target=heartbeat, name="usermemory-lease", daemon=True).start()
        try:
            return apart(lambda: self.consolidator.consolidate(claim))
        finally:
            done.set()

    def _renew(self, claim: Claim, done: threading.Event) -> None:
        """Renew the claim's lease three times as often as it would run out.

        A lease that cannot be renewed is no disaster: whoever claims the user next has a higher
        fencing token, and the commit of this claim is void.
        """
        driver = self.consolidator.driver
        while not self.clock.wait(done, self.lease / 3):
            try:
                if not driver.write(renew, claim.user_id, claim.token, self.lease):
                    return
            except StoreError as error:
                logger.warning("lease of %s not renewed: %s", claim.user_id, error)

    def _run(self, claim: Claim) -> Outcome:
        outcome = self.consolidated(claim)
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


class Worker:
    """Threads that claim users whose time has come, one batch each.

    Plain threads, whatever colour the application has: provider packages share one async client
    per process, and a second event loop breaks it for the chat. One thread waits for the next due
    time. When it has claimed a user it begins another one to wait, if there are fewer than were
    asked for; when it has done, and another one waits, it ends: an idle worker is one thread.

    Args:
        consolidator: Does the work, as long as somebody else holds it.
        clock: What time it is.
        emit: Is told what happens.
        threads: How many batches at a time, at most.
        poll: Seconds between looks when nobody wakes us.
        lease: Seconds after which a dead worker's user is given to another.
    """

    def __init__(
        self,
        consolidator: Consolidator,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        threads: int = THREADS,
        poll: float = POLL,
        lease: float = LEASE,
    ) -> None:
        self._consolidator = weakref.ref(consolidator)  # its gate may lead back to the memory
        self._driver = consolidator.driver
        self._clock = clock
        self._emit = emit
        self._poll = poll
        self._lease = lease
        self._most = threads
        self._threads: set[threading.Thread] = set()
        self._looking = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._until = 0.0
        self._clean_at = 0.0
        self._said = ""
        self._stopping = threading.Event()
        self._deafen: Callable[[], None] = lambda: None
        self._running: dict[tuple[int, str], Claim] = {}

    def start(self) -> None:
        """Begin to work."""
        self._deafen = self._driver.listen(lambda: self.wake(0.0))
        with self._lock:
            self._begin_thread()

    def wake(self, due_at: float | None) -> None:
        """Somebody is due at this time: look again if that is sooner than planned."""
        if due_at is not None and due_at < self._until:
            self._wake.set()
        with self._lock:
            if not self._threads and not self._stopping.is_set():
                self._begin_thread()  # the system gave none before

    @property
    def alive(self) -> bool:
        """Whether there is a thread that reads, and each lives that should."""
        with self._lock:
            living = self._threads and all(one.is_alive() for one in self._threads)
            return self._stopping.is_set() or bool(living)

    def stop(self, grace: float = 30.0) -> bool:
        """Take no new work, let running batches finish, give back those that do not.

        Args:
            grace: Seconds that running batches have.

        Returns:
            Whether everything finished.
        """
        self._stopping.set()
        self._wake.set()
        self._deafen()
        end = time.monotonic() + grace
        with self._lock:
            threads = list(self._threads)  # no more begin
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        for claim in list(self._running.values()):
            self._driver.write(give_back, claim.user_id, claim.token)
            logger.info("gave back user=%s thread=%s", claim.user_id, claim.thread_id)
        return not any(thread.is_alive() for thread in threads)

    def _begin_thread(self) -> None:
        """Begin another thread, under the lock."""
        thread = threading.Thread(target=self._work, name="usermemory-worker", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more: those that are there go on
            logger.warning("worker: %s", error)
        else:
            self._threads.add(thread)

    def _may_look(self) -> bool:
        """Whether this thread is the one that waits for the next user; else it ends."""
        with self._lock:
            if self._stopping.is_set() or self._looking:
                self._threads.discard(threading.current_thread())
                return False
            self._looking = True
            return True

    def _found(self, claim: Claim | None) -> None:
        """This thread has looked; if it works now, another one waits."""
        with self._lock:
            self._looking = False
            more = claim is not None and len(self._threads) < self._most
            if more and not self._stopping.is_set():
                self._begin_thread()

    def _work(self) -> None:
        while self._may_look():
            claim: Claim | None = None
            try:
                try:
                    claim = self._next()
                finally:
                    self._found(claim)
                if claim is not None:
                    self._process(claim)
            except MemoryClosed:
                with self._lock:
                    self._threads.discard(threading.current_thread())
                return
            except UserMemoryError as error:
                self._rest(error)
            except BaseException as error:
                # A thread that dies reads nothing any more; interrupts go to the main one.
                logger.error("worker: %s; it goes on", type(error).__name__)  # noqa: TRY400 - a text may quote
                logger.debug("where it failed", exc_info=error)
                self._clock.wait(self._stopping, self._poll)

    def _rest(self, error: UserMemoryError) -> None:
        """Read nothing for a while, and say why; of a wrong schema once, as others may have it."""
        mismatch = isinstance(error, SchemaMismatch)
        if not mismatch or str(error) != self._said:
            logger.error("worker: %s", error)
            self._emit(Event("error", at=self._clock.now(), error=error))
        self._said = str(error) if mismatch else self._said
        self._clock.wait(self._stopping, REST if mismatch else self._poll)

    def _next(self) -> Claim | None:
        """Wait until somebody is due, and claim them."""
        while not self._stopping.is_set():
            self._wake.clear()
            # From here on a remember that is due sooner than we would sleep wakes us.
            self._until = float("inf")
            look = self._driver.read(next_due)
            if look.unclean and self._clock.now() >= self._clean_at:
                # An erasure found a reader in its way: see whether that is gone.
                self._clean_at = self._clock.now() + CLEAN
                if clean_erased(self._driver):
                    logger.info("erased for good. %s", self._driver.cleaned)
            wait = look.wait
            if wait == 0.0:
                claim = self._driver.write(claim_due, worker_name(), self._lease)
                if claim is not None:
                    return claim
                wait = None
            if wait is not None and wait <= self._lease and self._free_dead():
                continue
            sleep = self._poll if wait is None else min(wait, self._poll)
            self._until = self._clock.now() + sleep
            self._clock.wait(self._wake, sleep)
        return None

    def _free_dead(self) -> bool:
        """Give back what workers of this host held that have died; whether there was any."""
        freed = False
        for user_id, token, worker in self._driver.read(leases, this_host(), self._lease):
            if has_died(worker) and self._driver.write(give_back, user_id, token):
                logger.info("user=%s was held by %s, which has died", user_id, worker)
                freed = True
        return freed

    def _process(self, claim: Claim) -> None:
        self._running[claim.token, claim.user_id] = claim
        if (consolidator := self._consolidator()) is None:
            return  # whoever stops us gives it back
        try:
            trigger = Trigger(consolidator, self._clock, self._emit, self._lease)
            outcome = trigger.consolidated(claim)
        finally:
            del self._running[claim.token, claim.user_id]
            self.wake(0.0)  # another thread may wait for just this user
        report(outcome, self._clock.now(), self._emit)


def report(outcome: Outcome, now: float, emit: Callable[[Event], None]) -> None:
    """Say what came of a batch: lines that a person can follow, and events.

    The log says of a refused change in which field and why it was refused, and none of its words.
    """
    learned = len(outcome.revision.changes) if outcome.revision else 0
    # An outage is one event, and not one for each thread that it meets.
    in_outage = outcome.repeated or outcome.reason.startswith("outage:")
    loud = logging.WARNING if outcome.status == "failed" else logging.INFO
    logger.log(
        logging.DEBUG if in_outage else loud,
        "%s user=%s thread=%s messages=%d changes=%d rejected=%d%s%s",
        outcome.status,
        outcome.user_id,
        outcome.thread_id,
        outcome.messages,
        learned,
        len(outcome.rejections),
        f" reason={outcome.reason}" if outcome.reason else "",
        f" error={outcome.error!r}" if outcome.error else "",
    )
    if full := next((one for one in outcome.rejections if one.reason == "profile_full"), None):
        # Nothing more is learned until the owner acts, so the owner is told each time.
        logger.warning("user=%s thread=%s: %s", outcome.user_id, outcome.thread_id, full.detail)
    for one in outcome.rejections[:MOST_STORED]:
        logger.info(
            "refused user=%s thread=%s field=%s reason=%s",
            outcome.user_id,
            outcome.thread_id,
            shown_field(one) or "-",
            one.reason,
        )
    if in_outage:
        return
    kinds: dict[str, EventKind] = {"held": "held", "failed": "failed"}
    where = (outcome.user_id, outcome.thread_id, now, outcome)
    emit(Event(kinds.get(outcome.status, "consolidated"), *where))
    if outcome.rejections:
        emit(Event("rejected", *where))
