"""The chat goes on while the memory's database does not, and nothing is lost."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from tests.support.graphs import COLOURS, chatting, memory_in

from usermemory import UserMemory
from usermemory.errors import IdentityError, StoreBusy, StoreError, StoreFull
from usermemory.gate import Gate
from usermemory.langgraph import create_chatbot
from usermemory.store import sqlite
from usermemory.store.sqlite import SQLite
from usermemory.testing import FakeClock, ScriptedModel

FILES = ("memory.db", "memory.db-wal", "memory.db-shm")


@contextmanager
def locked(memory: UserMemory, folder: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    other = sqlite3.connect(folder / "memory.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def gone(memory: UserMemory, folder: Path) -> Iterator[None]:
    """Somebody moved the files away, and puts them back."""
    there = [name for name in FILES if (folder / name).exists()]
    for name in there:
        (folder / name).rename(folder / f"away-{name}")
    yield
    for name in there:
        (folder / f"away-{name}").rename(folder / name)


@contextmanager
def full(memory: UserMemory, folder: Path) -> Iterator[None]:
    """The disk has no room for another page."""
    assert isinstance(memory.driver, SQLite)
    connection: Any = memory.driver.writing
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    limit = connection.execute("PRAGMA max_page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute(f"PRAGMA max_page_count = {limit}")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock in these tests."""
    real = sqlite.connect
    monkeypatch.setattr(sqlite, "connect", lambda path, _, **options: real(path, 0.01, **options))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("trouble", "kind"), [(locked, StoreBusy), (gone, StoreError), (full, StoreFull)]
)
async def test_the_chat_goes_on_and_the_next_turn_stores_what_was_missed(
    tmp_path: Path, colour: str, trouble: Any, kind: type[StoreError], caplog: Any
) -> None:
    """A turn during the trouble is answered, reported, and stored by the turn after it."""
    words = " and ".join(f"I love thing {number}" for number in range(300))
    model = ScriptedModel(replies=lambda _: "Noted.")
    async with chatting(tmp_path, colour, model, InMemorySaver()) as chat:
        await chat.say("My name is Will.")
        with trouble(chat.memory, tmp_path), caplog.at_level(logging.WARNING):
            assert await chat.say(f"I love bouldering. {words}") == "Noted."
        assert chat.unread() == 2
        assert len(chat.errors()) in {2, 3}  # a locked or full database can still be read
        assert {type(event.error) for event in chat.errors()} == {kind}
        assert len(caplog.records) == len(chat.errors())
        assert "bouldering" not in caplog.text
        chat.events.clear()
        await chat.say("Still there?")
        assert chat.errors() == []
        assert chat.unread() == 6
        chat.memory.trigger("will")
        document = chat.memory.recall("will").document
    assert document["name"] == "Will"
    assert "bouldering" in document["interests"]


@pytest.mark.parametrize("colour", COLOURS)
async def test_a_deleted_database_costs_memory_not_the_chat(tmp_path: Path, colour: str) -> None:
    """With the file gone for good every turn is answered, and each failure is an event."""
    model = ScriptedModel(replies=lambda _: "Noted.")
    async with chatting(tmp_path, colour, model, InMemorySaver()) as chat:
        await chat.say("My name is Will.")
        for name in FILES:
            (tmp_path / name).unlink(missing_ok=True)
        for _ in range(2):
            assert await chat.say("Hello?") == "Noted."
        assert len(chat.errors()) == 6
        assert all(event.user_id == "will" and event.thread_id == "1" for event in chat.errors())


@pytest.mark.parametrize("colour", COLOURS)
async def test_tests_may_want_the_failure(tmp_path: Path, colour: str) -> None:
    """With ``on_error="raise"`` the turn fails with the store's error."""
    model = ScriptedModel(replies=[])
    async with chatting(tmp_path, colour, model, InMemorySaver(), on_error="raise") as chat:
        with gone(chat.memory, tmp_path), pytest.raises(StoreError, match="is gone"):
            await chat.say("Hello")


@pytest.mark.parametrize("colour", COLOURS)
async def test_who_the_user_is_must_be_clear_even_so(tmp_path: Path, colour: str) -> None:
    """A run without a usable user fails, whatever ``on_error`` says."""
    async with chatting(tmp_path, colour, ScriptedModel(replies=[]), InMemorySaver()) as chat:
        with pytest.raises(IdentityError):
            await chat.say("Hello", user_id="")
    assert chat.errors() == []


async def test_a_memory_that_was_closed_does_not_stop_the_chat(tmp_path: Path) -> None:
    """While an application shuts down, turns that still run are answered."""
    model = ScriptedModel(replies=["Bye."])
    async with chatting(tmp_path, "async", model, InMemorySaver()) as chat:
        chat.memory.close()
        assert await chat.say("Good night.") == "Bye."
        assert len(chat.errors()) == 3


@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_hooks_of_the_application_fail_no_turn(tmp_path: Path, colour: str) -> None:
    """Whatever a hook raises, the turn goes on and what was said is stored."""

    class Broken(Gate):
        def opens(self, batch: Any) -> bool:
            raise RuntimeError("opens")

        def at_once(self, count: int, characters: int) -> bool:
            raise RuntimeError("at_once")

    def broken(_: Any) -> Any:
        raise RuntimeError("hook")

    for number, hook in enumerate(
        ({"gate": Broken()}, {"author": broken}, {"on_event": broken}, {"gate": broken})
    ):
        with memory_in(tmp_path, clock=FakeClock(), **hook) as memory:
            bot = create_chatbot(memory, ScriptedModel(replies=lambda _: "ok"))
            config: Any = {"configurable": {"user_id": "will", "thread_id": f"{number}"}}
            asked: Any = {"messages": [("user", "I love chess.")]}
            if colour == "sync":
                done = bot.invoke(asked, config)
            else:
                done = await bot.ainvoke(asked, config)
            assert done["messages"][-1].text == "ok"
            assert [job.unread for job in memory.jobs() if job.thread_id == f"{number}"] == [2]
