"""What a user feels: how much longer a turn takes, and when the next thread knows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.full.life import LIST, Notes
from bench.quick.turn import bot_alone, bot_with, memory_of, turns
from bench.table import Figure
from tests.support.postgres import Server

from usermemory import UserMemory

_ROUNDS, _TIMES = 12, 20
_LEARNED = 15


def figures(folder: Path) -> list[Figure]:
    """By the clock, on SQLite and PostgreSQL; the bot answers at once, the model learns at once."""
    server = Server("fsync=on", "shared_buffers=256MB")
    try:
        return [
            *_turns(folder, folder / "felt.db", "SQLite"),
            *_turns(folder, server.url, "PostgreSQL"),
            _known(folder / "known.db", "SQLite"),
            _known(f"{server.url}?schema=known", "PostgreSQL"),
        ]
    finally:
        server.close()


def _turns(folder: Path, database: Path | str, name: str) -> list[Figure]:
    with memory_of(database) as memory:
        sides = (
            turns(bot_with(memory, folder / f"{name}-ours.db")),
            turns(bot_alone(folder / f"{name}-alone.db")),
        )
        taken: tuple[list[float], list[float]] = ([], [])
        for number in range((_ROUNDS + 1) * _TIMES):
            for at in (0, 1) if number // _TIMES % 2 else (1, 0):
                taken[at].append(_seconds(partial(sides[at], number)))
    ours, other = (side[_TIMES:] for side in taken)
    return [
        _figure(f"a turn, memory on {name} / the bot alone, {what}", measure(ours), measure(other))
        for what, measure in (("median", statistics.median), ("95th percentile", _late))
    ]


def _known(database: Path | str, name: str) -> Figure:
    """From the end of the quiet time, which is none here, until a new thread knows it."""
    with UserMemory(database, model=Notes(), delay=0.0) as memory:
        memory.recall("nobody")
        taken = [_seconds(partial(_learn, memory, f"tea number {n}")) for n in range(_LEARNED)]
    middle = statistics.median(taken[1:])
    return Figure(
        f"known in the next thread after the quiet time, {name}", _ms(middle), "1 s", middle
    )


def _learn(memory: UserMemory, drink: str) -> None:
    memory.remember("ann", drink, [("user", f"I like {drink}")])
    while drink not in memory.recall("ann").document[LIST]:
        time.sleep(0.001)


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _late(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]


def _figure(name: str, ours: float, other: float) -> Figure:
    return Figure(name, _ms(ours), _ms(other), ours / other)


def _ms(seconds: float) -> str:
    return f"{seconds * 1_000:.1f} ms"
