"""LangGraph's savers and tables in PostgreSQL: imported where such a database is in use."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Self

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.postgres import PostgresStore
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from usermemory.errors import ConfigurationError, StoreError
from usermemory.langgraph.savers import ForAsyncGraphs, ForSyncGraphs
from usermemory.store.elsewhere import TABLE_THERE, is_postgres
from usermemory.store.postgres.connections import limited_conninfo
from usermemory.store.postgres.dialect import address_of, postgres_errors

if TYPE_CHECKING:
    from usermemory.store.postgres import PostgreSQL


_SIZE = 8
"""Connections of a saver at most."""


_LOCKED = 1.0
"""Seconds that a checkpoint waits for somebody else's lock before it fails the turn."""

_AWAY = 3.0
"""Seconds that a turn waits for a connection; the memory, which does without, fails at once."""

_RECONNECTING = 2.0
"""Seconds for which the pool tries again by itself, less and less often: then whoever asks does."""

_STARTING = 10.0
_SETUP = 30.0
"""Seconds for the first connection, and for a lock that LangGraph's tables need."""

# Without prepared statements, so that a pooler of transactions may stand in between.
_KWARGS: dict[str, Any] = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}


def _settings(driver: PostgreSQL) -> dict[str, Any]:
    return {
        "conninfo": limited_conninfo(driver.address, _LOCKED),
        "kwargs": _KWARGS,
        "min_size": 1,
        "max_size": _SIZE,
        "open": False,
        "timeout": _AWAY,
        "reconnect_timeout": _RECONNECTING,
    }


class PooledSaver(ForSyncGraphs, PostgresSaver):
    """A saver for sync graphs: closed by ``close()``, or used with ``with``."""

    def __init__(self, driver: PostgreSQL) -> None:
        self.name = driver.url
        check = ConnectionPool.check_connection
        self.pool: ConnectionPool[Any] = ConnectionPool(**_settings(driver), check=check)
        super().__init__(self.pool)
        with postgres_errors(driver.url):
            try:
                self.pool.open(wait=True, timeout=_STARTING)
                patient = limited_conninfo(driver.address, _SETUP)
                connected: Any = psycopg.connect(patient, **_KWARGS)
                with connected as connection:
                    PostgresSaver(connection).setup()
            except BaseException:
                self.close()
                raise

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Generator[Any]:
        with postgres_errors(self.name), super()._cursor(pipeline=pipeline) as cursor:
            yield cursor

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        self.pool.close()


class AsyncPooledSaver(ForAsyncGraphs, AsyncPostgresSaver):
    """A saver for async graphs: closed by ``aclose()``, or used with ``async with``."""

    def __init__(self, driver: PostgreSQL) -> None:
        self.name = driver.url
        self._patient = limited_conninfo(driver.address, _SETUP)
        check = AsyncConnectionPool.check_connection
        self.pool: AsyncConnectionPool[Any] = AsyncConnectionPool(**_settings(driver), check=check)
        super().__init__(self.pool)

    async def open(self) -> Self:
        """Connect and make the tables."""
        with postgres_errors(self.name):
            try:
                await self.pool.open(wait=True, timeout=_STARTING)
                connected: Any = psycopg.AsyncConnection.connect(self._patient, **_KWARGS)
                async with await connected as connection:
                    await AsyncPostgresSaver(connection).setup()
            except BaseException:
                await self.aclose()
                raise
        return self

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncGenerator[Any]:
        if asyncio.get_running_loop() is not self.loop:  # its pool's tasks run there, or nowhere
            raise ConfigurationError(
                "this saver belongs to another event loop: make one in each loop that runs a "
                "graph, by `async with await acheckpointer(memory) as saver`"
            )
        with postgres_errors(self.name):
            async with super()._cursor(pipeline=pipeline) as cursor:
                yield cursor

    async def aclose(self) -> None:
        """Disconnect; threads that ran are kept."""
        await self.pool.close()


def rows(saver: Any, statement: str) -> list[tuple[Any, ...]]:
    """All rows of a statement of ours, on the saver's own connection."""
    held: Any = saver.conn
    pooled = isinstance(held, ConnectionPool)
    borrowed: Any = saver.conn.connection() if pooled else nullcontext(held)
    with (
        postgres_errors(getattr(saver, "name", "of the threads")),
        saver.lock,
        borrowed as connection,
        connection.cursor(row_factory=tuple_row) as cursor,
    ):
        found: list[tuple[Any, ...]] = cursor.execute(statement.encode()).fetchall()
        return found


@contextmanager
def saver_at(url: str) -> Generator[PostgresSaver]:
    """The checkpointer in the database of this URL."""
    with _connected(url, "checkpoints") as connection:
        yield PostgresSaver(connection)


@contextmanager
def store_at(url: str) -> Generator[PostgresStore]:
    """The store in the database of this URL."""
    with _connected(url, "store") as connection:
        yield PostgresStore(connection)


@contextmanager
def _connected(url: str, table: str) -> Generator[Any]:
    if not is_postgres(url):
        raise ConfigurationError(
            f"{url.partition('://')[0]}://… cannot be read: use a path, sqlite:///… or "
            "postgresql://…"
        )
    address = address_of(url)
    name = address.name.partition("?")[0]  # without a schema of ours, which has no part in it
    # As LangGraph's own connections, fit for a pooler of transactions.
    with postgres_errors(name), psycopg.connect(address.conninfo, **_KWARGS) as connection:
        connection.read_only = True
        found: Any = connection.execute(TABLE_THERE, [table]).fetchone()
        if not found or not found["found"]:
            raise StoreError(f"{name} is no database of that kind: it has no table {table}")
        yield connection
