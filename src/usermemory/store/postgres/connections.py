"""Connections to PostgreSQL: how many, lent to whom, one that listens, and their transactions."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row

from usermemory.errors import StoreBusy, StoreError
from usermemory.store.postgres.dialect import (
    FULL,
    Address,
    learn_refusal,
    postgres_errors,
    state_and_words,
)


class Slots:
    """So many places; whoever has waited longest gets the next one.

    Not a semaphore of `threading`: there, who gives a place back and wants it again at once takes
    it before a waiter has woken up. With 16 busy callers for 8 places some waited for seconds.

    Args:
        limit: How many places.
    """

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._free = limit
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def acquire(self, timeout: float) -> bool:
        """Take a place, or wait for one for at most so many seconds; whether there was one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=timeout):
            return True
        with self._lock:
            if called in self._waiting:
                self._waiting.remove(called)
                return False
        return True  # It was handed to us at the last moment.

    def release(self) -> None:
        """Give the place to whoever has waited longest, or back."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


Connection = psycopg.Connection[DictRow]

_IN_A_TURN = 0.6
"""Seconds that a turn of a chat waits for somebody else's lock, once."""

_KNOWN_LOCKED = 0.05
"""Seconds that it waits again while the lock is known to be held: a commit is over by then."""

_KNOWN_FOR = 60.0
"""Seconds after which a lock is no longer known to be held."""

_KNOWN_AT_MOST = 1_000
"""Users of whom it is known; the first ones are forgotten."""


class UserPatience:
    """How long to wait for somebody else's lock.

    A turn of a chat comes here several times, and waits in all no longer than once: after one wait
    in vain the user counts as locked, until a lock was had or a minute has passed.

    Args:
        seconds: How long to wait for what is worth waiting for, such as the end of a model's work.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._locked: dict[str, float] = {}

    def is_known(self, user_id: str) -> bool:
        """Whether somebody has waited for this user in vain."""
        locked_at = self._locked.get(user_id)
        return locked_at is not None and time.monotonic() - locked_at < _KNOWN_FOR

    def in_a_turn(self, user_id: str) -> float:
        """Seconds that somebody who talks with the bot is kept waiting."""
        return min(self.seconds, _KNOWN_LOCKED if self.is_known(user_id) else _IN_A_TURN)

    def was_in_vain(self, user_id: str) -> None:
        """The lock was held all the time."""
        self._locked[user_id] = time.monotonic()
        if len(self._locked) > _KNOWN_AT_MOST:
            with suppress(KeyError, RuntimeError):  # where another thread did it
                del self._locked[next(iter(self._locked))]

    def was_rewarded(self, user_id: str) -> None:
        """The lock was had."""
        if self._locked:
            self._locked.pop(user_id, None)


_PAUSE = 0.05
"""Seconds between attempts to connect to a server that has no connection left."""

_refusing: set[str] = set()
"""Where a pooler takes no settings at the start of a connection."""


def takes_settings(address: Address) -> bool:
    """Whether a connection has a limit for locks from its start."""
    return address.conninfo not in _refusing


def limited_conninfo(address: Address, lock_timeout: float) -> str:
    """What libpq connects with, where no statement waits longer for a lock than so many seconds.

    Set at the start it costs no round trip, and is no state of a session that a pooler would lend
    to others. What the URL says wins.
    """
    if not takes_settings(address):
        return address.conninfo
    given = conninfo_to_dict(address.conninfo).get("options") or os.environ.get("PGOPTIONS", "")
    options = f"-c lock_timeout={int(lock_timeout * 1_000)} {given}".strip()
    return make_conninfo(address.conninfo, options=options)


def connect_to(address: Address, lock_timeout: float = _IN_A_TURN) -> Connection:
    """A connection without any state of a session, as a pooler of transactions needs it.

    Args:
        address: Where.
        lock_timeout: Seconds that a statement waits for a lock, unless its transaction says else.

    Raises:
        psycopg.OperationalError: There is no connection to be had.
    """

    def connected(conninfo: str) -> Connection:
        return psycopg.Connection[DictRow].connect(
            conninfo, autocommit=True, prepare_threshold=None, row_factory=dict_row
        )

    try:
        return connected(limited_conninfo(address, lock_timeout))
    except psycopg.OperationalError as error:
        learn_refusal(error, address.conninfo)
        if "unsupported startup parameter" not in str(error) or not takes_settings(address):
            raise
        _refusing.add(address.conninfo)
    return connected(address.conninfo)


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
        self._full = UserPatience(patience)
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
            connection = self.take()
            try:
                yield connection
            finally:
                self._put(connection)
        finally:
            self._slots.release()

    def take(self) -> Connection:
        """One that is idle, or new; where a server has none left it waits, as for a lock."""
        end = time.monotonic() + self._full.in_a_turn("")
        while True:
            with suppress(IndexError):
                return self._idle.pop()
            try:
                connection = connect_to(self._address)
            except psycopg.OperationalError as error:
                if state_and_words(error)[0] != FULL:
                    raise
                if time.monotonic() > end:
                    self._full.was_in_vain("")
                    raise
                threading.Event().wait(_PAUSE)
            else:
                self._full.was_rewarded("")
                return connection

    def close(self) -> None:
        """Disconnect; what is in use is disconnected when it is given back."""
        self._closed = True
        self._drop_idle()

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


logger = logging.getLogger("usermemory")

_RETRY = 5.0
"""Seconds between attempts to connect."""

_LISTENED = 1.0
"""Seconds after which it is noticed that we were stopped."""


class Listener:
    """A thread with a connection of its own, which does nothing but LISTEN.

    Behind a pooler of transactions nothing is heard: point workers at the server itself, or leave
    it to their polling.

    Args:
        address: The database; the channel is named like the schema.
        heard: Called after each notification, and whenever some may have been missed.
    """

    def __init__(self, address: Address, heard: Callable[[], object]) -> None:
        self._address = address
        self._heard = heard
        self._stopped = threading.Event()
        threading.Thread(target=self._listen, name="usermemory-listener", daemon=True).start()

    def stop(self) -> None:
        """Stop listening; the connection is closed within a second."""
        self._stopped.set()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen_once()
            except psycopg.Error as error:
                logger.debug("not listening to %s: %s", self._address.name, error)
                self._stopped.wait(_RETRY)

    def _listen_once(self) -> None:
        with connect_to(self._address) as connection:
            connection.execute(f'LISTEN "{self._address.schema}"'.encode())
            self._heard()
            while not self._stopped.is_set():
                for _ in connection.notifies(timeout=_LISTENED, stop_after=1):
                    self._heard()


LOCK_LIMIT = b"SELECT set_config('lock_timeout', %s, true)"


@contextmanager
def limited(connection: Connection, seconds: float) -> Generator[None]:
    """A transaction whose statements wait no longer for somebody else's lock; for reading.

    Args:
        connection: Idle.
        seconds: How long.
    """
    with (
        connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext(),
        connection.transaction(),
    ):
        connection.execute(LOCK_LIMIT, [f"{int(seconds * 1_000)}ms"])
        yield


_LIMITS = """SELECT set_config('lock_timeout', %s, true),
    set_config('idle_in_transaction_session_timeout', '10s', true),
    CAST(pg_current_xact_id() AS TEXT) AS number"""
"""Gone with the transaction. The second limit frees the user's row when the host of a worker
disappears in the middle: the server would wait for hours."""

_STATUS = b"SELECT pg_xact_status(CAST(CAST(%s AS TEXT) AS xid8)) AS status"

_IN_DOUBT = 5.0
"""Seconds that a transaction may take to end after its connection was lost."""

_DOUBT_PAUSE = 0.05
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
        with connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext():
            # Whatever the database's default: our statements lock the rows they need, and a
            # stricter level would fail where two wait for one.
            connection.execute(b"BEGIN ISOLATION LEVEL READ COMMITTED")
            begun = connection.execute(_LIMITS, [f"{int(patience * 1_000)}ms"])
            yield
            (row,) = begun
            number = row["number"]
            connection.execute(b"COMMIT")
    except BaseException as error:
        lost_at_commit = isinstance(error, psycopg.Error) and connection.closed
        if number is not None and lost_at_commit and _committed(address, number):
            return
        with suppress(psycopg.Error):
            connection.rollback()
        raise


def _committed(address: Address, number: str) -> bool:
    """Whether the transaction with this number was committed, though nobody told us."""
    end = time.monotonic() + _IN_DOUBT
    with postgres_errors(address.name), connect_to(address) as connection:
        while True:
            (row,) = connection.execute(_STATUS, [number])
            status: str | None = row["status"]
            if status != "in progress" or time.monotonic() > end:
                break
            threading.Event().wait(_DOUBT_PAUSE)
    if status not in {"committed", "aborted"}:
        raise StoreError(
            f"the connection to {address.name} was lost while committing, and nobody can say "
            "whether it was stored; calling again is safe"
        )
    return status == "committed"
