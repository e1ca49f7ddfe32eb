"""``usermemory review``: a person decides at a terminal, in a file, or by options."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import Change, UserMemory


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Three interests of will's wait."""
    url = f"sqlite:///{tmp_path / 'memory.db'}"
    said = ["I like chess", "I like tea", "I like golf"]
    with UserMemory(url, worker=False, review="all") as memory:
        memory.propose("will", "t", [Change("interests", "add", s[7:], s) for s in said], said)
    return url


def known(url: str) -> list[str]:
    with UserMemory(url, worker=False) as memory:
        found: list[str] = memory.recall("will").document["interests"]
        return found


def test_decided_by_options(database: str) -> None:
    """What is approved is known, with a value of the person's own if they give one."""
    chess, tea, golf = data("review", "--db", database)
    run("review", "--db", database, "--approve", chess["id"], "--value", "go", "--by", "ann")
    done = run("review", "--db", database, "--approve", tea["id"], "--decline", golf["id"])
    assert f"Declined {golf['id']}" in done.stdout
    assert known(database) == ["go", "tea"]
    again = run("review", "--db", database, "--approve", tea["id"])
    assert again.returncode == 1
    assert "waits" in again.stderr


def test_half_a_value(database: str) -> None:
    """A value that begins as JSON and is none is an error, and nothing is known by it."""
    first, *_ = data("review", "--db", database)
    refused = run("review", "--db", database, "--approve", first["id"], "--value", '{"half')
    assert refused.returncode == 1
    assert "--value is not JSON" in refused.stderr
    assert known(database) == []


def test_decided_in_a_file(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor's file decides on all of them; a line of another kind decides on none."""
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i '0,/^keep/s/^keep/approve/' \"$1\"\n")
    editor.chmod(0o755)
    assert run("review", "--db", database, "--editor", VISUAL=str(editor)).returncode == 0
    assert known(database) == ["chess"]
    editor.write_text("#!/bin/sh\nsed -i 's/^keep/drop/' \"$1\"\n")
    refused = run("review", "--db", database, "--editor", VISUAL=str(editor))
    assert refused.returncode == 1
    assert "nothing was decided" in refused.stderr
    assert len(data("review", "--db", database)) == 2


def test_without_a_terminal(database: str) -> None:
    """They are listed, each with what it would do and the words that it rests on."""
    listed = run("review", "--db", database)
    assert "+ interests: golf" in listed.stdout
    assert "“I like golf”" in listed.stdout
