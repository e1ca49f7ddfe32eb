"""The server of the memory is killed and started again, while people talk and workers work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

import psycopg
import pytest
from tests.faults.crowd import Crowd
from tests.faults.proof import proof
from tests.support.postgres import Server, fresh
from tests.support.until import until

from usermemory import UserMemory
from usermemory.errors import StoreBusy, StoreError
from usermemory.langgraph import acheckpointer, checkpointer, create_chatbot
from usermemory.testing import ScriptedModel


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_chat_goes_on(server: Server, mode: str) -> None:
    """While the server is away every verb fails at once; once it is back the next call works."""

    async def everybody(memory: UserMemory) -> None:
        await asyncio.gather(*(memory.arecall(f"user{number}") for number in range(20)))

    with fresh(server.url) as url, UserMemory(url, model="offline", worker=False) as memory:
        memory.remember("will", "t", ["I like chess"])
        asyncio.run(everybody(memory))  # several connections wait for work
        server.stop(mode)
        for use in (lambda: memory.remember("will", "t", ["x"]), lambda: memory.recall("will")):
            with pytest.raises(StoreError, match="cannot be reached"):
                use()
        server.start()
        asyncio.run(everybody(memory))
        assert memory.remember("will", "t", ["I like tea"]).new == 1
        memory.trigger("will")
        assert memory.recall("will").document["interests"] == ["chess", "tea"]


def test_workers_go_on(server: Server) -> None:
    """A server that crashes again and again loses no message, and nothing is read twice."""
    facts: list[str] = []
    with fresh(server.url) as url:
        crowd = Crowd(url, 2)
        with UserMemory(url, model="offline", worker=False) as memory:
            for turn in range(20):
                for user in range(4):
                    facts.append(f"thing {user} {turn}")
                    said = {"role": "user", "content": f"I like {facts[-1]}", "id": facts[-1]}
                    memory.remember(f"user{user}", "t", [said], delay=0.0)
                if turn % 5 == 4:
                    server.stop("immediate")
                    with suppress(StoreError):
                        memory.remember("user0", "t", [{**said, "id": "lost"}])
                    server.start()
            until(lambda: not memory.jobs(), "all to be read")
        crowd.close()
        assert proof(url, facts) == []


ASKED = {"messages": [("user", "Hello")]}
CONFIG = {"configurable": {"thread_id": "t", "user_id": "will"}}

A_FEW = 15.0
"""Seconds: several turns' waits for a connection, and less than half a minute for each."""


def noting() -> ScriptedModel:
    return ScriptedModel(replies=lambda _: "Noted.")


def test_a_bot_goes_on(server: Server) -> None:
    """While the server is away a turn fails within seconds, in our words; then the next works."""
    built = UserMemory(server.url, model="offline", worker=False)
    with built as memory, checkpointer(memory) as saver:
        bot = create_chatbot(memory, noting(), checkpointer=saver)
        bot.invoke(ASKED, CONFIG)  # type: ignore[arg-type]
        server.stop("immediate")
        began = monotonic()
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be reached"):
                bot.invoke(ASKED, CONFIG)  # type: ignore[arg-type]
        server.start()
        state = bot.invoke(ASKED, CONFIG)  # type: ignore[arg-type]
        assert monotonic() - began < A_FEW
        assert state["messages"][-1].text == "Noted."


async def test_an_awaited_bot_goes_on(server: Server) -> None:
    """The same in the other colour."""
    with UserMemory(server.url, model="offline", worker=False) as memory:
        async with await acheckpointer(memory) as saver:
            bot = create_chatbot(memory, noting(), checkpointer=saver)
            await bot.ainvoke(ASKED, CONFIG)  # type: ignore[arg-type]
            server.stop("immediate")
            began = monotonic()
            with pytest.raises(StoreError, match="cannot be reached"):
                await bot.ainvoke(ASKED, CONFIG)  # type: ignore[arg-type]
            server.start()
            state = await bot.ainvoke(ASKED, CONFIG)  # type: ignore[arg-type]
            assert monotonic() - began < A_FEW
            assert state["messages"][-1].text == "Noted."


async def test_locked_threads(server: Server) -> None:
    """A turn does not wait for as long as somebody holds the tables of threads."""
    built = UserMemory(server.url, model="offline", worker=False)
    with built as memory, checkpointer(memory) as saver, psycopg.connect(server.url) as other:
        bot = create_chatbot(memory, noting(), checkpointer=saver)
        other.execute("LOCK TABLE checkpoints, checkpoint_writes, checkpoint_blobs")
        with pytest.raises(StoreBusy, match="lock"):
            bot.invoke(ASKED, CONFIG)  # type: ignore[arg-type]
        async with await acheckpointer(memory) as awaited:
            bot = create_chatbot(memory, noting(), checkpointer=awaited)
            with pytest.raises(StoreBusy, match="lock"):
                await bot.ainvoke(ASKED, CONFIG)  # type: ignore[arg-type]
