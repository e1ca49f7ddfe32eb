"""What was erased is not in any byte of the database's files."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.until import until

from usermemory import UserMemory
from usermemory.conformance.harness import Listener
from usermemory.langgraph import checkpointer, create_chatbot
from usermemory.store.sqlite import connection
from usermemory.testing import FakeClock, ScriptedModel

VALUES = ["bouldering in Fontainebleau", "crème brûlée", "日本の陶芸", 'the "quoted" \\ thing']


def bytes_of(path: Path) -> bytes:
    """The file, its log, and whatever else of it there is."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def say(bot: Any, text: str) -> None:
    """One turn of Will's, on Monday."""
    ids = {"user_id": "will", "thread_id": "monday"}
    bot.invoke({"messages": [("user", text)]}, {"configurable": ids})


def stands(value: str, data: bytes) -> bool:
    """In UTF-8, or escaped as JSON, in any case that was written here."""
    forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return any(form.encode() in data for form in forms)


@pytest.mark.parametrize("value", VALUES)
def test_no_byte_is_left(value: str, tmp_path: Path) -> None:
    """After ten thousand other rows, with a checkpointer in the file and a reader until the end."""
    path = tmp_path / "memory.db"
    with (
        UserMemory(str(path), model=Listener(), worker=False) as memory,
        checkpointer(memory) as saver,
    ):
        bot = create_chatbot(
            memory, ScriptedModel(replies=[f"So you like {value}!"]), checkpointer=saver
        )
        say(bot, f"I like {value}")
        memory.trigger("will")
        assert memory.recall("will").document["interests"] == [value]
        for number in range(100):
            noise = [f"I like thing {number} {index}" for index in range(100)]
            memory.remember(f"user {number}", "t", noise)
        memory.edit("will", {"interests": [value, "tea"]}, by="will")
        memory.remember("will", "tuesday", [f"Did I say {value}?"])
        assert stands(value, bytes_of(path))
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM usermemory_users").fetchone()
            done = memory.forget("will", "interests", value, checkpointer=saver)
            assert (done.pending, done.threads) == (True, ("monday", "tuesday"))
            assert memory.verify_erased("will", value).pending
            assert not memory.clean()
        assert memory.clean()
        assert not stands(value, bytes_of(path))
        proof = memory.verify_erased("will", value)
        assert (proof.erased, proof.pending) == (True, False)
        assert memory.recall("will").document["interests"] == ["tea"]


def test_without_the_checkpointer(tmp_path: Path) -> None:
    """Its threads are named, and the proof finds what they still hold."""
    path = tmp_path / "memory.db"
    with (
        UserMemory(str(path), model=Listener(), worker=False) as memory,
        checkpointer(memory) as saver,
    ):
        bot = create_chatbot(memory, ScriptedModel(replies=["Good."]), checkpointer=saver)
        say(bot, "I like bouldering")
        memory.trigger("will")
        assert memory.forget("will", "interests", "bouldering").threads == ("monday",)
        proof = memory.verify_erased("will", "bouldering")
        assert not proof.erased
        assert ("monday",) in {place.threads for place in proof.places if place.unknown}


async def test_a_saver_for_sync_graphs(tmp_path: Path) -> None:
    """An awaited erasure deletes the threads of a saver that has only the plain way, too."""
    path = tmp_path / "memory.db"
    with (
        UserMemory(str(path), model=Listener(), worker=False) as memory,
        checkpointer(memory) as saver,
    ):
        bot = create_chatbot(memory, ScriptedModel(replies=["Good."]), checkpointer=saver)
        say(bot, "I like bouldering")
        await memory.atrigger("will")
        done = await memory.aforget("will", "interests", "bouldering", checkpointer=saver)
        assert (done.threads, done.pending) == (("monday",), False)
        assert not stands("bouldering", bytes_of(path))


def test_no_room_to_write_the_file_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The erasure stands and is pending; with room again it is finished."""
    path = tmp_path / "memory.db"

    def full(connection: sqlite3.Connection) -> bool:
        # SQLite's own error: the connection may not make the file any longer.
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE filler AS SELECT zeroblob(1000000) AS zeros")
        return True

    with UserMemory(str(path), model=Listener(), worker=False) as memory:
        memory.remember("will", "t", ["I like bouldering"])
        memory.trigger("will")
        with monkeypatch.context() as patched:
            patched.setattr(connection, "_emptied", full)
            assert memory.forget("will", "interests", "bouldering").pending
        assert memory.recall("will").document["interests"] == []
        assert memory.clean()
        assert not stands("bouldering", bytes_of(path))


def test_a_worker_cleans_later(tmp_path: Path) -> None:
    """What a reader was in the way of is cleaned by a worker once the reader is gone."""
    clock = FakeClock()
    path = tmp_path / "memory.db"
    with UserMemory(str(path), model=Listener(), clock=clock, delay=0) as memory:
        memory.remember("will", "t", ["I like bouldering"])
        until(lambda: memory.recall("will").pending == 0, "the message to be read")
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM usermemory_users").fetchone()
            assert memory.forget("will", "interests", "bouldering").pending

        def clean() -> bool:
            clock.advance(61)
            return not memory.verify_erased("will", "bouldering").pending

        until(clean, "the worker to clean the file")
        assert not stands("bouldering", bytes_of(path))


_LOOK = """
import sys
from usermemory import UserMemory
with UserMemory(sys.argv[1], model="offline", worker=False) as memory:
    print(memory.recall("will").document["interests"])
"""


def test_a_proof_takes_no_lock_from_its_own_process(tmp_path: Path) -> None:
    """What is stored after a proof is there for others, though a short process came in between."""
    path = tmp_path / "memory.db"

    def seen() -> str:
        command = [sys.executable, "-c", _LOOK, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with UserMemory(path, model="offline", worker=False) as memory:
        memory.edit("will", {"interests": ["chess"]}, by="test")
        for word in ("bouldering", "quoits"):
            assert memory.verify_erased("will", word).erased
            assert seen() == "['chess']"  # alone, it would delete the log as it closes the file
        memory.edit("will", {"interests": ["tea"]}, by="test")
        assert path.with_name("memory.db-wal").exists()
        assert seen() == "['tea']"
