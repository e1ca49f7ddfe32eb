"""LangGraph's own savers, on the memory's database: threads and users in one place.

A saver has a connection of its own, with the memory's durability. Sharing one connection with the
memory would make a good part of concurrent operations fail.
"""

# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar
from weakref import WeakKeyDictionary

import aiosqlite
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from usermemory.errors import ConfigurationError
from usermemory.store.sqlite import SQLite
from usermemory.store.sqlite.connection import busy, connect, is_busy, patiently

if TYPE_CHECKING:
    from collections.abc import Callable

    from usermemory.langgraph.postgres import AsyncPooledSaver, PooledSaver
    from usermemory.memory import UserMemory

_BUSY_TIMEOUT = 10.0
"""Seconds that a checkpoint waits for the memory's commits before it fails the turn."""

_KNOWN_LOCKED = 0.1
_KNOWN_FOR = 60.0
"""Seconds for which a file counts as locked, and how long a checkpoint then waits."""

T = TypeVar("T")


class ForSyncGraphs:
    """A saver that says, where it is awaited, which one to use: LangGraph names one not ours."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            "this saver is for sync graphs: for a graph that is awaited make it by "
            "`await acheckpointer(memory)`"
        )

    async def aget(self, *args: Any, **kwargs: Any) -> Any:
        """Not for this saver."""
        self._refuse(*args, **kwargs)

    aget_tuple = aput = aput_writes = adelete_thread = aget

    def alist(self, *args: Any, **kwargs: Any) -> Any:
        """Not for this saver."""
        self._refuse(*args, **kwargs)

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class ForAsyncGraphs:
    """What a saver for async graphs is besides: open until its ``async with`` ends."""

    async def aclose(self) -> None:
        """Disconnect; threads that ran are kept."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()


class Saver(ForSyncGraphs, SqliteSaver):
    """A saver for sync graphs: closed by ``close()``, or used with ``with``."""

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        self.conn.close()


class AsyncSaver(ForAsyncGraphs, AsyncSqliteSaver):
    """A saver for async graphs: closed by ``aclose()``, or used with ``async with``.

    Its connection has a thread of its own, which any event loop may ask, one after the other too.
    """

    _locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]

    @property
    def lock(self) -> asyncio.Lock:
        """The lock of the running event loop."""
        running = asyncio.get_running_loop()
        if self.loop.is_closed():
            self.loop = running
        return self._locks.setdefault(running, asyncio.Lock())

    @lock.setter
    def lock(self, first: asyncio.Lock) -> None:
        self._locks = WeakKeyDictionary({asyncio.get_running_loop(): first})

    async def aclose(self) -> None:
        """Disconnect; threads that ran are kept."""
        await self.conn.close()


def checkpointer(memory: UserMemory) -> Saver | PooledSaver:
    """A saver on the memory's database, for sync graphs.

    It is connected at once and stays so until it is closed: ``with checkpointer(memory) as saver``,
    or once at module level for the life of the program.

    Raises:
        StoreError: The database cannot be opened.
        ConfigurationError: A package is missing.
    """
    memory.open()
    if isinstance(memory.driver, SQLite):
        return Saver(_connect(memory.driver))
    saver: PooledSaver = _postgres_savers().PooledSaver(memory.driver)
    return saver


async def acheckpointer(memory: UserMemory) -> AsyncSaver | AsyncPooledSaver:
    """A saver on the memory's database, for async graphs of the running event loop.

    Close it before the program ends: ``async with await acheckpointer(memory) as saver``.

    Raises:
        StoreError: The database cannot be opened.
        ConfigurationError: A package is missing.
    """
    await asyncio.to_thread(memory.open)
    file = memory.driver
    if isinstance(file, SQLite):
        connection = _AsyncConnection(lambda: _connect(file), iter_chunk_size=64)
        _end_with_the_program(connection)
        return AsyncSaver(await connection)
    saver: AsyncPooledSaver = await _postgres_savers().AsyncPooledSaver(file).open()
    return saver


class _AsyncConnection(aiosqlite.Connection):
    """Ends without a word to the event loop where nobody closes it.

    That loop may be closed before the connection's thread answers, which would fail there.
    """

    def __del__(self) -> None:
        end: Callable[[], None] = super().__del__
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            end()
            return
        ending = threading.Thread(target=end, name="usermemory-closing", daemon=True)
        ending.start()
        ending.join()


def _end_with_the_program(connection: aiosqlite.Connection) -> None:
    """Let the program end where nobody closes the saver, after an exception say.

    A checkpoint is on the disk when it is put: nothing is lost with the thread.
    """
    thread = getattr(connection, "_thread", connection)  # the connection itself before 0.22
    if isinstance(thread, threading.Thread):
        thread.daemon = True


def _postgres_savers() -> Any:
    try:
        from usermemory.langgraph import postgres
    except ImportError as error:
        raise ConfigurationError(
            f"a saver on PostgreSQL needs a package that is missing ({error}): pip install "
            "'usermemory[postgres]'"
        ) from error
    return postgres


class _PatientCursor(sqlite3.Cursor):
    if TYPE_CHECKING:

        @property
        def connection(self) -> _PatientConnection:
            """Which made it."""
            ...

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        run = super().execute
        return self.connection.patiently(lambda: run(sql, parameters))

    def executemany(self, sql: str, parameters: Any) -> Self:
        run, rows = super().executemany, list(parameters)
        return self.connection.patiently(lambda: run(sql, rows))


class _PatientConnection(sqlite3.Connection):
    """Waits for the memory's commits as the memory waits for those of the saver.

    A turn saves several times; where one wait was in vain, the next ones are short.
    """

    _in_vain_at: float | None = None

    def patiently(self, run: Callable[[], T]) -> T:
        """Run a statement as soon as the file's lock is free.

        Raises:
            StoreBusy: Another program has held it all the time; the checkpoint is not saved.
        """
        before = self.total_changes
        locked = self._in_vain_at is not None and monotonic() - self._in_vain_at < _KNOWN_FOR
        try:
            done = patiently(run, _KNOWN_LOCKED if locked else _BUSY_TIMEOUT)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self._in_vain_at = monotonic()
            (_, _, path) = super().execute("PRAGMA database_list").fetchone()
            raise busy(Path(path)) from error
        if self.total_changes > before:  # to read takes no lock
            self._in_vain_at = None
        return done

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or _PatientCursor)

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        return _PatientCursor(self).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> sqlite3.Cursor:
        return _PatientCursor(self).executemany(sql, parameters)

    def executescript(self, script: str) -> sqlite3.Cursor:
        # Half a script cannot be run again: here SQLite's own wait has to do.
        super().execute(f"PRAGMA busy_timeout = {int(_BUSY_TIMEOUT * 1_000)}")
        try:
            return super().executescript(script)
        finally:
            super().execute("PRAGMA busy_timeout = 0")


def _connect(file: SQLite) -> sqlite3.Connection:
    connection = connect(file.path, _BUSY_TIMEOUT, kind=_PatientConnection)
    connection.execute("PRAGMA busy_timeout = 0")
    # As the savers expect it: transactions begin by themselves and rows are tuples.
    connection.isolation_level = "DEFERRED"
    connection.row_factory = None
    return connection
