"""Two sides of a ratio, measured in turn in one run: processor time, medians of many rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.table import Figure, Sense, median_ratio

Side = Callable[[int], object]
"""Does the thing once; the number says which time it is."""


@dataclass(frozen=True)
class Target:
    """What a ratio should be."""

    ratio: float | None = None
    sense: Sense = "<="


def processor(
    name: str, ours: Side, other: Side, target: Target, *, rounds: int, times: int
) -> Figure:
    """Processor time of the first side by that of the second, all threads of the process counted.

    Args:
        name: What is compared.
        ours: The first side.
        other: The second.
        target: What the ratio should be.
        rounds: In each, both sides are measured, one after the other.
        times: How often each side does its thing in a round.
    """
    counts = [0, 0]
    taken: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        order = (0, 1) if number % 2 else (1, 0)
        for side in order:
            begin = time.process_time()
            for _ in range(times):
                (ours, other)[side](counts[side])
                counts[side] += 1
            taken[side].append((time.process_time() - begin) / times)
    first, second = (times_[1:] for times_ in taken)  # the first round warms both sides
    return Figure(
        name,
        micros(statistics.median(first)),
        micros(statistics.median(second)),
        median_ratio(first, second),
        target.ratio,
        target.sense,
    )


def micros(seconds: float) -> str:
    """Microseconds, for people."""
    return f"{seconds * 1_000_000:,.0f} µs"
