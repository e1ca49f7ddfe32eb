"""``usermemory schema``, and commands with another schema than the application's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import UserMemory
from usermemory.cli.common import load_object

CODE = """
from pydantic import BaseModel

class Coachee(BaseModel):
    name: str | None = None
    city: str | None = None
    allergies: list[str] = []

class Moved(BaseModel):
    name: str | None = None
    home: str | None = None
    allergies: list[str] = []

def move(document):
    return {**document, "home": document.get("city"), "city": None}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of an application with a schema of its own, and messages that wait."""
    (tmp_path / "coaching.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    coachee = load_object("coaching:Coachee")
    with UserMemory("memory.db", coachee, "offline", worker=False, delay=0) as memory:
        memory.edit("mia", {"name": "Mia", "city": "Graz", "allergies": ["peanuts"]}, by="seed")
        memory.remember("mia", "t", [("user", "I love bouldering. I live in Linz.")])
    return tmp_path


DB = ("--db", "memory.db")
MOVED = ("--schema", "coaching:Moved")


def test_a_command_without_the_schema(folder: Path) -> None:
    """What would read says which fields it does not take; what only looks works."""
    for command in (("jobs", "trigger", "mia"), ("jobs", "trigger", "--all")):
        done = run(*command, "--model", "offline", *DB)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        for words in ("allergies, city", "--schema", "schema migrate"):
            assert words in " ".join(done.stderr.split())
    assert data("jobs", "list", *DB)[0]["unread"] == 1
    for command in (("show", "mia"), ("history", "mia"), ("why", "mia", "city"), ("export", "mia")):
        assert run("profile", *command, *DB).returncode == 0
    assert "Graz" in run("profile", "show", "mia", *DB).stdout


def test_check_and_migrate(folder: Path) -> None:
    """A check fails where something does not fit, a rehearsal shows the way, and then all fits."""
    assert run("schema", "check", "--schema", "coaching:Coachee", *DB).returncode == 0
    checked = run("schema", "check", *MOVED, *DB)
    assert (checked.returncode, "city: unknown field" in checked.stdout) == (1, True)
    assert run("schema", "check", *MOVED, *DB, "--json").returncode == 1
    rehearsed = run("schema", "migrate", *MOVED, "--map", "city=home", "--dry-run", *DB)
    assert "home: Graz" in rehearsed.stdout
    assert "1 user would be migrated" in rehearsed.stdout
    assert (
        run("schema", "migrate", *MOVED, "--map", "city=home", *DB).returncode == 1
    )  # nobody says yes
    assert run("schema", "migrate", *MOVED, "--map", "city", *DB).returncode == 1
    wrong = run("schema", "migrate", *MOVED, "--map", "city=hom", *DB)
    assert "no field 'hom' (did you mean 'home'?)" in wrong.stderr
    wrong = run("schema", "migrate", *MOVED, "--map", "cty=home", "--dry-run", *DB)
    assert (wrong.returncode, "did you mean 'city'?" in wrong.stderr) == (1, True)
    done = run("schema", "migrate", *MOVED, "--function", "coaching:move", "--yes", *DB)
    assert "1 user migrated" in done.stdout
    for command in (("--dry-run",), ("--yes",)):
        again = run("schema", "migrate", *MOVED, "--function", "coaching:move", *command, *DB)
        assert ("1 user skipped" in again.stdout, again.returncode) == (True, 0)
    assert data("schema", "check", *MOVED, *DB)["fits"] is True
    assert data("profile", "show", "mia", *MOVED, *DB)["profile"]["home"] == "Graz"
    assert run("jobs", "trigger", "mia", "--model", "offline", *MOVED, *DB).returncode == 0
