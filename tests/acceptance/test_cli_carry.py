"""Taking a user elsewhere by the command line, and proving that something is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import UserMemory
from usermemory.testing import FakeClock


@pytest.fixture
def db(tmp_path: Path) -> str:
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False) as memory:
        memory.remember("will", "monday", [("user", "Hi, I'm Will and I love bouldering")])
        memory.trigger("will")
        memory.remember("will", "tuesday", [("user", "I love tea")])
    return path


def test_there_and_back(db: str, tmp_path: Path) -> None:
    """An export goes into a file that is not there yet, and from it into another database."""
    file, other = str(tmp_path / "will.json"), str(tmp_path / "other.db")
    assert run("profile", "export", "will", "--out", file, "--db", db).returncode == 0
    again = run("profile", "export", "will", "--out", file, "--db", db)
    assert (again.returncode, "there already" in again.stderr) == (1, True)
    dry = run("profile", "import", file, "--db", other, "--dry-run")
    assert "Would import will: 1 revision, 1 message to read." in dry.stdout
    assert not Path(other).exists()
    assert "Imported will" in run("profile", "import", file, "--db", other).stdout
    assert data("profile", "import", file, "--db", other, "--json")["written"] is False
    assert data("profile", "show", "will", "--db", other, "--json")["profile"]["name"] == "Will"


def test_no_export(db: str, tmp_path: Path) -> None:
    """A file that is none, and a user whom nobody knows, are told in a line."""
    wrong = tmp_path / "wrong.json"
    for text, told in [("{", "not JSON"), ("[]", "no export"), ('{"user_id": "w"}', "format")]:
        wrong.write_text(text)
        done = run("profile", "import", str(wrong), "--db", db)
        assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (
            1,
            True,
            False,
        )
    done = run("profile", "import", str(tmp_path / "none.json"), "--db", db)
    assert (done.returncode, "cannot be read" in done.stderr) == (1, True)
    done = run("profile", "export", "nobody", "--db", db)
    assert (done.returncode, "nobody" in done.stderr) == (1, True)


def test_the_proof(db: str) -> None:
    """It stands until it is forgotten; the exit code says so, and the table says where."""
    asked = ("profile", "verify-erased", "will", "--text", "Bouldering", "--db", db)
    before = run(*asked)
    assert before.returncode == 1
    assert "Not erased: it stands in" in before.stdout
    with UserMemory(db, model="offline", worker=False) as memory:
        memory.forget("will", "interests", "bouldering")
    after = run(*asked)
    assert (after.returncode, "Erased: nothing of will holds it." in after.stdout) == (0, True)
    assert json.loads(run(*asked, "--json").stdout)["erased"] is True
    assert run("profile", "verify-erased", "will", "--text", "x", "--db", db).returncode == 1


def test_for_the_user(db: str, tmp_path: Path) -> None:
    """What is handed to a user says what is known, why and when; no secret, no hash is in it."""
    given = json.loads(run("profile", "export", "--for-user", "will", "--db", db).stdout)
    assert (given["user_id"], given["learning"]) == ("will", "on")
    assert given["profile"]["interests"] == ["bouldering"]
    (learned,) = given["history"]
    assert learned["by"] == "conversation"
    assert {"field": "name", "after": "Will"}.items() <= learned["changes"][0].items()
    assert "Will" in learned["changes"][0]["said"][0]["words"]
    assert [one["text"] for one in given["messages"] if not one["read"]] == ["I love tea"]
    assert datetime.fromisoformat(given["exported_at"]).tzinfo == UTC
    text = json.dumps(given)
    whole = json.loads(run("profile", "export", "will", "--db", db).stdout)
    secret = [whole["user"]["salt"], *(one["digest"] for one in whole["messages"])]
    assert not [one for one in (*secret, "token", "digest", "seq") if one in text]
    file = tmp_path / "for-will.json"
    file.write_text(text)
    done = run("profile", "import", str(file), "--db", str(tmp_path / "other.db"))
    assert (done.returncode, "for the user" in done.stderr) == (1, True)


def test_the_history_of_one_moment_is_in_order(tmp_path: Path) -> None:
    """What happened at the same time stands as it was done."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False, clock=FakeClock()) as memory:
        memory.remember("will", "t", [("user", "I'm Will")])
        memory.trigger("will")
        memory.edit("will", {"name": "Bill"}, by="anna")
        memory.edit("will", {"name": "Willy"}, by="anna")
        given = memory.export("will", for_user=True)
        names = [change["after"] for one in given["history"] for change in one["changes"]]
    assert names == ["Will", "Bill", "Willy"]
