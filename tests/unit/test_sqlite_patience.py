"""Waiting for another connection's commit on the same file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from usermemory import UserMemory
from usermemory.langgraph import checkpointer
from usermemory.store.sqlite.connection import connect, patiently


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
