"""A thousand to a million users, filled in by the database itself: what a second holds of each.

A tenth of the users have a thread that is due; everybody has a profile with seven items.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from bench.fleet.schemas import filled
from tests.support.postgres import Server

from usermemory import UserMemory
from usermemory.store.flows.claim import claim_due, give_back
from usermemory.store.sqlite.connection import dialect

USERS = (1_000, 10_000, 100_000, 1_000_000)

_RECALLS, _REMEMBERS, _CLAIMS = 1_000, 200, 100
_ROUNDS = 5

_SAID = [("user", "I like tea"), ("assistant", "Good.")]

_PROFILE = json.dumps(
    {
        "name": "Name",
        "age": 30,
        "interests": [f"something rather special, number {number}" for number in range(5)],
        "core_memories": ["moved to Bergen for love", "learned to bake from an aunt"],
    }
)

_FILL = (
    """INSERT INTO usermemory.users (user_id, salt, revision, next_due)
    SELECT 'user' || n, 's', 1, CASE n % 10 WHEN 0 THEN {now} - 1000 + n * 0.0001 END
    FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
        SELECT n FROM s) AS series""",
    """INSERT INTO usermemory.profiles (user_id, document, revision, updated_at)
    SELECT user_id, '{profile}', 1, 0 FROM usermemory.users""",
    """INSERT INTO usermemory.threads (user_id, thread_id, state, due_at, first_at, unread,
        next_seq)
    SELECT user_id, 't', 'waiting', next_due, next_due, 1, 2 FROM usermemory.users
    WHERE next_due IS NOT NULL""",
    """INSERT INTO usermemory.inbox (user_id, thread_id, seq, position, digest, author, text,
        said_at, received_at, state)
    SELECT user_id, thread_id, 1, 1, 'd', 'user', 'I like thing' || substr(user_id, 5), due_at,
        due_at, 'unread' FROM usermemory.threads""",
)


def _fill(count: int) -> Iterator[str]:
    given = {"{now}": str(time.time()), "{count}": str(count), "{profile}": _PROFILE}
    for statement in _FILL:
        for name, value in given.items():
            statement = statement.replace(name, value)  # noqa: PLW2901 - step by step
        yield statement


_Made = AbstractContextManager[tuple[UserMemory, int]]
"""A memory with so many users, and its bytes."""


def on_sqlite(folder: Path) -> list[dict[str, Any]]:
    """What one file does, by its number of users."""
    return list(_measured("SQLite", lambda count: _file(folder / f"{count}.db", count)))


def on_postgres(_: Path) -> list[dict[str, Any]]:
    """What a server on this machine does, by the number of its users."""
    server = Server("fsync=on", "shared_buffers=512MB", "max_wal_size=4GB")
    try:
        return list(_measured("PostgreSQL", lambda count: _schema(server.url, count)))
    finally:
        server.close()


def _measured(database: str, made: Callable[[int], _Made]) -> Iterator[dict[str, Any]]:
    for count in USERS:
        with made(count) as (memory, size):
            yield {
                "system": "usermemory",
                "database": database,
                "figure": f"{count:,} users",
                "value": count,
                "megabytes": round(size / 1e6, 1),
                **_rates(memory, count),
            }


def _rates(memory: UserMemory, count: int) -> dict[str, int]:
    """Done in a second: medians of several rounds; users are chosen at random."""
    chance = random.Random(1)

    def median(rate: Callable[[], float]) -> int:
        return round(statistics.median(rate() for _ in range(_ROUNDS)))

    _recalls(memory, _chosen(_RECALLS, count, chance))  # warms connections
    return {
        "recall": median(lambda: _recalls(memory, _chosen(_RECALLS, count, chance))),
        "remember": median(lambda: _remembers(memory, _chosen(_REMEMBERS, count, chance))),
        "at_once": median(lambda: asyncio.run(_at_once(memory, _chosen(200, count, chance)))),
        "claim": median(lambda: _claims(memory)),
    }


def _recalls(memory: UserMemory, users: Sequence[str]) -> float:
    began = time.perf_counter()
    for user in users:
        if not memory.recall(user).revision:
            raise AssertionError(f"{user} is not known")
    return len(users) / (time.perf_counter() - began)


def _remembers(memory: UserMemory, users: Sequence[str]) -> float:
    began = time.perf_counter()
    for user in users:
        memory.remember(user, "new", _SAID, delay=3600)
    return len(users) / (time.perf_counter() - began)


async def _at_once(memory: UserMemory, users: Sequence[str]) -> float:
    """A hundred at a time."""
    began = time.perf_counter()
    for batch in (users[:100], users[100:]):
        await asyncio.gather(*(memory.aremember(one, "new", _SAID, delay=3600) for one in batch))
    return len(users) / (time.perf_counter() - began)


def _claims(memory: UserMemory) -> float:
    """Due users taken a second, as a worker takes them; each is given back afterwards."""
    began = time.perf_counter()
    claims = [memory.driver.write(claim_due, "bench", 3_600.0) for _ in range(_CLAIMS)]
    taken = time.perf_counter() - began
    for claim in claims:
        if claim is None:
            raise AssertionError("nothing was due")
        memory.driver.write(give_back, claim.user_id, claim.token)
    return _CLAIMS / taken


def _chosen(number: int, count: int, chance: random.Random) -> Sequence[str]:
    return [f"user{chance.randint(1, count)}" for _ in range(number)]


@contextmanager
def _file(path: Path, count: int) -> Generator[tuple[UserMemory, int]]:
    with UserMemory(path, model="offline", worker=False) as memory:
        memory.recall("nobody")
        with closing(sqlite3.connect(path)) as file:
            for statement in _fill(count):
                file.execute(dialect(statement))
            file.commit()
            file.execute("ANALYZE")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield memory, path.stat().st_size
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()


@contextmanager
def _schema(url: str, count: int) -> Generator[tuple[UserMemory, int]]:
    name = f"u{count}"
    statements = [one.replace("usermemory.", "m.") for one in _fill(count)]
    size = (
        "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relkind = 'r'"
    )
    with filled(url, name, statements) as memory, psycopg.connect(url) as server:
        row = server.execute(size.encode(), (name,)).fetchone()
        server.commit()
        yield memory, int(row[0]) if row else 0
