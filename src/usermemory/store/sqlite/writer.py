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
from usermemory.store.sqlite.connection import patiently, translated
from usermemory.store.sqlite.lane import Answer, Job


class Writer:
    """Runs jobs in one transaction.

    Args:
        path: The file, for messages.
        begin: Gives the connection, checked and open; called before every transaction.
        perform: Runs one flow on the connection.
        commit: Commits the connection's transaction.
        busy_timeout: Seconds to wait for another connection's commit.
    """

    def __init__(
        self,
        path: Path,
        begin: Callable[[], sqlite3.Connection],
        perform: Callable[[sqlite3.Connection, str, Callable[[], Flow[Any]]], Any],
        commit: Callable[[sqlite3.Connection], None],
        busy_timeout: float,
    ) -> None:
        self._path = path
        self._begin = begin
        self._perform = perform
        self._commit = commit
        self._busy_timeout = busy_timeout

    def transact(self, jobs: Sequence[Job]) -> list[Answer]:
        """Run them and commit; each job's own failure is its answer."""
        with translated(self._path):
            connection = self._begin()
            patiently(lambda: connection.execute("BEGIN IMMEDIATE"), self._busy_timeout)
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
