"""Memories of several sizes in one database, filled by the server itself."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import psycopg

from usermemory import UserMemory


@contextmanager
def filled(url: str, name: str, statements: Sequence[str]) -> Generator[UserMemory]:
    """A memory in a schema of its own; ``m.`` before a table in a statement is that schema.

    Args:
        url: The database.
        name: The schema, dropped afterwards.
        statements: What fills its tables.
    """
    memory = UserMemory(f"{url}?schema={name}", model="offline", worker=False)
    with memory, psycopg.connect(url, autocommit=True) as server:
        for statement in statements:
            server.execute(statement.replace("m.", f"{name}.").encode())
        server.execute(b"VACUUM ANALYZE")
        server.execute(b"CHECKPOINT")
        yield memory
        server.execute(f"DROP SCHEMA {name} CASCADE".encode())
