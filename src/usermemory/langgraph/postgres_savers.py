"""LangGraph's savers for PostgreSQL, each with a pool of its own, on the memory's database.

The tables of threads are where LangGraph puts them, in the first schema of the search path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from usermemory.langgraph.savers import ForSyncGraphs
from usermemory.store.postgres.dialect import translated

if TYPE_CHECKING:
    from types import TracebackType

    from usermemory.store.postgres import PostgreSQL

_SIZE = 8
"""Connections of a saver at most."""


def _settings(driver: PostgreSQL) -> dict[str, Any]:
    # Without prepared statements, so that a pooler of transactions may stand in between.
    kwargs = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
    return {
        "conninfo": driver.address.conninfo,
        "kwargs": kwargs,
        "min_size": 1,
        "max_size": _SIZE,
        "open": False,
    }


class PooledSaver(ForSyncGraphs, PostgresSaver):
    """A saver for sync graphs: closed by ``close()``, or used with ``with``."""

    def __init__(self, driver: PostgreSQL) -> None:
        check = ConnectionPool.check_connection
        self.pool: ConnectionPool[Any] = ConnectionPool(**_settings(driver), check=check)
        super().__init__(self.pool)
        with translated(driver.url):
            try:
                self.pool.open(wait=True)
                self.setup()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncPooledSaver(AsyncPostgresSaver):
    """A saver for async graphs: closed by ``aclose()``, or used with ``async with``."""

    def __init__(self, driver: PostgreSQL) -> None:
        self._name = driver.url
        check = AsyncConnectionPool.check_connection
        self.pool: AsyncConnectionPool[Any] = AsyncConnectionPool(**_settings(driver), check=check)
        super().__init__(self.pool)

    async def open(self) -> Self:
        """Connect and make the tables."""
        with translated(self._name):
            try:
                await self.pool.open(wait=True)
                await self.setup()
            except BaseException:
                await self.aclose()
                raise
        return self

    async def aclose(self) -> None:
        """Disconnect; threads that ran are kept."""
        await self.pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
