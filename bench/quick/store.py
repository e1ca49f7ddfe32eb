"""Remembering and recalling, against bare sqlite3 and LangGraph's store."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from bench.quick.sides import Target, micros, processor
from bench.speed.remember import bare_connection, two_messages, write_rows
from bench.table import Figure, median_ratio
from langgraph.store.sqlite.aio import AsyncSqliteStore

from usermemory import UserMemory

_USERS = 200
_PROFILES = 2_000
_ROUNDS = 9
_AT_ONCE = 100
_DOCUMENT = {
    "name": "Will",
    "age": 34,
    "interests": [f"Interest number {number}" for number in range(10)],
    "core_memories": [f"Something that was said, number {number}" for number in range(20)],
}


def figures(folder: Path) -> list[Figure]:
    """All of them."""
    return [
        _remember(folder),
        _together(folder),
        _recall(folder),
        *asyncio.run(_awaited(folder)),
    ]


def _remember(folder: Path) -> Figure:
    bare = bare_connection(folder / "bare.db")
    with UserMemory(folder / "remember.db", model="offline", worker=False, delay=3600) as memory:
        figure = processor(
            "remember of two messages / the same rows by bare sqlite3",
            lambda turn: memory.remember(f"user-{turn % _USERS}", "t", two_messages(turn)),
            lambda turn: write_rows(bare, turn),
            Target(2.5),
            rounds=_ROUNDS,
            times=100,
        )
    bare.close()
    return figure


def _together(folder: Path) -> Figure:
    """By the clock: what a hundred share is the flush and the way."""
    turns = count()

    async def measured() -> tuple[list[float], list[float]]:
        async with UserMemory(
            folder / "together.db", model="offline", worker=False, delay=3600
        ) as memory:

            async def remember() -> None:
                turn = next(turns)
                await memory.aremember(f"user-{turn % _USERS}", "t", two_messages(turn))

            one, many = list[float](), list[float]()
            for _ in range(_ROUNDS):
                one.append(await _seconds(_after_each_other(remember, _AT_ONCE)) / _AT_ONCE)
                calls = [remember() for _ in range(_AT_ONCE)]
                many.append(await _seconds(asyncio.gather(*calls)) / _AT_ONCE)
        return one, many

    one, many = asyncio.run(measured())
    return _rates("aremember, one after the other / 100 at once, by the clock", one, many, 5)


def _recall(folder: Path) -> Figure:
    path = folder / "recall.db"
    with UserMemory(path, model="offline", worker=False) as memory:
        _fill(path)
        reading = sqlite3.connect(path)

        def bare(number: int) -> object:
            asked = (f"user-{number % _PROFILES}",)
            found = reading.execute(
                "SELECT document, stamps, revision, updated_at FROM usermemory_profiles "
                "WHERE user_id = ?",
                asked,
            ).fetchone()
            return json.loads(found[0]), json.loads(found[1])

        return processor(
            "recall / the same row by bare sqlite3",
            lambda number: memory.recall(f"user-{number % _PROFILES}"),
            bare,
            Target(2),
            rounds=_ROUNDS,
            times=500,
        )


async def _awaited(folder: Path) -> list[Figure]:
    path = folder / "recall.db"
    async with (
        UserMemory(path, model="offline", worker=False) as memory,
        AsyncSqliteStore.from_conn_string(str(folder / "store.db")) as store,
    ):
        await store.setup()
        for number in range(20):
            await store.aput(("memories", f"user-{number}"), "profile", _DOCUMENT)
        ours, theirs = list[tuple[float, float]](), list[tuple[float, float]]()
        for _ in range(_ROUNDS):
            for taken, ask in (
                (ours, memory.arecall),
                (theirs, lambda user: store.aget(("memories", user), "profile")),
            ):
                taken.append(await _times(ask))
    names = ("by the clock", "processor")
    return [
        _rates(f"AsyncSqliteStore.aget / arecall, {name}", slow, quick, 4)
        for name, slow, quick in zip(
            names, *(map(list, zip(*side, strict=True)) for side in (theirs, ours)), strict=True
        )
    ]


async def _times(ask: Callable[[str], Awaitable[object]]) -> tuple[float, float]:
    """Seconds of one call by the clock, and of processor."""
    turns = count()

    async def one() -> None:
        await ask(f"user-{next(turns) % 20}")

    begin = time.process_time()
    seconds = await _seconds(_after_each_other(one, 300))
    return seconds / 300, (time.process_time() - begin) / 300


async def _after_each_other(call: Callable[[], Awaitable[object]], times: int) -> None:
    for _ in range(times):
        await call()


async def _seconds(work: Awaitable[object]) -> float:
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


def _rates(name: str, slow: list[float], quick: list[float], target: float) -> Figure:
    middle = [sorted(times)[len(times) // 2] for times in (slow, quick)]
    return Figure(name, *map(micros, middle), median_ratio(slow, quick), target, ">=")


def _fill(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(
            "INSERT INTO usermemory_users (user_id, salt, revision) VALUES (?, 'salt', 1)",
            [(f"user-{number}",) for number in range(_PROFILES)],
        )
        connection.executemany(
            "INSERT INTO usermemory_profiles (user_id, document, revision, updated_at) "
            "VALUES (?, ?, 1, 0)",
            [(f"user-{number}", json.dumps(_DOCUMENT)) for number in range(_PROFILES)],
        )
    connection.close()
