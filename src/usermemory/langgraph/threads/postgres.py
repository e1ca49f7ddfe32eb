"""LangGraph's tables in PostgreSQL, opened to be read."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.store.postgres import PostgresStore
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import ConnectionPool

from usermemory.errors import ConfigurationError, StoreError
from usermemory.store.elsewhere import TABLE_THERE, is_postgres
from usermemory.store.postgres.dialect import address_of, translated


def rows(saver: Any, statement: str) -> list[tuple[Any, ...]]:
    """All rows of a statement of ours, on the saver's own connection."""
    held: Any = saver.conn
    pooled = isinstance(held, ConnectionPool)
    borrowed: Any = saver.conn.connection() if pooled else nullcontext(held)
    with saver.lock, borrowed as connection, connection.cursor(row_factory=tuple_row) as cursor:
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
    settings: Any = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
    with translated(name), psycopg.connect(address.conninfo, **settings) as connection:
        connection.read_only = True
        found: Any = connection.execute(TABLE_THERE, [table]).fetchone()
        if not found or not found["found"]:
            raise StoreError(f"{name} is no database of that kind: it has no table {table}")
        yield connection
