"""Memories of several sizes in one database, filled by the server itself."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import psycopg

from usermemory import UserMemory

NOW = "extract(epoch FROM clock_timestamp())"

THREADS = """INSERT INTO m.threads (user_id, thread_id, state, due_at, first_at, unread, next_seq)
SELECT user_id, 't', 'waiting', next_due, next_due, 1, 2 FROM m.users"""
"""A thread for each user."""

MESSAGES = """INSERT INTO m.inbox (user_id, thread_id, seq, position, digest, author, text, said_at,
    received_at, state)
SELECT user_id, thread_id, 1, 1, 'd', 'user', 'I like thing' || substr(user_id, 5), due_at, due_at,
    'unread' FROM m.threads"""
"""A message in each thread."""


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
