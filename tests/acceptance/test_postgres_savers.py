"""Savers on the memory's PostgreSQL database: one database for threads and users."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.langgraph import acheckpointer, checkpointer, create_chatbot
from usermemory.testing import ScriptedModel


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


def noting() -> ScriptedModel:
    """A model with one thing to say."""
    return ScriptedModel(replies=lambda _: "Noted.")


def built(url: str) -> UserMemory:
    return UserMemory(url, model="offline", worker=False)


def config_of(url: str) -> dict[str, dict[str, str]]:
    # The tables of threads are shared by all tests of a server.
    return {"configurable": {"thread_id": url, "user_id": "will"}}


def test_threads_outlive_the_program(url: str) -> None:
    """A new process finds both the thread and the user."""
    for text, messages in (("Hello", 2), ("Hello again", 4)):
        with built(url) as memory, checkpointer(memory) as saver:
            bot = create_chatbot(memory, noting(), checkpointer=saver)
            state = bot.invoke({"messages": [("user", text)]}, config_of(url))  # type: ignore[arg-type]
            assert len(state["messages"]) == messages
            assert memory.jobs()[0].unread == messages


async def test_many_chats(url: str) -> None:
    """Twenty conversations at once, with memory and async saver on one database: none fails."""
    with built(url) as memory:
        async with await acheckpointer(memory) as saver:
            bot = create_chatbot(memory, noting(), checkpointer=saver)

            async def converse(user_id: str) -> None:
                config = {"configurable": {"thread_id": f"{url} {user_id}", "user_id": user_id}}
                for game in ("chess", "tennis"):
                    said = {"messages": [("user", f"I love {game}.")]}
                    await bot.ainvoke(said, config)  # type: ignore[arg-type]

            await asyncio.gather(*(converse(f"user{number}") for number in range(20)))
        memory.trigger_all()
        for number in range(20):
            found = memory.recall(f"user{number}").document["interests"]
            assert found == ["chess", "tennis"]


def cut(url: str) -> None:
    """End every connection of this database but our own, as a restart of the server does."""
    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


async def test_connections_that_were_cut_are_replaced(url: str) -> None:
    """The turn after the server cut all connections works, in either colour."""
    asked = {"messages": [("user", "Hello")]}
    with built(url) as memory:
        with checkpointer(memory) as saver:
            bot = create_chatbot(memory, noting(), checkpointer=saver)
            for messages in (2, 4):
                state = bot.invoke(asked, config_of(url))  # type: ignore[arg-type]
                assert len(state["messages"]) == messages
                cut(url)
        async with await acheckpointer(memory) as later:
            bot = create_chatbot(memory, noting(), checkpointer=later)
            for messages in (6, 8):
                state = await bot.ainvoke(asked, config_of(url))  # type: ignore[arg-type]
                assert len(state["messages"]) == messages
                cut(url)


async def test_a_sync_saver_in_an_awaited_graph(url: str, tmp_path: Path) -> None:
    """The error says which saver to use, on both databases."""
    for address in (url, f"sqlite:///{tmp_path}/memory.db"):
        with built(address) as memory, checkpointer(memory) as saver:
            bot = create_chatbot(memory, noting(), checkpointer=saver)
            with pytest.raises(NotImplementedError, match="await acheckpointer"):
                await bot.ainvoke({"messages": [("user", "Hello")]}, config_of(url))  # type: ignore[arg-type]
