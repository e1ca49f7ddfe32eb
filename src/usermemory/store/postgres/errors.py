"""PostgreSQL's errors as ours."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from usermemory.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly

_STATES: Sequence[tuple[str, type[StoreError], str]] = (
    ("55P03", StoreBusy, "kept us waiting too long for a lock; try again, or find who holds it"),
    ("57014", StoreBusy, "cancelled a statement that took too long; is it overloaded?"),
    ("40", StoreBusy, "had us in each other's way, again and again; try again"),
    ("53300", StoreBusy, "has no connection left; raise max_connections, or use a pooler"),
    ("53100", StoreFull, "cannot grow: there is no room on its disk"),
    ("25006", StoreReadOnly, "is read-only: a standby? connect to the primary"),
    ("42501", StoreError, "does not let us: grant this role what `usermemory migrate` needs"),
    ("57P", StoreError, "is shutting down or starting"),
    ("28", StoreError, "does not know this user or password"),
    ("3D", StoreError, "does not exist; create it"),
    ("42P01", StoreError, "has lost tables of ours; restore it from a backup"),
)

_IN_EACH_OTHERS_WAY = {"40001", "40P01"}
_ENDED = {"57P01", "57P02", "25P03"}
"""The server has ended this connection; libpq may not have noticed that it is closed."""


def passing(error: psycopg.Error, connection: psycopg.Connection[Any]) -> bool:
    """Whether the same transaction, of which nothing was stored, may well succeed now."""
    if error.sqlstate in _ENDED:
        connection.close()
    return connection.closed or error.sqlstate in _IN_EACH_OTHERS_WAY


@contextmanager
def translated(name: str) -> Generator[None]:
    """Turn psycopg's errors into ours.

    Args:
        name: The database for people, without its password.
    """
    try:
        yield
    except psycopg.Error as error:
        # What the server calls detail may hold a row; the first line never does.
        text = error.diag.message_primary or str(error).strip()
        state = error.sqlstate or ""
        for prefix, kind, advice in _STATES:
            if state.startswith(prefix):
                raise kind(f"the database {name} {advice} ({text})") from error
        failed = "failed" if state else "cannot be reached"
        raise StoreError(f"the database {name} {failed}: {text}") from error
