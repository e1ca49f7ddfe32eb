"""Figure 5: what a long thread costs more than a short one, and memory over many turns."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from pathlib import Path

from bench.table import Figure, median_ratio
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from usermemory import UserMemory

_LENGTHS = (1_000, 10)
_ROUNDS = 7
_TURNS = 50
_ALL_TURNS = 10_000
_SETTLED = 1_000
_CHATS = 20
_TAKEN = tuple[float, float, float]
"""Seconds of a recall, of a remember, and of processor time for both."""


async def figures(folder: Path) -> list[Figure]:
    """The whole thread is passed each turn, and grows by two messages."""
    async with UserMemory(str(folder / "threads.db"), model="offline", delay=3600) as memory:
        rounds = [
            [await _chat(memory, length, f"{length}-{number}") for length in _LENGTHS]
            for number in range(_ROUNDS)
        ]
    long, short = (tuple(zip(*side, strict=True)) for side in zip(*rounds, strict=True))
    names = ("arecall", "aremember", "processor time of both")
    flat = [_flat(*measured) for measured in zip(names, long, short, strict=True)]
    return [*flat, await _resident(folder)]


def _flat(name: str, long: tuple[float, ...], short: tuple[float, ...]) -> Figure:
    ours, other = (f"{statistics.median(times) * 1_000_000:,.0f} µs" for times in (long, short))
    return Figure(
        f"{name}, threads of {_LENGTHS[0]:,} / {_LENGTHS[1]} messages",
        ours,
        other,
        median_ratio(long, short),
        1.2,
        "<=",
    )


async def _chat(memory: UserMemory, length: int, name: str) -> _TAKEN:
    """Medians of one turn in a thread of this length."""
    messages = [message for turn in range(length // 2) for message in _turn(turn)]
    await memory.aremember(name, name, messages)
    recalls: list[float] = []
    remembers: list[float] = []
    processor = time.process_time()
    for turn in range(length // 2, length // 2 + _TURNS):
        messages += _turn(turn)
        begin = time.perf_counter()
        await memory.arecall(name, tail=True)
        recalled = time.perf_counter()
        await memory.aremember(name, name, messages)
        recalls.append(recalled - begin)
        remembers.append(time.perf_counter() - recalled)
    processor = time.process_time() - processor
    return statistics.median(recalls), statistics.median(remembers), processor / _TURNS


async def _resident(folder: Path) -> Figure:
    """Memory after many turns, against after the first ones, with consolidations going on."""
    async with UserMemory(str(folder / "resident.db"), model="offline", delay=0.5) as memory:

        async def chat(name: str, turns: int) -> None:
            for _ in range(turns // _CHATS):
                await memory.arecall(name, tail=True)
                await memory.aremember(name, name, _turn(next(count)))

        count = iter(range(_ALL_TURNS))
        await asyncio.gather(*(chat(f"user-{n}", _SETTLED) for n in range(_CHATS)))
        settled = _megabytes()
        await asyncio.gather(*(chat(f"user-{n}", _ALL_TURNS - _SETTLED) for n in range(_CHATS)))
        after = _megabytes()
    return Figure(
        f"resident memory after {_ALL_TURNS:,} / {_SETTLED:,} turns",
        f"{after:.0f} MB",
        f"{settled:.0f} MB",
        after / settled,
        1.1,
        "<=",
    )


def _turn(number: int) -> list[AnyMessage]:
    return [
        HumanMessage(f"I went climbing with Anna, for the {number}. time.", id=f"u{number}"),
        AIMessage(f"That sounds lovely, Will ({number})!", id=f"a{number}"),
    ]


def _megabytes() -> float:
    """The most that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
