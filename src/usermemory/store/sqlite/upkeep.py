"""The file's tables and bytes: brought up to date, searched for what was erased, cleaned of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from usermemory.errors import StoreBusy, StoreFull
from usermemory.records import Place
from usermemory.store.driver import missing, oldest_code
from usermemory.store.searching import Wanted
from usermemory.store.sqlite.connection import PREFIX, connect, dialect, translated

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


def search(
    path: Path, busy_timeout: float, user_id: str, text: str, spared: Iterable[str] = ()
) -> Iterator[Place]:
    """Every table and file with how often the text stands in it."""
    wanted = Wanted(text, spared)
    with translated(path), closing(connect(path, busy_timeout, query_only=True)) as connection:
        connection.create_function("holds", 1, wanted.in_value, deterministic=True)
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall():
            before = wanted.kept
            place = _table(connection, table, user_id)
            yield replace(place, kept=wanted.kept - before)
    for file in sorted(path.parent.glob(f"{path.name}*")):
        if file.name in {path.name, *(f"{path.name}{end}" for end in ("-wal", "-journal"))}:
            data = file.read_bytes()
            yield Place(f"file {file}", len(data), unknown=wanted.in_bytes(data))


def _table(connection: sqlite3.Connection, table: str, user_id: str) -> Place:
    name = '"' + table.replace('"', '""') + '"'
    columns = [row[1] for row in connection.execute(f"PRAGMA table_xinfo({name})")]
    holds = " OR ".join('holds("' + column.replace('"', '""') + '")' for column in columns)
    owner = "user_id" if "user_id" in columns else "NULL"
    thread = "thread_id" if "thread_id" in columns else "NULL"
    rows = connection.execute(f"SELECT {owner}, {thread} FROM {name} WHERE {holds}").fetchall()
    size = connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
    return Place.of_rows(f"table {table}", size, user_id, rows)


def clean(path: Path, busy_timeout: float) -> bool:
    """Write the file anew and empty its log, on a connection of its own.

    Args:
        path: The file.
        busy_timeout: Seconds to wait for whoever reads or writes.

    Returns:
        False while another connection reads or writes, or there is no room for the file twice:
        then a copy may be left. What was erased is committed, so that is no error.
    """
    try:
        with translated(path), closing(connect(path, busy_timeout)) as connection:
            # Looked at first: to write a large file anew in vain would cost more.
            if not _emptied(connection):
                return False
            connection.execute("VACUUM")
            return _emptied(connection)
    except (StoreBusy, StoreFull):
        return False


def _emptied(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file and cut it to nothing, if nobody else needs it."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
