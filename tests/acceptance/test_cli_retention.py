"""Erasing by age from the command line: a rehearsal, a question, and once a day without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import UserMemory
from usermemory.conformance.harness import Listener
from usermemory.testing import FakeClock

LONG_AGO = 1_600_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Two users, one of whom was last heard of years ago."""
    file = f"{tmp_path}/memory.db"
    with UserMemory(file, model=Listener(), worker=False, clock=FakeClock(LONG_AGO)) as memory:
        memory.remember("will", "t", ["I like chess"])
        memory.trigger("will")
    with UserMemory(file, model=Listener(), worker=False) as memory:
        memory.remember("ana", "t", ["I like tea"])
        memory.trigger("ana")
    return file


def interests(path: str, user: str) -> list[str]:
    found: list[str] = data("profile", "show", user, "--db", path)["profile"]["interests"]
    return found


def test_a_rehearsal(path: str) -> None:
    """It says what, since when, and erases nothing."""
    done = run("retention", "--days", "365", "--dry-run", "--db", path)
    assert done.stdout == ("will  interests: chess (2020-09-13 12:26)\n1 value to be erased.\n")
    assert interests(path, "will") == ["chess"]


def test_without_a_yes(path: str) -> None:
    """Where nobody says yes nothing is erased."""
    done = run("retention", "--days", "365", "--db", path, text="n\n")
    assert done.returncode != 0
    assert interests(path, "will") == ["chess"]


def test_once_a_day(path: str) -> None:
    """What is too old is erased, of everybody or of one user; the rest stays."""
    assert run("retention", "ana", "--days", "365", "--yes", "--db", path).stdout == (
        "Erased: 0 values.\n"
    )
    assert interests(path, "will") == ["chess"]
    assert run("retention", "--days", "365", "--yes", "--db", path).stdout == "Erased: 1 value.\n"
    assert (interests(path, "will"), interests(path, "ana")) == ([], ["tea"])


def test_nothing_says_how_long(path: str) -> None:
    """Without days and without a field that says so, one line says what is missing."""
    done = run("retention", "--db", path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "days" in done.stderr
