"""A FastAPI service on PostgreSQL with sixty users at once: turns with memory, and without."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import httpx
from bench.quick.turn import alone, model
from bench.table import Figure, median_ratio
from fastapi import FastAPI
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from tests.support.postgres import Server

from usermemory import UserMemory
from usermemory.langgraph import create_chatbot

_USERS = 60
_ROUNDS = 7


def figures() -> list[Figure]:
    """Of a round in which each user has one turn: by the clock, and processor of the service."""
    server = Server("fsync=on", "shared_buffers=256MB")
    try:
        with UserMemory(server.url, model="offline", worker=False, delay=3600) as memory:
            rounds = asyncio.run(_rounds(memory, server.url))
    finally:
        server.close()
    found: list[Figure] = []
    for at, what in enumerate(("by the clock", "processor")):
        ours, other = ([one[side][at] for one in rounds] for side in (0, 1))
        middle = (f"{statistics.median(one) / _USERS * 1_000:.1f} ms" for one in (ours, other))
        name = f"FastAPI, PostgreSQL, {_USERS} users at once: a turn / without memory, {what}"
        found.append(Figure(name, *middle, median_ratio(ours, other), 1.4, "<="))
    return found


async def _rounds(memory: UserMemory, url: str) -> list[list[tuple[float, float]]]:
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, max_size=10, kwargs=settings) as pool:
        saver = AsyncPostgresSaver(pool)  # type: ignore[arg-type]
        await saver.setup()
        ours = create_chatbot(memory, model(tools=False), checkpointer=saver)
        services = [(_service(ours), "ours"), (_service(alone(saver)), "alone")]
        found: list[list[tuple[float, float]]] = []
        for number in range(_ROUNDS + 1):
            order = services if number % 2 else services[::-1]
            taken = {name: await _round(service, name, number) for service, name in order}
            found.append([taken["ours"], taken["alone"]])
    return found[1:]


def _service(bot: Any) -> FastAPI:
    app = FastAPI()

    @app.post("/chat/{user}/{thread}")
    async def chat(user: str, thread: str, said: str) -> dict[str, str]:
        config = {"configurable": {"user_id": user, "thread_id": thread}}
        done = await bot.ainvoke({"messages": [("user", said)]}, config)
        return {"answer": done["messages"][-1].text}

    return app


async def _round(app: FastAPI, side: str, number: int) -> tuple[float, float]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        began, processor = time.perf_counter(), time.process_time()
        answers = await asyncio.gather(
            *(
                client.post(
                    f"/chat/user-{user}/{side}-{user}",
                    params={"said": f"I went climbing with Anna, for the {number}. time."},
                )
                for user in range(_USERS)
            )
        )
        for answer in answers:
            answer.raise_for_status()
        return time.perf_counter() - began, time.process_time() - processor
