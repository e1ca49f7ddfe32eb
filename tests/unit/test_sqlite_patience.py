"""Waiting for another connection's commit on the same file."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from usermemory import UserMemory
from usermemory.errors import StoreBusy
from usermemory.langgraph import checkpointer
from usermemory.store.sqlite import SQLite
from usermemory.store.sqlite.connection import Patience, connect, patiently


def test_it_looks_until_the_lock_is_free(tmp_path: Path) -> None:
    """A statement that found the file locked is run again until it is not."""
    holder, other = connect(tmp_path / "a.db", 0.0), connect(tmp_path / "a.db", 0.0)
    holder.execute("BEGIN IMMEDIATE")
    looks: list[int] = []

    def begin() -> sqlite3.Cursor:
        looks.append(len(looks))
        if len(looks) == 5:
            holder.execute("COMMIT")
        return other.execute("BEGIN IMMEDIATE")

    patiently(begin, 60.0)
    assert len(looks) == 5
    assert other.in_transaction
    holder.close()
    other.close()


def test_it_gives_up(tmp_path: Path) -> None:
    """After so many seconds it is an error, and any other error is one at once."""
    holder, other = connect(tmp_path / "a.db", 0.0), connect(tmp_path / "a.db", 0.0)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        patiently(lambda: other.execute("BEGIN IMMEDIATE"), 0.0)
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        patiently(lambda: other.execute("BEGAN"), 60.0)
    holder.close()
    other.close()


def test_a_saver_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saver of ours waits for the memory's commits in the same way, with every statement."""
    waited: list[float] = []

    def wait(statement: object, seconds: float) -> object:
        waited.append(seconds)
        return patiently(statement, seconds)  # type: ignore[arg-type]

    monkeypatch.setattr("usermemory.langgraph.savers.patiently", wait)
    with (
        UserMemory(str(tmp_path / "a.db"), model="offline", worker=False) as memory,
        checkpointer(memory) as saver,
    ):
        waited.clear()
        saver.conn.execute("CREATE TABLE one (number)")
        saver.conn.executemany("INSERT INTO one VALUES (?)", [(1,), (2,)])
        saver.conn.cursor().execute("SELECT * FROM one")
        assert saver.conn.execute("PRAGMA busy_timeout").fetchone() == (0,)
    assert len(waited) == 4
    assert all(waited)


def test_a_script_of_a_saver_waits(tmp_path: Path) -> None:
    """A script, as a saver's set-up is, cannot be run again: for it SQLite's own wait is on."""
    with (
        UserMemory(str(tmp_path / "a.db"), model="offline", worker=False) as memory,
        checkpointer(memory) as saver,
    ):
        saver.conn.executescript("CREATE TABLE during AS SELECT timeout FROM pragma_busy_timeout")
        assert saver.conn.execute("SELECT timeout >= 5000 FROM during").fetchone() == (1,)
        assert saver.conn.execute("PRAGMA busy_timeout").fetchone() == (0,)


class Hours:
    """A monotonic clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_a_turn_waits_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All calls of a turn on a locked file wait less than a second together; other work waits."""
    clock = Hours(monkeypatch)
    patience = Patience(tmp_path / "a.db", 2.0)
    waited = 0.0
    for _ in range(4):
        waited += patience.in_a_turn()
        patience.was_in_vain()
    assert waited < 1.0
    assert not patience.is_over(clock.now - 1.0, in_a_turn=False)
    assert patience.is_over(clock.now - 1.0)
    clock.now += 61.0
    assert patience.in_a_turn() > 0.5, "a minute later it may be free again"


def test_a_lock_that_was_had_is_waited_for_again(tmp_path: Path) -> None:
    """Once the lock was had the file does not count as locked any more."""
    patience = Patience(tmp_path / "a.db", 2.0)
    patience.was_in_vain()
    patience.was_rewarded()
    assert patience.in_a_turn() > 0.5


def test_who_begins_waits_while_others_get_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its first lock a process waits as long as the file changes, but not for ever."""
    clock = Hours(monkeypatch)
    path = tmp_path / "a.db"
    patience = Patience(path, 2.0)
    began = clock.now
    for size in range(10):
        path.write_bytes(b"x" * size)
        clock.now += 0.7
        assert not patience.is_over(began)
    clock.now += 0.8
    assert any(patience.is_over(began) for _ in range(10)), "somebody just holds the lock"
    path.write_bytes(b"")
    clock.now += 120.0
    assert patience.is_over(began)


def test_where_the_processor_is_short_who_begins_looks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was itself kept waiting does not conclude from a single look that nobody gets on."""
    clock = Hours(monkeypatch)
    patience = Patience(tmp_path / "a.db", 2.0)
    began = clock.now
    for _ in range(3):
        clock.now += 5.0
        assert not patience.is_over(began)


def test_in_use_nobody_waits_for_what_others_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first lock the work of others lengthens no turn."""
    clock = Hours(monkeypatch)
    patience = Patience(tmp_path / "a.db", 2.0)
    patience.was_rewarded()
    (tmp_path / "a.db").write_bytes(b"x")
    assert patience.is_over(clock.now - 0.8)


def test_a_turn_gives_up_and_a_correction_waits_on(tmp_path: Path) -> None:
    """On a locked file a turn is refused at once while an edit, asked for before it, waits on."""
    memory = UserMemory(str(tmp_path / "a.db"), model="offline", worker=False)
    with memory, ThreadPoolExecutor() as pool:
        assert isinstance(memory.driver, SQLite)
        memory.driver.patience.seconds = 600.0
        memory.remember("ada", "t", ["hello"])
        with closing(connect(tmp_path / "a.db", 0.0)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            edit = pool.submit(memory.edit, "ada", {"name": "Ada"}, by="ada")
            with pytest.raises(StoreBusy, match="locked"):
                memory.remember("ada", "t", ["hello", "I like tea"])
            assert not edit.done()
            holder.execute("COMMIT")
        assert edit.result(timeout=600) is not None
        assert memory.remember("ada", "t", ["hello", "I like tea"]).new == 1
