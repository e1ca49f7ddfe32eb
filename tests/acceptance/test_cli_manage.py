"""``usermemory profile`` and ``usermemory jobs``, on a database that an application has filled."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import Change, Extraction, Request, Retry, UserMemory

WORDS = "Hi, I'm Will and I love bouldering"

OFFLINE = ("--model", "offline")


class Broken:
    """An extractor with a fault of its own."""

    def extract(self, request: Request) -> Extraction:
        raise ZeroDivisionError


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Will's profile, what he said since in one thread, and a thread of Ana's that is dead."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False) as memory:
        memory.remember("will", "monday", [("user", WORDS)])
        memory.trigger("will")
        memory.remember("will", "friday", [("user", "I'm 32"), ("user", "I live in Bergen")])
    with UserMemory(path, model=Broken(), worker=False, retry=Retry(attempts=1)) as memory:
        memory.remember("ana", "1", [("user", "I'm Ana")])
        memory.trigger("ana")
    return path


def test_profile_for_people_and_programs(database: str) -> None:
    """A profile is shown with the words behind each item; as JSON it is the document."""
    db = ("--db", database)
    shown = run("profile", "show", "will", *db).stdout
    evidence = "I'm Will and I love bouldering”"
    for words in ("Will", "bouldering", evidence, "2 messages not read yet"):
        assert words in shown
    known = data("profile", "show", "will", USERMEMORY_DB=database)
    assert known["profile"]["interests"] == ["bouldering"]
    assert (known["revision"], known["pending"]) == (1, 2)
    assert "Nothing is known about bob" in run("profile", "show", "bob", *db).stdout


class Repeating:
    """An extractor that also proposes what is known."""

    def extract(self, request: Request) -> Extraction:
        return Extraction((Change("name", "set", "Will", quote="I'm Will"),))


def test_what_was_confirmed(tmp_path: Path) -> None:
    """A profile is shown with the time at which a field was said again, and so is its JSON."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model=Repeating(), worker=False) as memory:
        for thread, said_again in (("monday", False), ("friday", True)):
            memory.remember("will", thread, [("user", "Hello, I'm Will")])
            memory.trigger("will")
            shown = run("profile", "show", "will", "--db", path).stdout
            assert ("Confirmed since: name (" in shown) is said_again
    times = data("profile", "show", "will", "--db", path)["stamps"]["name"]
    assert times["learned"] < times["confirmed"]


def test_history_and_why(database: str) -> None:
    """History shows changes, quotes and patches; why finds the words by value or by pointer."""
    db = ("--db", database)
    history = run("profile", "history", "will", *db).stdout
    assert "revision 1" in history
    assert "+ interests: bouldering" in history
    (revision,) = data("profile", "history", "will", *db)
    assert revision["patch"][0] == {"op": "replace", "path": "/name", "value": "Will"}
    assert revision["inverse"][-1] == {"op": "replace", "path": "/name", "value": None}
    for where in (("interests",), ("interests", "bouldering"), ("/interests/0",)):
        (evidence,) = data("profile", "why", "will", *where, *db)
        assert evidence["quote"] in WORDS
        assert evidence["thread_id"] == "monday"
    wrong = run("profile", "why", "will", "hobbies", *db)
    assert wrong.returncode == 1
    assert "it has name, age, interests, core_memories" in wrong.stderr


def test_pause_and_resume(database: str) -> None:
    """Nothing is learned of a paused user, and again once resumed."""
    db = ("--db", database)
    assert run("profile", "pause", "will", *db).returncode == 0
    assert data("jobs", "trigger", "will", *OFFLINE, *db) == []
    assert run("profile", "resume", "will", *db).returncode == 0
    assert data("jobs", "trigger", "will", *OFFLINE, *db)[0]["status"] == "changed"


def test_jobs_are_listed(database: str) -> None:
    """What waits and what is dead is listed, with the error of the dead."""
    db = ("--db", database)
    listed = run("jobs", "list", *db).stdout
    assert "friday" in listed
    assert "ZeroDivisionError" in listed
    (dead,) = data("jobs", "list", "--state", "dead", *db)
    assert (dead["user_id"], dead["unread"], dead["attempts"]) == ("ana", 1, 1)


def test_retry(database: str) -> None:
    """A dead thread is due again; a thread without unread messages is an error."""
    db = ("--db", database)
    assert run("jobs", "retry", "ana", "1", *db).returncode == 0
    assert data("jobs", "list", "--state", "dead", *db) == []
    wrong = run("jobs", "retry", "ana", "2", *db)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "nothing is unread" in wrong.stderr


def test_retry_all(database: str) -> None:
    """All that failed is due again, or what failed for one reason; a rehearsal only says which."""
    db = ("--db", database)
    assert "ana" in run("jobs", "retry", "--all", "--dry-run", *db).stdout
    none = run("jobs", "retry", "--all", "--reason", "401", *db).stdout
    assert "Nothing has failed for that" in none
    assert data("jobs", "list", "--state", "dead", *db) != []
    (job,) = data("jobs", "retry", "--all", "--reason", "zerodivision", *db)
    assert job["user_id"] == "ana"
    assert data("jobs", "list", "--state", "dead", *db) == []
    assert run("jobs", "retry", *db).returncode == 2


def test_drop_asks_first(database: str) -> None:
    """Unread messages are given up only by whoever says yes; a rehearsal says what would go."""
    drop = ("jobs", "drop", "will", "friday", "--db", database)
    assert "Would drop 2 unread messages of will" in run(*drop, "--dry-run").stdout
    assert run(*drop).returncode == 1
    assert run(*drop, text="n\n").returncode == 1
    assert data("profile", "show", "will", "--db", database)["pending"] == 2
    assert "Dropped 2 messages" in run(*drop, "--yes").stdout
    assert data("profile", "show", "will", "--db", database)["pending"] == 0


def test_trigger(database: str) -> None:
    """Reading now is possible for a thread, for a user and for everybody."""
    db = ("--db", database)
    assert data("jobs", "trigger", "will", "monday", *OFFLINE, *db) == []
    done = run("jobs", "trigger", "will", *OFFLINE, *db)
    assert "age: 32" in done.stdout
    assert "No language model is in use" in done.stderr
    (outcome,) = data("jobs", "trigger", "--all", *OFFLINE, *db)
    assert (outcome["user_id"], outcome["status"]) == ("ana", "changed")
