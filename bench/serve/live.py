"""What open pages cost the server.

`usermemory serve` on SQLite, with its worker. Each page is *Try it* of a user of its own, and asks
what stands beside the talk every two seconds, as a browser does, by the address that the answer
before holds. Meanwhile messages are remembered by the HTTP API and the worker reads them.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from usermemory import UserMemory
from usermemory.serve.tokens import Tokens

_EVERY = 2.0
_ITEMS = 60
_SETTLE = 15.0
"""Seconds before the first look at the memory: all pages have been rendered, threads exist."""
_ADDRESS = re.compile(r'id="beside"[^>]*hx-get="([^"]+)"')
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Seen:
    """What the pages were answered.

    Attributes:
        statuses: How often each.
        latencies: Seconds of each request.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


def measure(folder: Path, args: argparse.Namespace) -> None:
    """Measure and print."""
    file = folder / "memory.db"
    token = _filled(file, args.pages)
    words = ["serve", "--port", "0", "--db", str(file), "--model", "offline", "--delay", "3"]
    with subprocess.Popen(
        [sys.executable, "-m", "usermemory", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        try:
            assert server.stdout
            url = server.stdout.readline().partition("/enter")[0]
            asyncio.run(_measured(url, token, server.pid, args))
        finally:
            server.terminate()


def _filled(file: Path, pages: int) -> str:
    """A database with a user for each page; a token that reaches everybody."""
    with UserMemory(file, model="offline", worker=False) as memory:
        for number in range(pages):
            items = [f"thing {number}-{item}" for item in range(_ITEMS)]
            memory.edit(f"user-{number}", {"name": f"U{number}", "interests": items}, by="bench")
        return Tokens(memory).create("bench")[0]


async def _measured(url: str, token: str, pid: int, args: argparse.Namespace) -> None:
    seen = Seen()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as http:
        signed = await http.post("/enter", data={"token": token}, headers={"origin": url})
        assert signed.status_code == 303, signed.text
        http.headers["authorization"] = f"Bearer {token}"
        work = [asyncio.create_task(_page(http, number, seen)) for number in range(args.pages)]
        work.append(asyncio.create_task(_talk(http, args)))
        await asyncio.sleep(_SETTLE)
        seen.statuses.clear()
        seen.latencies.clear()
        began, worked, held = time.monotonic(), _processor(pid), _memory(pid)
        for part in range(4):
            await asyncio.sleep(args.seconds / 4)
            print(f"after {(part + 1) * args.seconds / 4:.0f} s: {_memory(pid):.1f} MB resident")
            for task in work:
                if task.done():
                    task.result()
        seconds = time.monotonic() - began
        worked = (_processor(pid) - worked) / seconds
        for task in work:
            task.cancel()
    taken = sorted(seen.latencies)
    print(f"{args.pages} pages, {args.messages:g} messages remembered a second, {seconds:.0f} s")
    print(f"requests of pages: {len(taken) / seconds:.1f}/s, answered {dict(seen.statuses)}")
    print(f"processor of the server: {worked:.3f} s a second")
    print(f"latency: median {taken[len(taken) // 2] * 1e3:.1f} ms, ", end="")
    print(f"of 95% {taken[int(len(taken) * 0.95)] * 1e3:.1f} ms")
    print(f"resident memory: {held:.1f} MB, at the end {_memory(pid):.1f} MB")


async def _page(http: httpx.AsyncClient, number: int, seen: Seen) -> None:
    """An open page of *Try it*."""
    await asyncio.sleep(random.uniform(0, _EVERY))
    page = await http.get("/talk", params={"user": f"user-{number}", "thread": "t"})
    address = _next(page.text)
    while True:
        await asyncio.sleep(_EVERY)
        began = time.perf_counter()
        answer = await http.get(address, headers={"hx-request": "true"})
        seen.latencies.append(time.perf_counter() - began)
        seen.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            address = _next(answer.text)


def _next(page: str) -> str:
    found = _ADDRESS.search(page)
    assert found, page[:500]
    return html.unescape(found[1])


async def _talk(http: httpx.AsyncClient, args: argparse.Namespace) -> None:
    """Remember so many messages a second, of the pages' users in turn."""
    number = 0
    while args.messages:
        user, number = f"user-{number % args.pages}", number + 1
        said = {"messages": [{"role": "user", "content": f"I like hobby {number % 40}."}]}
        answer = await http.post(f"/api/v1/users/{user}/threads/t/messages", json=said)
        assert answer.status_code == 202, answer.text
        await asyncio.sleep(1.0 / args.messages)


def _processor(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> float:
    """Megabytes that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
