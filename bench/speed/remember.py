"""Figure 2: remembering two messages, against the same rows written by bare sqlite3."""

from __future__ import annotations

import itertools
import sqlite3
import time
from pathlib import Path

from bench.speed.rate import at_once, one_by_one, per_second
from bench.table import Figure, median_ratio

from usermemory import UserMemory

_ROUNDS = 7
_ONE_BY_ONE = 200
_AT_ONCE = 2_000
_USERS = 200
_TEXTS = ("I went climbing with Anna today, at the new place.", "That sounds lovely, Will!")

_USER = """INSERT INTO usermemory_users (user_id, salt, next_due) VALUES (?, ?, ?)
ON CONFLICT (user_id) DO UPDATE SET next_due = excluded.next_due"""
_THREAD = """INSERT INTO usermemory_threads (user_id, thread_id, state, due_at, first_at, unread,
    unread_chars, next_seq) VALUES (?, 't', 'waiting', ?, ?, ?, ?, ?)
ON CONFLICT (user_id, thread_id) DO UPDATE SET due_at = excluded.due_at,
    unread = excluded.unread, unread_chars = excluded.unread_chars, next_seq = excluded.next_seq"""
_MESSAGE = """INSERT INTO usermemory_inbox (user_id, thread_id, seq, position, message_id, digest,
    author, text, said_at, received_at, state) VALUES (?, 't', ?, ?, ?, ?, ?, ?, ?, ?, 'unread')"""


async def figures(folder: Path) -> list[Figure]:
    """The rate against bare sqlite3 with the same durability, and of many callers against one."""
    ours, bare = folder / "remember.db", folder / "bare.db"
    connection = bare_connection(bare)
    turns = itertools.count()
    async with UserMemory(str(ours), model="offline", delay=3600) as memory:

        async def remember(_: int) -> object:
            turn = next(turns)
            return await memory.aremember(f"user-{turn % _USERS}", "t", two_messages(turn))

        async def write(_: int) -> None:
            write_rows(connection, next(turns))

        one: list[float] = []
        many: list[float] = []
        rows: list[float] = []
        for _ in range(_ROUNDS):
            one.append(await one_by_one(remember, _ONE_BY_ONE))
            rows.append(await one_by_one(write, _ONE_BY_ONE))
            many.append(await at_once(remember, _AT_ONCE))
    connection.close()
    return [
        Figure(
            "aremember of two messages / bare sqlite3",
            *(per_second(one), per_second(rows), median_ratio(one, rows), 0.5),
        ),
        Figure(
            "aremember, 100 at once / one after the other",
            *(per_second(many), per_second(one), median_ratio(many, one), 5),
        ),
    ]


def bare_connection(path: Path) -> sqlite3.Connection:
    """A file with the same tables and indexes, and the same durability."""
    UserMemory(str(path), model="offline", worker=False).open().close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def two_messages(turn: int) -> list[dict[str, str]]:
    """A message of the user's and its answer."""
    user, assistant = _TEXTS
    return [
        {"role": "user", "content": f"{user} {turn}", "id": f"user-{turn}"},
        {"role": "assistant", "content": f"{assistant} {turn}", "id": f"assistant-{turn}"},
    ]


def write_rows(connection: sqlite3.Connection, turn: int) -> None:
    """What one `aremember` leaves behind, with nothing worked out and nothing looked up."""
    user_id, now, seq = f"user-{turn % _USERS}", time.time(), 2 * turn + 1
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_USER, (user_id, "salt", now))
    connection.execute(_THREAD, (user_id, now, now, seq + 1, 100 * seq, seq + 2))
    for offset, message in enumerate(two_messages(turn)):
        key = (user_id, seq + offset, seq + offset, message["id"], f"{turn:032x}")
        said = (message["role"], message["content"], now, now)
        connection.execute(_MESSAGE, (*key, *said))
    connection.execute("COMMIT")
