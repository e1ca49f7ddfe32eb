"""The SQLite driver: one writing thread, one reading thread, nothing on the event loop."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from usermemory.clock import Clock
from usermemory.errors import ForkedProcess, MemoryClosed, StoreBusy, StoreError
from usermemory.store.driver import Flow, Hook, run
from usermemory.store.sqlite.connection import connect, execute, prepared, translated
from usermemory.store.sqlite.migrate import migrate
from usermemory.store.sqlite.writer import Job, Writer

P = ParamSpec("P")
T = TypeVar("T")

_OPENING = 30.0
"""Seconds within which processes that start together have all migrated and opened."""


class SQLite:
    """A memory in one file, for one machine and any number of its processes.

    Args:
        path: The file; it may be shared with a checkpointer, on connections of its own.
        clock: What time it is.
        busy_timeout: Seconds to wait for another process's lock before `StoreBusy`.
    """

    def __init__(self, path: Path, clock: Clock, busy_timeout: float = 2.0) -> None:
        self.path = path.expanduser().absolute()
        self.url = f"sqlite:///{self.path}"
        self.hook: Hook | None = None
        self._clock = clock
        self._busy_timeout = busy_timeout
        self._gate = threading.Lock()
        self._process = 0
        self._closed = False
        self._file: tuple[int, int] | None = None
        self.idle: list[sqlite3.Connection] = []
        self.writing: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._reader: ThreadPoolExecutor | None = None

    def open(self) -> None:
        """Connect and migrate; a second call does nothing."""
        if self._writer is not None and not self._closed:
            self._check_process()
            return
        with self._gate:
            if self._closed:
                raise MemoryClosed("this memory was closed; build a new UserMemory to go on")
            if self._writer is None:
                self._connect()
                self._writer = Writer(self.path, self._begin, self._perform, self._commit)
                self._reader = ThreadPoolExecutor(1, thread_name_prefix="usermemory-reader")
                self._process = os.getpid()

    def close(self) -> None:
        """Commit what was queued and disconnect; a second call does nothing."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            if self._writer is None or self._reader is None or self._process != os.getpid():
                return
            self._writer.close()
            self._reader.shutdown()
            self._disconnect()

    def write(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow in a transaction and return after it is durable."""
        answer: T = self._submit(partial(flow, *args, **kwargs), flow.__name__).result()
        return answer

    async def awrite(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same without blocking the event loop."""
        future = await self._opened(
            lambda: self._submit(partial(flow, *args, **kwargs), flow.__name__)
        )
        # Shielded: a cancelled caller must not cancel what others are committed with.
        answer: T = await asyncio.shield(asyncio.wrap_future(future))
        return answer

    def read(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow that only reads, in the caller's thread."""
        self.open()
        with translated(self.path), self._borrowed() as connection:
            return run(
                flow(*args, **kwargs),
                lambda name, parameters: self._execute(connection, name, parameters),
                flow.__name__,
                self.hook,
            )

    async def aread(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in the reading thread."""
        reader = await self._opened(lambda: self._reader)
        if reader is None or self._closed:
            raise MemoryClosed("this memory was closed; build a new UserMemory to go on")
        return await asyncio.get_running_loop().run_in_executor(
            reader, partial(self.read, flow, *args, **kwargs)
        )

    async def _opened(self, then: Callable[[], T]) -> T:
        """Open off the event loop the first time, then go on."""
        if self._writer is None or self._closed:
            await asyncio.to_thread(self.open)
        else:
            self._check_process()
        return then()

    def _submit(self, start: Callable[[], Flow[Any]], name: str) -> Future[Any]:
        self.open()
        if self._writer is None:  # pragma: no cover - open() has set it
            raise MemoryClosed("this memory is not open")
        return self._writer.submit(Job(name, start))

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise ForkedProcess(
                f"this memory was opened in process {self._process} and is used in its fork "
                f"{os.getpid()}; SQLite connections do not survive a fork: build the UserMemory, "
                "or use it for the first time, after forking"
            )

    def _connect(self) -> None:
        """Open the writing connection and bring the tables up to date."""
        patient = Retrying(
            retry=retry_if_exception_type(StoreBusy),
            stop=stop_after_delay(_OPENING),
            wait=wait_random(0.01, 0.1),
            reraise=True,
        )
        self.writing = patient(self._connect_once)
        self._file = self._identity()

    def _connect_once(self) -> sqlite3.Connection:
        connection = connect(self.path, self._busy_timeout)
        try:
            migrate(connection, self.path, self._clock.now())
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        for connection in [*self.idle, *([self.writing] if self.writing else [])]:
            connection.close()
        self.idle, self.writing = [], None

    def _identity(self) -> tuple[int, int]:
        try:
            status = self.path.stat()
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
                self._connect()
        if self.writing is None:  # pragma: no cover - _connect() has set it
            raise StoreError(f"the database {self.path} is not open")
        return self.writing

    @contextmanager
    def _borrowed(self) -> Generator[sqlite3.Connection]:
        """A reading connection from the idle ones, or a new one."""
        file = self._file
        if self._identity() != file:
            raise StoreError(f"the database {self.path} was replaced; waiting for the next write")
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = connect(self.path, self._busy_timeout, query_only=True)
        try:
            yield connection
        finally:
            if self._closed or self._file != file:
                connection.close()
            else:
                self.idle.append(connection)

    def _perform(self, connection: sqlite3.Connection, job: Job) -> Any:
        with translated(self.path):
            return run(
                job.start(),
                lambda name, parameters: self._execute(connection, name, parameters),
                job.flow,
                self.hook,
            )

    def _execute(self, connection: sqlite3.Connection, name: str, parameters: Any) -> Any:
        return execute(connection, prepared()[name], {**parameters, "now": self._clock.now()})

    def _commit(self, connection: sqlite3.Connection) -> None:
        if self.hook:
            self.hook("before", "", "commit")
        connection.execute("COMMIT")
        if self.hook:
            self.hook("after", "", "commit")
