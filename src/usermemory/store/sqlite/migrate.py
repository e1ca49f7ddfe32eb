"""Bring a file's tables to the version that this code knows: numbered, one transaction each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from usermemory.store.driver import missing, oldest_code
from usermemory.store.sqlite.connection import PREFIX, dialect, translated

_RECORD = f"""CREATE TABLE IF NOT EXISTS {PREFIX}migrations (
    number INTEGER PRIMARY KEY,
    oldest_code INTEGER NOT NULL, -- the oldest code that can still serve these tables
    applied_at DOUBLE PRECISION NOT NULL)"""


def migrate(connection: sqlite3.Connection, path: Path, now: float) -> list[int]:
    """Apply what is missing; safe when several processes do it at once.

    Returns:
        The numbers that were applied now.

    Raises:
        SchemaTooNew: If the tables need a later version of this package.
    """
    applied: list[int] = []
    with translated(path):
        for number, script in missing(done(connection), str(path)):
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(_RECORD)
                if number not in done(connection):
                    for statement in _split(dialect(script)):
                        connection.execute(statement)
                    connection.execute(
                        f"INSERT INTO {PREFIX}migrations VALUES (?, ?, ?)",
                        (number, oldest_code(number, script), now),
                    )
                    applied.append(number)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    return applied


def done(connection: sqlite3.Connection) -> Mapping[int, int]:
    """The migrations that were applied, each with the oldest code that can serve it."""
    table = f"{PREFIX}migrations"
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    if not known:
        return {}
    return dict(connection.execute(f"SELECT number, oldest_code FROM {table}"))


def _split(script: str) -> Iterator[str]:
    """The statements of a script, without SQLite's executescript, which commits on its own."""
    statement = ""
    for line in script.splitlines():
        if line.strip().startswith("--"):
            continue
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
