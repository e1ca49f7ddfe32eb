"""One thread writes: callers that arrive together are committed together.

A disk flushes a few thousand times a second at best. While one commit is being flushed, the next
callers queue up; they share the next transaction, each in a savepoint of its own, and each is
answered only after COMMIT.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from usermemory.errors import MemoryClosed
from usermemory.store.driver import Flow
from usermemory.store.sqlite.connection import translated

_TOGETHER = 256
"""At most so many flows share a transaction, so that the first is not kept waiting by the last."""


class Job:
    """A flow to run, and where its answer goes."""

    __slots__ = ("flow", "future", "start")

    def __init__(self, flow: str, start: Callable[[], Flow[Any]]) -> None:
        self.flow = flow
        self.start = start
        self.future: Future[Any] = Future()


Answer = tuple[Job, Any, BaseException | None]


class Writer:
    """The thread that owns the writing connection.

    Args:
        path: The file, for messages.
        begin: Gives the connection, checked and open; called before every transaction.
        perform: Runs one flow on the connection.
        commit: Commits the connection's transaction.
    """

    def __init__(
        self,
        path: Path,
        begin: Callable[[], sqlite3.Connection],
        perform: Callable[[sqlite3.Connection, Job], Any],
        commit: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._path = path
        self._begin = begin
        self._perform = perform
        self._commit = commit
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="usermemory-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Any]:
        """Queue a flow; its future is resolved after the commit."""
        with self._gate:
            if self._closed:
                raise MemoryClosed("this memory was closed; build a new UserMemory to go on")
            self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Commit what was queued, then stop."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        stop = False
        while not stop:
            jobs, stop = self._gather()
            if jobs:
                self._transact(jobs)

    def _gather(self) -> tuple[list[Job], bool]:
        """Wait for one job, then take those that queued up meanwhile; True means stop."""
        jobs: list[Job] = []
        item = self._queue.get()
        while item is not None:
            if item.future.set_running_or_notify_cancel():
                jobs.append(item)
            if len(jobs) >= _TOGETHER or self._queue.empty():
                return jobs, False
            item = self._queue.get()
        return jobs, True

    def _transact(self, jobs: Sequence[Job]) -> None:
        try:
            with translated(self._path):
                answers = self._together(jobs)
        except BaseException as error:  # noqa: BLE001 - every caller gets it; the thread must live
            answers = [(job, None, error) for job in jobs]
        for job, value, failure in answers:
            if failure is None:
                job.future.set_result(value)
            else:
                job.future.set_exception(failure)

    def _together(self, jobs: Sequence[Job]) -> list[Answer]:
        connection = self._begin()
        connection.execute("BEGIN IMMEDIATE")
        try:
            answers = [self._attempt(connection, job) for job in jobs]
            self._commit(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return answers

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> Answer:
        """Run one flow in a savepoint: its failure undoes its own work only."""
        connection.execute("SAVEPOINT flow")
        try:
            value = self._perform(connection, job)
        except BaseException as error:
            if not connection.in_transaction:
                # A full disk makes SQLite roll back the whole transaction: nobody's work is there.
                raise
            connection.execute("ROLLBACK TO flow")
            connection.execute("RELEASE flow")
            return job, None, error
        connection.execute("RELEASE flow")
        return job, value, None
