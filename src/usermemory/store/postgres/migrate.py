"""Bring the tables to the version that this code knows: numbered, one transaction each."""

from __future__ import annotations

from collections.abc import Mapping

from usermemory.store.driver import missing, oldest_code
from usermemory.store.postgres.address import Address
from usermemory.store.postgres.connections import Connection
from usermemory.store.postgres.dialect import SERVER_TIME, placed

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
