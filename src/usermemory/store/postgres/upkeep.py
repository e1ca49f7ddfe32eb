"""The tables on PostgreSQL: brought up to date, and searched for what was erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from usermemory.records import Place
from usermemory.store.driver import missing, oldest_code
from usermemory.store.postgres.connections import Connection
from usermemory.store.postgres.dialect import SERVER_TIME, Address, placed
from usermemory.store.searching import Wanted

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
