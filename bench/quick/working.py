"""Several users at once, several threads of one user, and what a consolidation costs by itself."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

from bench.table import Figure

from usermemory import UserMemory
from usermemory.extract import Extraction
from usermemory.records import Change, Event

_MODEL = 1.0
"""Seconds that the model thinks."""


class Instant:
    """An extractor that learns the drink of a batch at once, or after some seconds."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def extract(self, batch: object) -> Extraction:
        """One change, of the batch's last message."""
        time.sleep(self._seconds)
        said = batch.batch[-1].text  # type: ignore[attr-defined]
        value = said.removeprefix("I like ")
        return Extraction((Change("core_memories", "add", f"likes {value}", quote=said),))


def figures(folder: Path) -> list[Figure]:
    """All of them."""
    return [
        _eight_users(folder),
        _six_threads(folder),
        *(_consolidation(folder, items, most) for items, most in ((100, 5.0), (4_000, 20.0))),
    ]


def _learned(path: Path, places: list[tuple[str, str]], seconds: float) -> list[float]:
    """When each of some threads was read, in seconds since they were due together."""
    done: list[float] = []
    everything = threading.Event()

    def heard(event: Event) -> None:
        if event.kind == "consolidated":
            done.append(time.perf_counter() - due)
            if len(done) == len(places):
                everything.set()

    delay = 2.0
    with UserMemory(path, model=Instant(seconds), delay=delay, on_event=heard) as memory:
        due = time.perf_counter() + delay
        for number, (user, thread) in enumerate(places):
            memory.remember(
                user,
                thread,
                [("user", f"I like drink number {number}")],
                delay=max(0.0, due - time.perf_counter()),
            )
        everything.wait(60)
    return done


def _eight_users(folder: Path) -> Figure:
    done = _learned(folder / "eight.db", [(f"user-{n}", "t") for n in range(8)], _MODEL)
    last = max(done) if len(done) == 8 else float("inf")
    return Figure(
        "eight users due together, the last one learned / a model of 1 s",
        f"{last:.2f} s",
        f"{_MODEL:.2f} s",
        last / _MODEL,
        1.3,
        "<=",
    )


def _six_threads(folder: Path) -> Figure:
    done = _learned(folder / "six.db", [("user", f"thread-{n}") for n in range(6)], 0.0)
    last = max(done) if len(done) == 6 else float("inf")
    return Figure(
        "six due threads of one user, the last one read / 1.5 s",
        f"{last:.2f} s",
        "1.50 s",
        last / 1.5,
        1,
        "<=",
    )


def _consolidation(folder: Path, items: int, most: float) -> Figure:
    """Processor time of `trigger` with an instant model, on a profile of so many items."""
    taken: list[float] = []
    path = folder / f"items-{items}.db"
    with UserMemory(path, model=Instant(), worker=False, max_profile=2_000_000) as memory:
        known = [
            f"Something that was said of an evening, number {number}" for number in range(items)
        ]
        memory.edit("u", {"core_memories": known}, by="bench")
        for number in range(21):
            memory.remember("u", "t", [("user", f"I like drink number {number}")])
            begin = time.process_time()
            (outcome,) = memory.trigger("u")
            taken.append((time.process_time() - begin) * 1_000)
            if outcome.status != "changed":
                raise AssertionError(outcome)
    middle = statistics.median(taken[3:])
    return Figure(
        f"a consolidation at {items:,} items, processor / {most:g} ms",
        f"{middle:.1f} ms, fastest {min(taken):.1f}",
        f"{most:.1f} ms",
        middle / most,
        1,
        "<=",
    )
