"""Search every table of our schema, and of the first one in the search path, LangGraph's.

The server's files are out of reach: what they may still hold is told in docs/operate.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from usermemory.records import Place
from usermemory.store.postgres.connections import Connection
from usermemory.store.searching import Wanted

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
