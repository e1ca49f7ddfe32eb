"""Callers that arrive together are committed together.

A disk flushes a few thousand times a second at best. While one commit is being flushed, the next
callers queue up; they share the next transaction, each in a savepoint of its own, and each is
answered only after COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from usermemory.store.driver import Flow
from usermemory.store.sqlite.connection import Patience, busy, patiently, translated
from usermemory.store.sqlite.lane import Answer, Job, deliver

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
