"""Tables of other programs that people move in from: read, never written.

Their columns are LangGraph's and the origin's; whoever changes them there changes them here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from usermemory.errors import StoreError
from usermemory.store.sqlite.connection import look, sqlite_errors

THREADS = """
SELECT thread_id FROM checkpoints WHERE checkpoint_ns = ''
GROUP BY thread_id ORDER BY MAX(checkpoint_id), thread_id
"""
"""Every thread of a LangGraph checkpointer, the one that rested longest first.

A checkpoint's id begins with its time. Asking the checkpointer itself would load every state that
every thread ever had.
"""

_COLUMN_NAMES = "SELECT name FROM pragma_table_info(:table)"

TABLE_THERE = "SELECT to_regclass(%s) AS found"
"""Whether PostgreSQL has this table, wherever in the search path."""

_ORIGIN = "SELECT user_id, memory FROM core_memories ORDER BY user_id"


def file_of(url: str) -> Path | None:
    """The file that a path or a ``sqlite:///`` URL names; None for another kind of database."""
    path = url.removeprefix("sqlite:///")
    return None if "://" in path else Path(path).expanduser().absolute()


def is_postgres(url: str) -> bool:
    """Whether a URL is one of PostgreSQL's."""
    return url.partition("://")[0] in {"postgresql", "postgres"}


@contextmanager
def opened(path: Path, table: str, *columns: str) -> Generator[sqlite3.Connection]:
    """A connection to a file that has this table with these columns.

    Raises:
        StoreError: It is not there, has no such table, or cannot be read.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}")
    with sqlite_errors(path), closing(look(path)) as connection:
        found = {name for (name,) in connection.execute(_COLUMN_NAMES, {"table": table})}
        if not found.issuperset(columns):
            lacking = ", ".join(sorted({*columns} - found)) if found else ""
            what = f"its table {table} has no {lacking}" if found else f"it has no table {table}"
            raise StoreError(f"{path} is no database of that kind: {what}")
        yield connection


def origin_profiles(path: Path) -> Iterator[tuple[str, str]]:
    """User and profile, as JSON text, from the table that the how-to made.

    Raises:
        StoreError: As for `opened`.
    """
    with opened(path, "core_memories", "user_id", "memory") as connection:
        for user_id, memory in connection.execute(_ORIGIN):
            yield str(user_id), str(memory)
