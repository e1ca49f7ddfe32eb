"""The PostgreSQL driver: a few connections, one transaction per flow, tried again where it is safe.

Both colours use the same plain connections; an awaited verb waits for a thread of ours. An async
connection belongs to one event loop, and a memory is called from any number of them.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from usermemory.clock import Clock, SystemClock
from usermemory.errors import ForkedProcess, MemoryClosed, StoreError
from usermemory.records import Place
from usermemory.store.driver import Flow, Hook, Row, missing, oldest_code, run, tables
from usermemory.store.erased import Wanted, sorted_places
from usermemory.store.postgres.connections import (
    Connection,
    Connections,
    Listener,
    connect,
    transaction,
)
from usermemory.store.postgres.dialect import (
    SERVER_TIME,
    Address,
    Rows,
    address_of,
    passing,
    placed,
    prepared,
    translated,
)

P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS = 3

_DURABLE = b"""SELECT name FROM pg_settings WHERE setting = 'off'
    AND name IN ('fsync', 'full_page_writes', 'synchronous_commit')"""


class PostgreSQL:
    """A memory in one schema of a PostgreSQL database, for any number of machines.

    Args:
        url: As libpq takes it, and ``schema=…`` among its options.
        clock: What time it is; the system's own stands for the server's.
        connections: How many at most in this process.
        patience: Seconds to wait for a free one, or for a lock, before `StoreBusy`.
    """

    def __init__(self, url: str, clock: Clock, connections: int = 8, patience: float = 2.0) -> None:
        self.address = address_of(url)
        self.url = self.address.name
        self.hook: Hook | None = None
        self._clock = None if isinstance(clock, SystemClock) else clock
        self._statements = prepared(self.address.schema, server_clock=self._clock is None)
        self.connections = Connections(self.address, connections, patience)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="usermemory-postgres")
        self._patience = patience
        self._gate = threading.Lock()
        self._process = 0
        self._closed = False

    @property
    def opened(self) -> bool:
        """Whether it holds threads and connections."""
        return not self._closed and self._process == os.getpid()

    def open(self) -> None:
        """Connect and migrate; a second call does nothing."""
        if self._closed:
            raise MemoryClosed("this memory was closed; build a new UserMemory to go on")
        if self._process:
            self._check_process()
            return
        with self._gate:
            if not self._process:
                with translated(self.url), connect(self.address) as connection:
                    migrate(connection, self.address)
                self._process = os.getpid()

    def close(self) -> None:
        """Finish what was begun and disconnect; a second call does nothing."""
        if self._closed or self._process not in {0, os.getpid()}:
            return
        self._closed = True
        self._threads.shutdown()
        self.connections.close()

    def write(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow in a transaction and return after it is durable."""
        return self._repeated(
            lambda connection: self._transact(connection, flow(*args, **kwargs), flow.__name__)
        )

    async def awrite(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in a thread of ours."""
        answer: T = await self._elsewhere(partial(self.write, flow, *args, **kwargs))
        return answer

    def read(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow that only reads, in the caller's thread."""
        return self._repeated(
            lambda connection: self._run(connection, flow(*args, **kwargs), flow.__name__)
        )

    async def aread(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in a thread of ours."""
        answer: T = await self._elsewhere(partial(self.read, flow, *args, **kwargs))
        return answer

    def listen(self, heard: Callable[[], object]) -> Callable[[], None]:
        """Call back whenever another process made somebody due; returns what stops it."""
        return Listener(self.address, heard).stop

    def migrated(self) -> Mapping[int, int]:
        """The migrations that the tables have had."""
        with translated(self.url), self.connections.borrowed() as connection:
            return done(connection, self.address)

    def clean(self) -> bool:
        """Vacuum our tables; False if the server would not.

        Old versions of rows are then free space, to be overwritten by new ones; the server's log
        and backups have lives of their own.
        """
        self.open()
        names = ", ".join(f'"{self.address.schema}".{table}' for table in tables())
        try:
            with translated(self.url), self.connections.borrowed() as connection:
                connection.execute(f"VACUUM {names}".encode())
        except StoreError:
            return False
        return True

    def doubts(self) -> Sequence[str]:
        """What the server is set to that lets it forget a commit."""
        with translated(self.url), self.connections.borrowed() as connection:
            rows = connection.execute(_DURABLE).fetchall()
        return [f"{row['name']} is off: a crash may lose what was accepted" for row in rows]

    def search(self, user_id: str, text: str, spared: Sequence[str] = ()) -> Sequence[Place]:
        """Every table of our schema, and of the one in which LangGraph's saver has its own."""
        self.open()
        with translated(self.url), self.connections.borrowed() as connection:
            return sorted_places(search(connection, self.address.schema, user_id, text, spared))

    async def _elsewhere(self, call: Callable[[], Any]) -> Any:
        if self._closed:
            raise MemoryClosed("this memory was closed; build a new UserMemory to go on")
        if self._process:
            self._check_process()
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise ForkedProcess(
                f"this memory was opened in process {self._process} and is used in its fork "
                f"{os.getpid()}; connections do not survive a fork: build the UserMemory, or use "
                "it for the first time, after forking"
            )

    def _repeated(self, work: Callable[[Connection], T]) -> T:
        """Do it again where nothing of it was stored and the reason has passed.

        That is a server that was restarted since, or two transactions in each other's way. If
        there is no connection to be had, it fails at once.
        """
        self.open()
        with translated(self.url):
            for _ in range(_ATTEMPTS - 1):
                with self.connections.borrowed() as connection:
                    try:
                        return work(connection)
                    except psycopg.Error as error:
                        if not passing(error, connection):
                            raise
            with self.connections.borrowed() as connection:
                return work(connection)

    def _transact(self, connection: Connection, flow: Flow[T], name: str) -> T:
        with transaction(connection, self.address, self._patience):
            value = self._run(connection, flow, name)
            self._tell("before", name)
        self._tell("after", name)
        return value

    def _run(self, connection: Connection, flow: Flow[T], name: str) -> T:
        return run(flow, partial(self._execute, connection), name, self.hook)

    def _execute(self, connection: Connection, name: str, parameters: Any) -> Sequence[Row]:
        if self._clock is not None:
            parameters = {**parameters, "now": self._clock.now()}
        return Rows(connection.execute(self._statements[name], parameters))

    def _tell(self, stage: str, flow: str) -> None:
        if self.hook:
            self.hook(stage, flow, "commit")


_LOCK = b"SELECT pg_advisory_xact_lock(hashtext('usermemory'), hashtext(%s))"

_RECORD = """CREATE TABLE IF NOT EXISTS usermemory.migrations (
    number INTEGER PRIMARY KEY,
    oldest_code INTEGER NOT NULL, -- the oldest code that can still serve these tables
    applied_at DOUBLE PRECISION NOT NULL)"""

_DONE = f"INSERT INTO usermemory.migrations VALUES (%(number)s, %(oldest)s, {SERVER_TIME})"


def migrate(connection: Connection, address: Address) -> list[int]:
    """Apply what is missing; safe when several processes do it at once.

    Returns:
        The numbers that were applied now.

    Raises:
        SchemaTooNew: The tables need a later version of this package.
        psycopg.Error: This role may not, most likely.
    """
    applied: list[int] = []
    for number, script in missing(done(connection, address), address.name):
        with connection.transaction():
            connection.execute(_LOCK, [address.schema])
            _prepare(connection, address)
            if number not in done(connection, address):
                connection.execute(placed(script, address.schema).encode())
                record = {"number": number, "oldest": oldest_code(number, script)}
                connection.execute(placed(_DONE, address.schema).encode(), record)
                applied.append(number)
    return applied


def _prepare(connection: Connection, address: Address) -> None:
    """Schema and record; a role that may not create a schema finds one made for it."""
    (found,) = connection.execute("SELECT to_regnamespace(%s) AS known", [address.schema])
    if found["known"] is None:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{address.schema}"'.encode())
    connection.execute(placed(_RECORD, address.schema).encode())


def done(connection: Connection, address: Address) -> Mapping[int, int]:
    """The migrations that were applied, each with the oldest code that can serve it."""
    table = placed("usermemory.migrations", address.schema)
    (found,) = connection.execute("SELECT to_regclass(%s) AS known", [table])
    if found["known"] is None:
        return {}
    rows = connection.execute(f"SELECT number, oldest_code FROM {table}".encode())
    return {row["number"]: row["oldest_code"] for row in rows}


_COLUMNS = """SELECT table_schema, table_name, column_name FROM information_schema.columns
WHERE table_schema IN (%(schema)s, current_schema())
ORDER BY table_schema, table_name, ordinal_position"""


def search(
    connection: Connection, schema: str, user_id: str, text: str, spared: Iterable[str] = ()
) -> Iterator[Place]:
    """Every table with how many of its rows hold the text."""
    wanted = Wanted(text, spared)
    tables: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(_COLUMNS, {"schema": schema}).fetchall():
        tables.setdefault((row["table_schema"], row["table_name"]), []).append(row["column_name"])
    for (home, table), columns in tables.items():
        before = wanted.kept
        place = _table(connection, sql.Identifier(home, table), table, columns, user_id, wanted)
        yield replace(place, kept=wanted.kept - before)


def _table(
    connection: psycopg.Connection[Any],
    name: sql.Identifier,
    table: str,
    columns: list[str],
    user_id: str,
    wanted: Wanted,
) -> Place:
    """Rows are read, not searched by the server: they may be bytes, or JSON in any form."""
    size = 0
    found: list[tuple[Any, ...]] = []
    places = {column: place for place, column in enumerate(columns)}
    with connection.transaction(), connection.cursor("search", row_factory=tuple_row) as cursor:
        for row in cursor.execute(sql.SQL("SELECT * FROM {}").format(name)):
            size += 1
            if any(map(wanted.in_value, row)):
                owner, thread = (places.get(column) for column in ("user_id", "thread_id"))
                found.append(tuple(None if at is None else row[at] for at in (owner, thread)))
    return Place.of_rows(f"table {table}", size, user_id, found)
