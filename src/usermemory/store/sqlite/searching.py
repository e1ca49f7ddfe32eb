"""Search every table of the file, whoever made it, and the bytes of the file and its log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from usermemory.records import Place
from usermemory.store.searching import Wanted
from usermemory.store.sqlite.connection import connect, translated


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
