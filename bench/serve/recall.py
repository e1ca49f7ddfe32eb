"""What the HTTP API adds to a recall: processor time of the app beside the library's."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.table import Figure

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens

_ITEMS = 60
_ROUNDS = 15
_COUNT = 200
_ABOUT = "Which thing was it?"


def figures(folder: Path) -> list[Figure]:
    """Of ``GET …/profile`` in the app, without a network: milliseconds beyond the library's."""
    with UserMemory(folder / "recall.db", model="offline", worker=False) as memory:
        items = [f"thing number {item}" for item in range(_ITEMS)]
        memory.edit("will", {"name": "Will", "interests": items}, by="bench")
        token = Tokens(memory).create("bench")[0]
        return asyncio.run(_compared(memory, app(memory, rate_limit=None), token))


async def _compared(memory: UserMemory, served: Any, token: str) -> list[Figure]:
    async def library() -> None:
        found = await memory.arecall("will", about=_ABOUT)
        await asyncio.to_thread(found.render, 1_000)

    async def over_http() -> None:
        await _get(served, token)

    answer = json.loads(await _get(served, token))
    assert answer["profile"]["name"] == "Will"
    for one in (library, over_http):
        await _milliseconds(one)
    rounds = [
        (await _milliseconds(over_http), await _milliseconds(library)) for _ in range(_ROUNDS)
    ]
    ours, alone = ([one[side] for one in rounds] for side in (0, 1))
    more = statistics.median(a - b for a, b in rounds)
    return [
        Figure(
            "GET profile: ms of processor beyond arecall and render",
            f"{statistics.median(ours):.2f} ms",
            f"{statistics.median(alone):.2f} ms",
            more,
            3.0,
            "<=",
        )
    ]


async def _milliseconds(call: Callable[[], Awaitable[None]]) -> float:
    """Processor of one call, of all threads of this process."""
    began = time.process_time()
    for _ in range(_COUNT):
        await call()
    return (time.process_time() - began) / _COUNT * 1e3


async def _get(served: Any, token: str) -> bytes:
    """A request as a server hands it to the app; the body of the answer."""
    path = "/api/v1/users/will/profile"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"about=Which%20thing%20was%20it%3F",
        "headers": [
            (b"host", b"127.0.0.1:8765"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"accept", b"application/json"),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8765),
    }
    body: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        body.append(message.get("body", b""))

    await served(scope, receive, send)
    return b"".join(body)
