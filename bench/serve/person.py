"""What a person's page costs the server, where much is known and of many."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from bench.table import Figure

from usermemory import UserMemory
from usermemory.extract import Extraction
from usermemory.records import Change
from usermemory.serve import app

_ITEMS = 4_000
_REVISIONS = 1_000
_USERS = 10_000
_ROUNDS = 31
_MILLISECONDS = 50.0
_PAGES = {
    "person": "/person?user=will",
    "value": "/person/value?user=will&path=/interests/3990",
    "timeline": "/person/timeline?user=will",
    "operations": "/operations",
    "people": "/people",
}


class _Quoting:
    """An extractor that learns each of the things that a message names."""

    def extract(self, batch: Any) -> Extraction:
        """One added item for each of them, on its own words."""
        things = [part.strip(" .") for part in batch.batch[-1].text.split(",")]
        return Extraction(tuple(Change("interests", "add", one, quote=one) for one in things))


def figures(folder: Path) -> list[Figure]:
    """Processor and clock of each page in the app, without a network."""
    with UserMemory(
        folder / "pages.db", model=_Quoting(), worker=False, max_profile=1_000_000
    ) as memory:
        _fill(memory)
        return asyncio.run(_measured(memory))


def _fill(memory: UserMemory) -> None:
    """Many users with a message each, and one of whom much is known."""
    for user in range(_USERS):
        memory.remember(f"user-{user}", "t", [("user", "I live in Porto.")])
    step = _ITEMS // _REVISIONS
    for begin in range(0, _ITEMS, step):
        things = ", ".join(f"thing number {item}" for item in range(begin, begin + step))
        memory.remember("will", "t", [("user", f"{things}.")])
        (outcome,) = memory.trigger("will")
        assert outcome.status == "changed", outcome


async def _measured(memory: UserMemory) -> list[Figure]:
    served = app(memory, rate_limit=None)
    transport = httpx.ASGITransport(served)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await client.get(served.state.pages.first_visit(), follow_redirects=True)
        return [await _page(client, name, path) for name, path in _PAGES.items()]


async def _page(client: httpx.AsyncClient, name: str, path: str) -> Figure:
    processor: list[float] = []
    clock: list[float] = []
    for _ in range(_ROUNDS):
        began = time.process_time(), time.perf_counter()
        answer = await client.get(path)
        clock.append(time.perf_counter() - began[1])
        processor.append(time.process_time() - began[0])
        assert answer.status_code == 200, (path, answer.status_code)
    spent = _median(clock)
    return Figure(
        f"{name}: ms by the clock, processor beside",
        f"{spent:.1f} ms",
        f"{_median(processor):.1f} ms",
        spent,
        _MILLISECONDS,
        "<=",
    )


def _median(seconds: Sequence[float]) -> float:
    return statistics.median(seconds[1:]) * 1e3
