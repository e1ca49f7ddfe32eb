"""``usermemory worker``: beside an application, on the same file."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.support.command_line import Terminal

from usermemory import UserMemory


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_worker_serves_and_stops(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """It reads what is due, logs who but never what, and stops cleanly when asked."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False, delay=0) as memory:
        memory.remember("will", "monday", [("user", "Hi, I'm Will and I love bouldering")])
        with Terminal(
            "worker", "--db", path, "--model", "offline", "--concurrency", "2"
        ) as terminal:
            log = terminal.expect("2 batches at a time")
            assert path in log
            assert "No language model is in use" in log
            log += terminal.expect("changed user=will thread=monday messages=1 changes=2")
            terminal.process.send_signal(number)
            log += terminal.expect("INFO stopped")
            assert terminal.end() == code
        assert "bouldering" not in log
        assert memory.recall("will").document["interests"] == ["bouldering"]


def test_worker_with_a_schema_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema is found in a module of the current folder."""
    (tmp_path / "profiles.py").write_text(
        "from pydantic import BaseModel\nclass Climber(BaseModel):\n    name: str | None = None\n"
    )
    monkeypatch.chdir(tmp_path)
    with Terminal("worker", "--model", "offline", "--schema", "profiles:Climber") as terminal:
        terminal.expect("schema Climber")
        terminal.process.terminate()
        assert terminal.end() == 0
