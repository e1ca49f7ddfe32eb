"""Figure 1: recalling a profile, against a get from LangGraph's store in SQLite."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.speed.rate import Operation, at_once, one_by_one, per_second
from bench.table import Figure, median_ratio
from langgraph.store.sqlite.aio import AsyncSqliteStore

from usermemory import UserMemory

_PROFILES = 10_000
_BYTES = 1_500
_ROUNDS = 7
_ONE_BY_ONE = 2_000
_AT_ONCE = 4_000
_WORDS = [
    "climbs",
    "bakes",
    "reads",
    "paints",
    "runs",
    "sails",
    "cooks",
    "sings",
    "hikes",
    "plants",
    "fixes",
    "writes",
]


async def figures(folder: Path) -> list[Figure]:
    """Operations per second of both, on a file with 10,000 profiles of 1.5 KB each.

    In LangGraph's store each user has a namespace, as its documentation has it; shown beside it is
    one namespace for all, where a hundred gets at once become a single statement.
    """
    profiles = [(f"user-{number}", _profile(number)) for number in range(_PROFILES)]
    ours, theirs = folder / "recall.db", folder / "store.db"
    async with (
        UserMemory(str(ours), model="offline", worker=False) as memory,
        AsyncSqliteStore.from_conn_string(str(theirs)) as store,
    ):
        await store.setup()
        _fill_ours(ours, profiles)
        _fill_theirs(theirs, profiles)
        users = random.Random(1).choices([user for user, _ in profiles], k=_AT_ONCE)

        async def recall(number: int) -> object:
            return (await memory.arecall(users[number])).document

        async def get(number: int) -> object:
            item = await store.aget(("memories", users[number]), "profile")
            return item and item.value

        async def get_of_one(number: int) -> object:
            item = await store.aget(("memories",), users[number])
            return item and item.value

        if not await recall(0) == await get(0) == await get_of_one(0):
            raise AssertionError("the two sides do not read the same profile")
        return [
            await _compared("one after the other", one_by_one, (recall, get), _ONE_BY_ONE, 10),
            await _compared("100 at once", at_once, (recall, get), _AT_ONCE, 2),
            await _compared(
                "100 at once in one namespace", at_once, (recall, get_of_one), _AT_ONCE
            ),
        ]


async def _compared(
    name: str,
    rate: Callable[[Operation, int], Awaitable[float]],
    sides: tuple[Operation, Operation],
    count: int,
    target: float | None = None,
) -> Figure:
    rounds = [(await rate(sides[0], count), await rate(sides[1], count)) for _ in range(_ROUNDS)]
    ours, theirs = zip(*rounds, strict=True)
    return Figure(
        f"arecall / AsyncSqliteStore.aget, {name}",
        per_second(ours),
        per_second(theirs),
        median_ratio(ours, theirs),
        target,
    )


def _profile(number: int) -> str:
    """A profile of the ready schema, as JSON of 1.5 KB."""
    chance = random.Random(number)
    interests: list[str] = []
    memories: list[str] = []
    document = {
        "name": f"Name {number}",
        "age": 20 + number % 60,
        "interests": interests,
        "core_memories": memories,
    }
    while len(json.dumps(document)) < _BYTES:
        memories.append(f"{' '.join(chance.choices(_WORDS, k=8))} {chance.random()}")
        interests.append(f"{chance.choice(_WORDS)} {chance.random():.3f}")
    return json.dumps(document)


def _fill_ours(path: Path, profiles: list[tuple[str, str]]) -> None:
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO usermemory_users (user_id, salt, revision) VALUES (?, 'salt', 1)",
            [(user,) for user, _ in profiles],
        )
        connection.executemany(
            "INSERT INTO usermemory_profiles (user_id, document, revision, updated_at) "
            "VALUES (?, ?, 1, 0)",
            profiles,
        )
    connection.close()


def _fill_theirs(path: Path, profiles: list[tuple[str, str]]) -> None:
    with sqlite3.connect(path) as connection:
        insert = "INSERT INTO store (prefix, key, value) VALUES (?, ?, ?)"
        connection.executemany(
            insert, [(f"memories.{user}", "profile", text) for user, text in profiles]
        )
        connection.executemany(insert, [("memories", user, text) for user, text in profiles])
    connection.close()
