"""The SQLite driver: one writing thread, one reading thread, nothing on the event loop."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usermemory.clock import Clock
from usermemory.errors import StoreBusy, StoreError
from usermemory.records import Place
from usermemory.store.driver import IN_A_TURN, OF_ONE_MOMENT, Driver, Flow, P, T, run
from usermemory.store.erased import sorted_places
from usermemory.store.sqlite.connection import (
    SETTINGS,
    Patience,
    busy,
    connect,
    done,
    look,
    migrate,
    patiently,
    pragmas_of,
    search,
    sqlite_errors,
    sqlite_statements,
    vacuum,
)
from usermemory.store.sqlite.lanes import FlowAnswer, Lane, QueuedFlow, deliver

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

Identity = tuple[int, int]
Borrowed = tuple[sqlite3.Connection, Identity | None]

_MIGRATING = 30.0
"""Seconds that another process may take to bring an older file's tables up to date."""

_OPENING_WAIT = 0.05
"""Seconds that SQLite itself waits in each attempt to open."""


class SQLite(Driver):
    """A memory in one file, for one machine and any number of its processes.

    Args:
        path: The file; it may be shared with a checkpointer, on connections of its own.
        clock: What time it is.
        busy_timeout: Seconds to wait for another process's lock before `StoreBusy`.
    """

    def __init__(self, path: Path, clock: Clock, busy_timeout: float = 2.0) -> None:
        self.path = path.expanduser().absolute()
        self._name = str(self.path)
        self._errors = sqlite_errors(self.path)
        super().__init__(f"sqlite:///{self.path}")
        self._clock = clock
        self.patience = Patience(self.path, busy_timeout)
        self._file: Identity | None = None
        self.idle: list[sqlite3.Connection] = []
        self.writing: sqlite3.Connection | None = None
        self._reader = Lane("usermemory-reader", self._read_together)
        self._writer = Lane("usermemory-writer", self._write_together)

    def _start(self) -> None:
        self._connect()
        self._reader.start()
        self._writer.start()

    def _stop(self) -> None:
        self._writer.close()
        self._reader.close()
        self._disconnect()

    def write(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow in a transaction and return after it is durable."""
        self.open()
        future: Future[T] = Future()
        self._writer.submit(flow.__name__, flow(*args, **kwargs), future)
        return future.result()

    async def awrite(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same without blocking the event loop; it is done even if the caller is cancelled."""
        await self.aopen()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.submit(flow.__name__, flow(*args, **kwargs), future)
        return await future

    def read(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow that only reads, in the caller's thread."""
        self.open()
        reading = self._borrow()
        try:
            return self._perform(reading[0], flow.__name__, flow(*args, **kwargs))
        finally:
            self._give_back(reading)

    async def aread(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in the reading thread."""
        await self.aopen()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._reader.submit(flow.__name__, flow(*args, **kwargs), future)
        return await future

    def listen(self, heard: Callable[[], object]) -> Callable[[], None]:
        """SQLite tells nobody of another process's commit: workers look."""
        del heard
        return lambda: None

    def migrated(self) -> Mapping[int, int]:
        """The migrations that the tables have had; a file that is not there is not made."""
        if not self.path.parent.is_dir():
            raise StoreError(f"the database {self.path} cannot be made: its folder does not exist")
        if not self.path.exists():
            return {}
        with sqlite_errors(self.path), closing(look(self.path)) as connection:
            return done(connection)

    def clean(self) -> bool:
        """Write the file anew without what was deleted, and empty its log; False if busy."""
        self.open()
        return vacuum(self.path, self.patience.seconds)

    def doubts(self) -> Sequence[str]:
        """What of our settings this file does not take, and whether it is damaged."""
        with (
            sqlite_errors(self.path),
            closing(connect(self.path, self.patience.seconds, query_only=True)) as connection,
        ):
            found = pragmas_of(connection)
            checked = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
        damage = [] if checked == ["ok"] else [f"it is damaged ({'; '.join(checked)}): restore it"]
        return damage + [
            f"{name} is {found[name]!r}, not {wanted!r}: is it on a network file system?"
            for name, wanted in SETTINGS.items()
            if name in {"journal_mode", "synchronous"} and found[name] != wanted
        ]

    def search(
        self, user_id: str, texts: Sequence[str], spared: Sequence[str] = ()
    ) -> Sequence[Place]:
        """Every table of the file, and the bytes of the file and its log."""
        self.open()
        return sorted_places(search(self.path, self.patience.seconds, user_id, texts, spared))

    def _connect(self) -> sqlite3.Connection:
        """Open the writing connection and bring the tables up to date."""
        from tenacity import stop_after_delay

        began = time.monotonic()

        def enough(_: RetryCallState) -> bool:
            return self.patience.is_over(began)

        try:
            connection = _trying(enough)(connect, self.path, _OPENING_WAIT)
        except StoreBusy:
            self.patience.was_in_vain()
            raise
        try:
            older = _trying(enough)(self._has_tables, connection)
            patient = _trying(stop_after_delay(_MIGRATING) if older else enough)
            patient(migrate, connection, self.path, self._clock.now())
            connection.execute("PRAGMA busy_timeout = 0")  # the writer waits by itself
        except BaseException:
            connection.close()
            raise
        self.writing = connection
        self._file = self._identity()
        return connection

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        with sqlite_errors(self.path):
            return bool(done(connection))

    def _disconnect(self) -> None:
        for connection in [*self.idle, *([self.writing] if self.writing else [])]:
            connection.close()
        self.idle, self.writing = [], None

    def _identity(self) -> Identity:
        try:
            status = os.stat(self._name)  # noqa: PTH116 - on the way of every look-up
        except OSError as error:
            raise StoreError(
                f"the database {self.path} is gone; put it back, or restart to begin a new one"
            ) from error
        return status.st_dev, status.st_ino

    def _begin(self) -> sqlite3.Connection:
        """The writing connection, on the file that is there now.

        SQLite would go on writing into a file that was deleted or replaced, and lose it all.
        """
        if self.writing is None or self._identity() != self._file:
            with self._gate:
                self._disconnect()
                self._identity()
                return self._connect()
        return self.writing

    def _borrow(self) -> Borrowed:
        """A reading connection from the idle ones, or a new one, with the file that it reads."""
        file = self._file
        if self._identity() != file:
            raise StoreError(f"the database {self.path} was replaced; waiting for the next write")
        try:
            return self.idle.pop(), file
        except IndexError:
            return connect(self.path, self.patience.in_a_turn(), query_only=True), file

    def _give_back(self, reading: Borrowed) -> None:
        connection, file = reading
        if self._closed or self._file != file:
            connection.close()
        else:
            self.idle.append(connection)

    def _write_together(
        self, jobs: list[QueuedFlow], more: Callable[[], Sequence[QueuedFlow]]
    ) -> list[FlowAnswer]:
        """Run them and commit; each job's own failure is its answer.

        Args:
            jobs: Which; those that come while the file is locked are added.
            more: Gives those.
        """
        with self._errors:
            connection = self._begin()
            jobs = self._locked(connection, jobs, more)
            if not jobs:
                return []
            try:
                attempt = self._attempt_alone if len(jobs) == 1 else self._attempt_writing
                answers = [attempt(connection, job) for job in jobs]
                if connection.in_transaction:
                    self._tell_commit("before")
                    connection.execute("COMMIT")
                    self._tell_commit("after")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return answers

    def _locked(
        self,
        connection: sqlite3.Connection,
        jobs: list[QueuedFlow],
        more: Callable[[], Sequence[QueuedFlow]],
    ) -> list[QueuedFlow]:
        """Take the file's lock; the jobs that could wait so long. The others have their answer."""
        waiting = list(jobs)

        def nobody_waits() -> bool:
            came = more()
            jobs.extend(came)
            waiting.extend(came)
            for job in list(waiting):
                if self.patience.is_over(job.since, in_a_turn=job.name in IN_A_TURN):
                    waiting.remove(job)
                    deliver([(job, None, busy(self.path))])
            return not waiting

        try:
            patiently(lambda: connection.execute("BEGIN IMMEDIATE"), 0.0, enough=nobody_waits)
        except sqlite3.OperationalError:
            if waiting:
                raise
            self.patience.was_in_vain()
        else:
            self.patience.was_rewarded()
        return waiting

    def _attempt_alone(self, connection: sqlite3.Connection, job: QueuedFlow) -> FlowAnswer:
        """Run one flow that has the transaction for itself: its failure ends that."""
        try:
            return job, self._perform(connection, job.name, job.flow), None
        except BaseException as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK")
            return job, None, error

    def _attempt_writing(self, connection: sqlite3.Connection, job: QueuedFlow) -> FlowAnswer:
        """Run one flow in a savepoint: its failure undoes its own work only."""
        connection.execute("SAVEPOINT flow")
        try:
            value = self._perform(connection, job.name, job.flow)
        except BaseException as error:
            if not connection.in_transaction:
                # A full disk makes SQLite roll back the whole transaction: nobody's work is there.
                raise
            connection.execute("ROLLBACK TO flow")
            connection.execute("RELEASE flow")
            return job, None, error
        connection.execute("RELEASE flow")
        return job, value, None

    def _read_together(
        self, jobs: list[QueuedFlow], _: Callable[[], Sequence[QueuedFlow]]
    ) -> list[FlowAnswer]:
        """Run flows that only read; each one's failure is its answer."""
        reading = self._borrow()
        connection = reading[0]
        try:
            if len(jobs) == 1:
                return [self._attempt(connection, jobs[0])]
            with sqlite_errors(self.path):
                # Together they read of one moment, and locks are taken once.
                connection.execute("BEGIN")
                try:
                    return [self._attempt(connection, job) for job in jobs]
                finally:
                    connection.execute("COMMIT")
        finally:
            self._give_back(reading)

    def _attempt(self, connection: sqlite3.Connection, job: QueuedFlow) -> FlowAnswer:
        try:
            return job, self._perform(connection, job.name, job.flow), None
        except Exception as error:  # noqa: BLE001 - the caller gets it
            return job, None, error

    def _perform(self, connection: sqlite3.Connection, name: str, flow: Flow[T]) -> T:
        with self._errors:
            execute = partial(self._execute, connection)
            if name not in OF_ONE_MOMENT or connection.in_transaction:
                return run(flow, execute, name, self.hook)
            connection.execute("BEGIN")
            try:
                return run(flow, execute, name, self.hook)
            finally:
                connection.execute("ROLLBACK")  # it only reads

    def _execute(self, connection: sqlite3.Connection, name: str, parameters: Any) -> Any:
        given = {**parameters, "now": self._clock.now()}
        return connection.execute(sqlite_statements()[name], given).fetchall()


def _trying(enough: Callable[[RetryCallState], bool]) -> Retrying:
    """Try again until it is enough, if somebody else has the file."""
    from tenacity import Retrying, retry_if_exception_type, wait_random_exponential

    return Retrying(
        retry=retry_if_exception_type(StoreBusy),
        stop=enough,
        # To look costs as much as to open: dozens that look often keep each other from it.
        wait=wait_random_exponential(multiplier=0.02, max=0.1),
        reraise=True,
    )
