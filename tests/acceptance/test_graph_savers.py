"""Savers on the memory's own file: one database for threads and users."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from langchain_core.runnables import RunnableConfig
from tests.support.graphs import Chat, memory_in
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.errors import ConfigurationError, NotADatabase, StoreBusy
from usermemory.langgraph import acheckpointer, checkpointer, create_chatbot, savers
from usermemory.store.sqlite.connection import SETTINGS, is_busy, patiently, pragmas_of
from usermemory.testing import ScriptedModel

T = TypeVar("T")


def noting() -> ScriptedModel:
    """A model with one thing to say."""
    return ScriptedModel(replies=lambda _: "Noted.")


def test_a_saver_is_as_durable_as_the_memory(tmp_path: Path) -> None:
    """Its connection is its own, and has every setting of the memory's."""
    with memory_in(tmp_path) as memory, checkpointer(memory) as saver:
        assert pragmas_of(saver.conn) == SETTINGS


async def test_an_async_saver_is_as_durable_as_the_memory(tmp_path: Path) -> None:
    """Its connection has every setting of the memory's too."""
    with memory_in(tmp_path) as memory:
        async with await acheckpointer(memory) as saver:
            connection = saver.conn
            for name, value in SETTINGS.items():
                async with connection.execute(f"PRAGMA {name}") as cursor:
                    assert await cursor.fetchone() == (value,)
        with pytest.raises(ValueError, match="no active connection"):
            await connection.execute("SELECT 1")


def test_threads_outlive_the_program(tmp_path: Path) -> None:
    """A new process finds both the thread and the user, with a saver that needs no ``with``."""
    thread = {"configurable": {"thread_id": "1", "user_id": "will"}}
    for text, messages in (("Hello", 2), ("Hello again", 4)):
        with memory_in(tmp_path) as memory:
            saver = checkpointer(memory)
            bot = create_chatbot(memory, noting(), checkpointer=saver)
            state = bot.invoke({"messages": [("user", text)]}, thread)  # type: ignore[arg-type]
            saver.close()
            assert len(state["messages"]) == messages
            assert memory.jobs()[0].unread == messages


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """The error is ours and names the file."""
    (tmp_path / "memory.db").write_text("not a database, but long enough to be looked at" * 40)
    memory = memory_in(tmp_path)
    with pytest.raises(NotADatabase, match=r"memory\.db"):
        checkpointer(memory)


async def test_many_chats_share_the_file(tmp_path: Path) -> None:
    """Twenty conversations at once, with worker, memory and saver in one file: none fails."""
    users = [f"user-{number}" for number in range(20)]
    with memory_in(tmp_path, worker=True, delay=0) as memory:
        async with await acheckpointer(memory) as saver:
            chat = Chat(memory, create_chatbot(memory, noting(), checkpointer=saver), "async")

            async def converse(user_id: str) -> None:
                for game in ("chess", "tennis"):
                    await chat.say(f"I love {game}.", user_id, user_id)

            await asyncio.gather(*map(converse, users))
        memory.trigger_all()
        for user_id in users:
            assert memory.recall(user_id).document["interests"] == ["chess", "tennis"]


def test_a_program_that_closes_nothing_ends(tmp_path: Path) -> None:
    """After an error, with an async saver open, the process ends with its traceback."""
    code = (
        "import asyncio\n"
        "from usermemory import UserMemory\n"
        "from usermemory.langgraph import acheckpointer, create_chatbot\n"
        "from usermemory.testing import ScriptedModel\n"
        f"memory = UserMemory({str(tmp_path / 'memory.db')!r}, model='offline')\n"
        "async def main():\n"
        "    saver = await acheckpointer(memory)\n"
        "    model = ScriptedModel(replies=lambda _: 'ok')\n"
        "    bot = create_chatbot(memory, model, checkpointer=saver)\n"
        "    config = {'configurable': {'user_id': 'will', 'thread_id': '1'}}\n"
        "    await bot.ainvoke({'messages': [('user', 'hi')]}, config)\n"
        "    raise RuntimeError('something else')\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "RuntimeError: something else" in done.stderr


@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_a_locked_file(tmp_path: Path, colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn waits once for another program's lock, and fails with a sentence that says why."""
    waits: list[float] = []

    def waiting(statement: Callable[[], T], seconds: float) -> T:
        nonlocal waits
        try:
            return patiently(statement, seconds / 100)
        except sqlite3.OperationalError as error:
            waits += [seconds] * is_busy(error)
            raise

    monkeypatch.setattr(savers, "patiently", waiting)
    thread: RunnableConfig = {"configurable": {"thread_id": "1", "user_id": "will"}}
    said: Any = {"messages": [("user", "Hello")]}
    with memory_in(tmp_path) as memory:
        saver = checkpointer(memory) if colour == "sync" else await acheckpointer(memory)
        bot = create_chatbot(memory, noting(), checkpointer=saver)

        async def turn() -> None:
            if colour == "async":
                await bot.ainvoke(said, thread)
            else:
                await asyncio.to_thread(bot.invoke, said, thread)

        await turn()
        with closing(sqlite3.connect(tmp_path / "memory.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(StoreBusy, match=r"memory\.db is locked by another process"):
                    await turn()
        assert waits.count(max(waits)) == 1, waits
        await turn()
        with closing(sqlite3.connect(tmp_path / "memory.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy):
                await turn()
        assert waits.count(max(waits)) == 2, waits
        if isinstance(saver, savers.AsyncSaver):
            await saver.aclose()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_an_async_saver_in_another_event_loop(tmp_path: Path, database: str) -> None:
    """On a file it serves loop after loop, many turns at once; on a server it says what to do."""
    with contextlib.ExitStack() as stack:
        url = str(tmp_path / "memory.db")
        if database == "postgresql":
            url = stack.enter_context(fresh())
        memory = stack.enter_context(UserMemory(url, model="offline", worker=False))
        first = asyncio.new_event_loop()
        stack.callback(first.close)
        saver = first.run_until_complete(acheckpointer(memory))
        bot = create_chatbot(memory, noting(), checkpointer=saver)

        async def turns() -> list[Any]:
            said: Any = {"messages": [("user", "Hello")]}
            return await asyncio.gather(
                *(
                    bot.ainvoke(said, {"configurable": {"thread_id": f"{n} {url}", "user_id": "a"}})
                    for n in range(4)
                )
            )

        if database == "postgresql":
            with pytest.raises(ConfigurationError, match="another event loop"):
                asyncio.run(turns())
            first.run_until_complete(saver.aclose())
            return
        assert [len(one["messages"]) for one in asyncio.run(turns())] == [2] * 4
        first.close()
        assert [len(one["messages"]) for one in asyncio.run(turns())] == [4] * 4
        asyncio.run(saver.aclose())
