"""The PostgreSQL driver: a few connections, one transaction per flow, tried again where it is safe.

Both colours use the same plain connections; an awaited verb waits for a thread of ours. An async
connection belongs to one event loop, and a memory is called from any number of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from usermemory.clock import Clock, SystemClock
from usermemory.errors import ConfigurationError, StoreBusy, StoreError
from usermemory.records import Place
from usermemory.store.driver import (
    IN_A_TURN,
    MIGRATIONS_TABLE,
    OF_ONE_MOMENT,
    Driver,
    Flow,
    P,
    Row,
    T,
    missing,
    oldest_code,
    run,
    tables,
)
from usermemory.store.erased import Wanted, sorted_places
from usermemory.store.postgres.connections import (
    LOCK_LIMIT,
    Connection,
    Connections,
    Listener,
    UserPatience,
    connect_to,
    limited,
    takes_settings,
    transaction,
)
from usermemory.store.postgres.dialect import (
    SERVER_TIME,
    PipelineRows,
    address_of,
    in_schema,
    passing,
    postgres_errors,
    postgres_statements,
)

_ATTEMPTS = 3

_ONE_MOMENT = b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_MIGRATING = "30s"
"""How long another process may take to bring older tables up to date, or to end what it does."""

_CLEANING = 10.0
"""Seconds that cleaning waits for a table's lock: an autovacuum makes way for it after one."""

_DURABLE = b"""SELECT name FROM pg_settings WHERE setting = 'off'
    AND name IN ('fsync', 'full_page_writes', 'synchronous_commit')"""


_LOCK = b"SELECT pg_advisory_xact_lock(hashtext('usermemory'), hashtext(%s))"

_DONE = f"INSERT INTO usermemory.migrations VALUES (%(number)s, %(oldest)s, {SERVER_TIME})"

_EVERY_COLUMN = """SELECT table_schema, table_name, column_name FROM information_schema.columns
WHERE table_schema IN (%(schema)s, current_schema())
ORDER BY table_schema, table_name, ordinal_position"""


class PostgreSQL(Driver):
    """A memory in one schema of a PostgreSQL database, for any number of machines.

    Args:
        url: As libpq takes it, and ``schema=…`` among its options.
        clock: What time it is; the system's own stands for the server's.
        connections: How many at most in this process.
        patience: Seconds to wait for a free one, or for a lock, before `StoreBusy`.
    """

    cleaned = "What was erased is free space of the server, which new rows overwrite."
    not_cleaned = "The server did not clean every table: that takes the role that owns them."

    def __init__(self, url: str, clock: Clock, connections: int = 8, patience: float = 2.0) -> None:
        self.address = address_of(url)
        super().__init__(self.address.name)
        self._clock = None if isinstance(clock, SystemClock) else clock
        self._statements = postgres_statements(
            self.address.schema, server_clock=self._clock is None
        )
        self.connections = Connections(self.address, connections, patience)
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="usermemory-postgres")
        self.patience = UserPatience(patience)

    def _start(self) -> None:
        with postgres_errors(self.url), self.connections.take() as connection:
            try:
                with limited(connection, self.patience.in_a_turn("")):
                    done = self._done(connection)
            except psycopg.errors.LockNotAvailable:
                self.patience.was_in_vain("")
                raise
            self.patience.was_rewarded("")
            self._migrate(connection, done)

    def _stop(self) -> None:
        self._threads.shutdown()
        self.connections.close()

    def write(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow in a transaction and return after it is durable."""
        name, user = flow.__name__, _user_of(args)
        in_a_turn = name in IN_A_TURN

        def once(connection: Connection) -> T:
            wait = self.patience.in_a_turn(user) if in_a_turn else self.patience.seconds
            return self._transact(connection, flow(*args, **kwargs), name, wait)

        try:
            value = self._repeated(once)
        except StoreBusy as error:
            if in_a_turn and _waited(error):
                self.patience.was_in_vain(user)
            raise
        self.patience.was_rewarded(user)
        return value

    async def awrite(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in a thread of ours."""
        return await self._in_thread(lambda: self.write(flow, *args, **kwargs))

    def read(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow that only reads, in the caller's thread."""
        user, name = _user_of(args), flow.__name__
        of_one_moment = name in OF_ONE_MOMENT

        def once(connection: Connection) -> T:
            # Else the connection's own limit holds, which costs no round trip.
            known = self.patience.is_known(user) or not takes_settings(self.address)
            wait = self.patience.in_a_turn(user)
            with connection.transaction() if of_one_moment else nullcontext():
                if of_one_moment:
                    connection.execute(_ONE_MOMENT)
                with limited(connection, wait) if known else nullcontext():
                    return self._run(connection, flow(*args, **kwargs), name)

        try:
            return self._repeated(once)
        except StoreBusy as error:
            if _waited(error):
                self.patience.was_in_vain(user)
            raise

    async def aread(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same in a thread of ours."""
        return await self._in_thread(lambda: self.read(flow, *args, **kwargs))

    def listen(self, heard: Callable[[], object]) -> Callable[[], None]:
        """Call back whenever another process made somebody due; returns what stops it."""
        return Listener(self.address, heard).stop

    def migrated(self) -> Mapping[int, int]:
        """The migrations that the tables have had."""
        with postgres_errors(self.url), self.connections.borrowed() as connection:
            return self._done(connection)

    def clean(self) -> bool:
        """Vacuum our tables; False if the server would not, or passed one over.

        Old versions of rows are then free space, to be overwritten by new ones; what an older
        transaction can still see stays until it ends, and the server's log and backups have lives
        of their own.
        """
        self.open()
        warnings: list[str | None] = []
        names = ", ".join(f'"{self.address.schema}".{table}' for table in tables())
        try:
            with postgres_errors(self.url), connect_to(self.address, _CLEANING) as connection:
                connection.add_notice_handler(
                    lambda told: warnings.append(told.severity_nonlocalized)
                )
                connection.execute(f"VACUUM {names}".encode())
        except StoreError:
            return False
        return "WARNING" not in warnings  # as of a table that this role does not own

    def doubts(self) -> Sequence[str]:
        """What the server is set to that lets it forget a commit."""
        with postgres_errors(self.url), self.connections.borrowed() as connection:
            rows = connection.execute(_DURABLE).fetchall()
        return [f"{row['name']} is off: a crash may lose what was accepted" for row in rows]

    def misses(self) -> str:
        """What an encoding other than UTF-8 leaves out."""
        with postgres_errors(self.url), self.connections.borrowed() as connection:
            return _misses(connection)

    def search(
        self, user_id: str, texts: Sequence[str], spared: Sequence[str] = ()
    ) -> Sequence[Place]:
        """Every table of our schema, and of the one in which LangGraph's saver has its own."""
        self.open()
        tables: dict[tuple[str, str], list[str]] = {}
        with postgres_errors(self.url), self.connections.borrowed() as connection:
            for row in connection.execute(
                _EVERY_COLUMN, {"schema": self.address.schema}
            ).fetchall():
                name = row["table_schema"], row["table_name"]
                tables.setdefault(name, []).append(row["column_name"])
            return sorted_places(
                _searched(connection, name, columns, user_id, Wanted(texts, spared))
                for name, columns in tables.items()
            )

    def _migrate(self, connection: Connection, done: Mapping[int, int]) -> None:
        """Apply what is missing; safe when several processes do it at once."""
        if not done and (lacks := _misses(connection)):
            raise ConfigurationError(f"the database {self.url} cannot hold a memory: {lacks}")
        for number, script in missing(done, self.url):
            with connection.transaction():
                connection.execute(LOCK_LIMIT, [_MIGRATING])
                connection.execute(_LOCK, [self.address.schema])
                self._prepare(connection)
                if number not in self._done(connection):
                    connection.execute(self._placed(script))
                    record = {"number": number, "oldest": oldest_code(number, script)}
                    connection.execute(self._placed(_DONE), record)

    def _prepare(self, connection: Connection) -> None:
        """Schema and record; a role that may not create a schema finds one made for it."""
        schema = self.address.schema
        (found,) = connection.execute("SELECT to_regnamespace(%s) AS known", [schema])
        if found["known"] is None:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'.encode())
        connection.execute(self._placed(MIGRATIONS_TABLE))

    def _done(self, connection: Connection) -> Mapping[int, int]:
        """The migrations that were applied, each with the oldest code that can serve it."""
        table = in_schema("usermemory.migrations", self.address.schema)
        (found,) = connection.execute("SELECT to_regclass(%s) AS known", [table])
        if found["known"] is None:
            return {}
        rows = connection.execute(f"SELECT number, oldest_code FROM {table}".encode())
        return {row["number"]: row["oldest_code"] for row in rows}

    def _placed(self, statement: str) -> bytes:
        return in_schema(statement, self.address.schema).encode()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        await self.aopen()
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _repeated(self, work: Callable[[Connection], T]) -> T:
        """Do it again where nothing of it was stored and the reason has passed.

        That is a server that was restarted since, or two transactions in each other's way. If
        there is no connection to be had, it fails at once.
        """
        self.open()
        with postgres_errors(self.url):
            for _ in range(_ATTEMPTS - 1):
                with self.connections.borrowed() as connection:
                    try:
                        return work(connection)
                    except psycopg.Error as error:
                        if not passing(error, connection):
                            raise
            with self.connections.borrowed() as connection:
                return work(connection)

    def _transact(self, connection: Connection, flow: Flow[T], name: str, wait: float) -> T:
        with transaction(connection, self.address, wait):
            value = self._run(connection, flow, name)
            self._tell_commit("before", name)
        self._tell_commit("after", name)
        return value

    def _run(self, connection: Connection, flow: Flow[T], name: str) -> T:
        return run(flow, partial(self._execute, connection), name, self.hook)

    def _execute(self, connection: Connection, name: str, parameters: Any) -> Sequence[Row]:
        if self._clock is not None:
            parameters = {**parameters, "now": self._clock.now()}
        return PipelineRows(connection.execute(self._statements[name], parameters))


def _misses(connection: psycopg.Connection[Any]) -> str:
    """Why not every text can be stored there; a pooler may not tell."""
    encoding = connection.info.parameter_status("server_encoding") or "UTF8"
    if encoding == "UTF8":
        return ""
    return (
        f"its encoding is {encoding}, which has no emoji and few scripts, and a message that has "
        "one ends memory for its thread; make one with ENCODING 'UTF8' TEMPLATE template0"
    )


def _user_of(arguments: Sequence[object]) -> str:
    """Whose row a flow is about; empty where it is nobody's in particular."""
    return arguments[0] if arguments and isinstance(arguments[0], str) else ""


def _waited(error: StoreBusy) -> bool:
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def _searched(
    connection: psycopg.Connection[Any],
    name: tuple[str, str],
    columns: list[str],
    user_id: str,
    wanted: Wanted,
) -> Place:
    """A table with how many of its rows hold the text.

    Rows are read, not searched by the server: they may be bytes, or JSON in any form.
    """
    size = 0
    found: list[tuple[Any, ...]] = []
    query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*name))
    places = [columns.index(one) if one in columns else None for one in ("user_id", "thread_id")]
    with connection.transaction(), connection.cursor("search", row_factory=tuple_row) as cursor:
        for row in cursor.execute(query):
            size += 1
            if any(map(wanted.in_value, row)):
                found.append(tuple(None if at is None else row[at] for at in places))
    place = Place.of_rows(f"table {name[1]}", size, user_id, found)
    return replace(place, kept=wanted.kept)
