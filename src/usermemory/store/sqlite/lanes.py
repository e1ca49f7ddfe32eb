"""The threads of a memory in a file, and the one that writes: many callers in a transaction."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from usermemory.errors import MemoryClosed
from usermemory.store.driver import Flow
from usermemory.store.sqlite.connection import Patience, busy, patiently, translated

_TOGETHER = 256
"""At most so many are served at a time, so that the first is not kept waiting by the last."""


class Job(NamedTuple):
    """A flow to run, and where its answer goes: to a thread's future or an event loop's.

    Attributes:
        flow: The flow's name.
        start: Gives the flow.
        future: Gets what the flow returns, or its error.
        since: When it was asked for, in seconds of the monotonic clock.
    """

    flow: str
    start: Callable[[], Flow[Any]]
    future: Future[Any] | asyncio.Future[Any]
    since: float


Answer = tuple[Job, Any, BaseException | None]

Serve = Callable[[list[Job], Callable[[], Sequence[Job]]], Sequence[Answer]]


class Lane:
    """One thread that serves jobs in the order in which they come.

    Args:
        name: The thread's.
        serve: Answers some jobs; an error that it raises is the answer to each of them. It may
            ask for those that came meanwhile, and adds them to its list.
    """

    def __init__(self, name: str, serve: Serve) -> None:
        self._serve = serve
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._ending = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job."""
        with self._gate:
            if self._closed:
                raise MemoryClosed("this memory was closed; build a new UserMemory to go on")
            self._queue.put(job)

    def close(self) -> None:
        """Serve what was queued, then stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while not self._ending:
            if jobs := self._gather():
                deliver(self._answers(jobs))

    def _gather(self) -> list[Job]:
        """Wait for one job, then take those that queued up meanwhile."""
        item = self._queue.get()
        if item is None:
            self._ending = True
            return []
        return [item, *self._arrived(_TOGETHER - 1)]

    def _arrived(self, most: int = _TOGETHER) -> list[Job]:
        """The jobs that are there already."""
        jobs: list[Job] = []
        while len(jobs) < most and not self._ending and not self._queue.empty():
            item = self._queue.get()
            if item is None:
                self._ending = True
            else:
                jobs.append(item)
        return jobs

    def _answers(self, jobs: list[Job]) -> Sequence[Answer]:
        try:
            return self._serve(jobs, self._arrived)
        except BaseException as error:  # noqa: BLE001 - every caller gets it; the thread must live
            return [(job, None, error) for job in jobs]


def deliver(answers: Sequence[Answer]) -> None:
    """Give everybody who waits their answer."""
    awaited: defaultdict[asyncio.AbstractEventLoop, list[Answer]] = defaultdict(list)
    for answer in answers:
        future = answer[0].future
        if isinstance(future, asyncio.Future):
            awaited[future.get_loop()].append(answer)
        else:
            _settle([answer])
    for loop, together in awaited.items():
        # A loop that was closed meanwhile has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, together)


def _settle(answers: Sequence[Answer]) -> None:
    for job, value, failure in answers:
        if job.future.done():
            continue  # a cancelled caller, whose work was committed with the others'
        if failure is None:
            job.future.set_result(value)
        else:
            job.future.set_exception(failure)


IN_A_TURN = frozenset({"remember", "propose", "record"})
"""The flows that somebody who talks with the bot waits for."""


class Writer:
    """Runs jobs in one transaction.

    Args:
        path: The file, for messages.
        begin: Gives the connection, checked and open; called before every transaction.
        perform: Runs one flow on the connection.
        commit: Commits the connection's transaction.
        patience: How long to wait for another connection's commit.
    """

    def __init__(
        self,
        path: Path,
        begin: Callable[[], sqlite3.Connection],
        perform: Callable[[sqlite3.Connection, str, Callable[[], Flow[Any]]], Any],
        commit: Callable[[sqlite3.Connection], None],
        patience: Patience,
    ) -> None:
        self._path = path
        self._begin = begin
        self._perform = perform
        self._commit = commit
        self._patience = patience

    def transact(self, jobs: list[Job], more: Callable[[], Sequence[Job]]) -> list[Answer]:
        """Run them and commit; each job's own failure is its answer.

        Args:
            jobs: Which; those that come while the file is locked are added.
            more: Gives those.
        """
        with translated(self._path):
            connection = self._begin()
            jobs = self._locked(connection, jobs, more)
            if not jobs:
                return []
            try:
                answers = [self._attempt(connection, job) for job in jobs]
                self._commit(connection)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return answers

    def _locked(
        self, connection: sqlite3.Connection, jobs: list[Job], more: Callable[[], Sequence[Job]]
    ) -> list[Job]:
        """Take the file's lock; the jobs that could wait so long. The others have their answer."""
        waiting = list(jobs)

        def nobody_waits() -> bool:
            came = more()
            jobs.extend(came)
            waiting.extend(came)
            late = [job for job in waiting if self._is_late(job)]
            waiting[:] = [job for job in waiting if job not in late]
            if late:
                deliver([(job, None, busy(self._path)) for job in late])
            return not waiting

        try:
            patiently(lambda: connection.execute("BEGIN IMMEDIATE"), 0.0, enough=nobody_waits)
        except sqlite3.OperationalError:
            if waiting:
                raise
            self._patience.was_in_vain()
        else:
            self._patience.was_rewarded()
        return waiting

    def _is_late(self, job: Job) -> bool:
        return self._patience.is_over(job.since, in_a_turn=job.flow in IN_A_TURN)

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> Answer:
        """Run one flow in a savepoint: its failure undoes its own work only."""
        connection.execute("SAVEPOINT flow")
        try:
            value = self._perform(connection, job.flow, job.start)
        except BaseException as error:
            if not connection.in_transaction:
                # A full disk makes SQLite roll back the whole transaction: nobody's work is there.
                raise
            connection.execute("ROLLBACK TO flow")
            connection.execute("RELEASE flow")
            return job, None, error
        connection.execute("RELEASE flow")
        return job, value, None
