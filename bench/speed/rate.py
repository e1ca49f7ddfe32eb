"""Operations per second, of one caller and of many at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

Operation = Callable[[int], Awaitable[object]]
"""Does the thing once; the number says which one of many."""

AT_ONCE = 100
"""Concurrent callers."""


async def one_by_one(operation: Operation, count: int) -> float:
    """Operations per second of one caller who waits for each."""
    begin = time.perf_counter()
    for number in range(count):
        await operation(number)
    return count / (time.perf_counter() - begin)


async def at_once(operation: Operation, count: int) -> float:
    """Operations per second of many callers, each of whom waits for its own."""

    async def caller(first: int) -> None:
        for number in range(first, count, AT_ONCE):
            await operation(number)

    begin = time.perf_counter()
    await asyncio.gather(*map(caller, range(AT_ONCE)))
    return count / (time.perf_counter() - begin)


def per_second(rates: Sequence[float]) -> str:
    """The median rate, for people."""
    return f"{statistics.median(rates):,.0f}/s"
