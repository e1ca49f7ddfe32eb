"""One transaction: begun with its limits, and never in doubt about its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import psycopg
from psycopg.rows import DictRow

from usermemory.errors import StoreError
from usermemory.store.postgres.connections import Connection, connect
from usermemory.store.postgres.dialect import Address, translated

_LIMITS = """SELECT set_config('lock_timeout', %s, true),
    set_config('idle_in_transaction_session_timeout', '10s', true),
    CAST(pg_current_xact_id() AS TEXT) AS number"""
"""Gone with the transaction. The second limit frees the user's row when the host of a worker
disappears in the middle: the server would wait for hours."""

_IN_DOUBT = 5.0
"""Seconds that a transaction may take to end after its connection was lost."""

_LOOK_AGAIN = 0.05
"""Seconds between looks at a transaction in doubt."""


@contextmanager
def transaction(connection: Connection, address: Address, patience: float) -> Generator[None]:
    """A transaction, durable when the block is left without an error.

    Its statements are sent without waiting for each other (libpq's pipeline mode, from version 14
    on): a round trip ends where somebody looks at rows, and with COMMIT.

    Args:
        connection: Idle.
        address: Where to ask what became of it, should the connection be lost at COMMIT.
        patience: Seconds that a statement waits for somebody else's lock.

    Raises:
        psycopg.Error: Nothing was stored.
        StoreError: The database was lost at COMMIT, and nobody can say.
    """
    number: str | None = None
    try:
        with _pipeline(connection):
            connection.execute(b"BEGIN")
            begun = connection.execute(_LIMITS, [f"{int(patience * 1_000)}ms"])
            yield
            number = _number(begun)
            connection.execute(b"COMMIT")
    except BaseException as error:
        lost_at_commit = isinstance(error, psycopg.Error) and connection.closed
        if number is not None and lost_at_commit and _committed(address, number):
            return
        with suppress(psycopg.Error):
            connection.rollback()
        raise


def _pipeline(connection: Connection) -> AbstractContextManager[object]:
    return connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext()


def _number(begun: psycopg.Cursor[DictRow]) -> str:
    (row,) = begun
    number: str = row["number"]
    return number


def _committed(address: Address, number: str) -> bool:
    """Whether the transaction with this number was committed, though nobody told us."""
    with translated(address.name), connect(address) as connection:
        end = time.monotonic() + _IN_DOUBT
        status = _status(connection, number)
        while status == "in progress" and time.monotonic() < end:
            threading.Event().wait(_LOOK_AGAIN)
            status = _status(connection, number)
    if status not in {"committed", "aborted"}:
        raise StoreError(
            f"the connection to {address.name} was lost while committing, and nobody can say "
            "whether it was stored; calling again is safe"
        )
    return status == "committed"


def _status(connection: Connection, number: str) -> str | None:
    query = b"SELECT pg_xact_status(CAST(CAST(%s AS TEXT) AS xid8)) AS status"
    (row,) = connection.execute(query, [number])
    status: str | None = row["status"]
    return status
