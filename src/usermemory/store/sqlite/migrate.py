"""Bring a file's tables to the version that this code knows: numbered, one transaction each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from usermemory.errors import SchemaTooNew
from usermemory.store.driver import migrations
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
    newest = migrations()[-1][0]
    applied: list[int] = []
    with translated(path):
        if _serves(connection, path, newest):
            return applied
        for number, script in migrations():
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(_RECORD)
                if number not in _done(connection):
                    for statement in _split(dialect(script)):
                        connection.execute(statement)
                    connection.execute(
                        f"INSERT INTO {PREFIX}migrations VALUES (?, ?, ?)", (number, number, now)
                    )
                    applied.append(number)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    return applied


def _serves(connection: sqlite3.Connection, path: Path, newest: int) -> bool:
    """Whether the tables need nothing; an error if they are beyond us."""
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = ?", (f"{PREFIX}migrations",)
    ).fetchone()
    if not known:
        return False
    number, oldest = connection.execute(
        f"SELECT MAX(number), MAX(oldest_code) FROM {PREFIX}migrations"
    ).fetchone()
    if oldest is not None and oldest > newest:
        raise SchemaTooNew(
            f"the database {path} was written by a later version of usermemory (its tables are at "
            f"{number}, this version knows up to {newest}); upgrade the package"
        )
    return number is not None and number >= newest


def _done(connection: sqlite3.Connection) -> set[int]:
    return {row[0] for row in connection.execute(f"SELECT number FROM {PREFIX}migrations")}


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
