"""LangGraph's own savers, on the memory's database: threads and users in one file.

A saver has a connection of its own, with the memory's durability. Sharing one connection with the
memory would make a good part of concurrent operations fail.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import aiosqlite
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from usermemory.errors import ConfigurationError
from usermemory.store.sqlite import SQLite
from usermemory.store.sqlite.connection import connect

if TYPE_CHECKING:
    import sqlite3
    from types import TracebackType

    from usermemory.memory import UserMemory

_BUSY_TIMEOUT = 10.0
"""Seconds that a checkpoint waits for the memory's commits before it fails the turn."""


class Saver(SqliteSaver):
    """A saver for sync graphs: closed by ``close()``, or used with ``with``."""

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        self.conn.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncSaver(AsyncSqliteSaver):
    """A saver for async graphs: closed by ``aclose()``, or used with ``async with``."""

    async def aclose(self) -> None:
        """Disconnect; threads that ran are kept."""
        await self.conn.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def checkpointer(memory: UserMemory) -> Saver:
    """A saver on the memory's database, for sync graphs.

    It is connected at once and stays so until it is closed: ``with checkpointer(memory) as saver``,
    or once at module level for the life of the program.

    Raises:
        StoreError: The database cannot be opened.
        ConfigurationError: The memory's database is none that a saver of ours knows.
    """
    return Saver(_connect(_file_of(memory)))


async def acheckpointer(memory: UserMemory) -> AsyncSaver:
    """A saver on the memory's database, for async graphs of the running event loop.

    Close it before the program ends: ``async with await acheckpointer(memory) as saver``.

    Raises:
        StoreError: The database cannot be opened.
        ConfigurationError: The memory's database is none that a saver of ours knows.
    """
    file = await asyncio.to_thread(_file_of, memory)
    return AsyncSaver(await aiosqlite.Connection(lambda: _connect(file), iter_chunk_size=64))


def _file_of(memory: UserMemory) -> SQLite:
    """The memory's driver, once its file is known to be there and ours."""
    if not isinstance(memory.driver, SQLite):
        raise ConfigurationError(
            "this memory is not in an SQLite file; build a saver of LangGraph for its database"
        )
    memory.open()
    return memory.driver


def _connect(file: SQLite) -> sqlite3.Connection:
    connection = connect(file.path, _BUSY_TIMEOUT)
    # As the savers expect it: transactions begin by themselves and rows are tuples.
    connection.isolation_level = "DEFERRED"
    connection.row_factory = None
    return connection
