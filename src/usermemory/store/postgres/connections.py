"""Connections that wait for work.

Not psycopg's pool: while a server is down, that one lets a caller wait for its whole time-out and
then does not say why; a chat must be told at once, and what is wrong. This one connects in the
caller's thread, so that a refusal is an error in the moment it happens.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from usermemory.errors import StoreBusy
from usermemory.store.postgres.address import Address
from usermemory.store.postgres.slots import Slots

Connection = psycopg.Connection[DictRow]


def connect(address: Address) -> Connection:
    """A connection without any state of a session, as a pooler of transactions needs it.

    Raises:
        psycopg.OperationalError: There is no connection to be had.
    """
    return psycopg.Connection[DictRow].connect(
        address.conninfo, autocommit=True, prepare_threshold=None, row_factory=dict_row
    )


class Connections:
    """At most so many connections to one database, the last used first.

    Args:
        address: Where.
        limit: How many at a time.
        patience: Seconds to wait for a free one before `StoreBusy`.
    """

    def __init__(self, address: Address, limit: int, patience: float) -> None:
        self._address = address
        self._limit = limit
        self._patience = patience
        self._slots = Slots(limit)
        self._idle: list[Connection] = []
        self._closed = False

    @contextmanager
    def borrowed(self) -> Generator[Connection]:
        """A connection for one transaction; one that breaks is not used again."""
        if not self._slots.acquire(self._patience):
            raise StoreBusy(
                f"all {self._limit} connections to {self._address.name} are in use; try again"
            )
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                self._put(connection)
        finally:
            self._slots.release()

    def close(self) -> None:
        """Disconnect; what is in use is disconnected when it is given back."""
        self._closed = True
        self._drop_idle()

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return connect(self._address)

    def _put(self, connection: Connection) -> None:
        if connection.closed:
            # The server has gone or was restarted: the others are as dead as this one.
            self._drop_idle()
        elif self._closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        else:
            self._idle.append(connection)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
