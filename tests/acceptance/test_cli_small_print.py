"""What one expects of any command line, and finds out when it is missing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.command_line import data, run

from usermemory import UserMemory
from usermemory.errors import InvalidInput, StoreError


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Three users with a profile."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False) as memory:
        for user_id, what in (("ana", "chess"), ("bo", "Bouldering"), ("will", "bouldering")):
            memory.edit(user_id, {"interests": [what]}, by="test")
    return path


def test_nobody_comes_behind_the_last(db: str) -> None:
    """A page behind the last user says so, and not that nobody has a profile."""
    assert run("profile", "list", "--after", "zzz", "--db", db).stdout == (
        "Nobody comes behind zzz.\n"
    )


def test_profiles_are_listed_and_searched(db: str) -> None:
    """By words of the profile or of the user's id, page by page."""
    listed = run("profile", "list", "--db", db).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["ana", "bo", "will"]
    found = data("profile", "list", "bouldering", "--db", db)
    assert [one["user_id"] for one in found] == ["bo", "will"]
    assert [one["user_id"] for one in data("profile", "list", "AN", "--db", db)] == ["ana"]
    first = run("profile", "list", "--limit", "1", "--db", db).stdout
    assert "There are more: --after ana" in first
    (last,) = data("profile", "list", "--after", "bo", "--db", db)
    assert last["user_id"] == "will"
    assert "Nobody's holds that" in run("profile", "list", "golf", "--db", db).stdout


def test_as_a_module(db: str) -> None:
    """``python -m usermemory`` is the same program."""
    command = [sys.executable, "-m", "usermemory", "profile", "show", "ana", "--db", db]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "chess" in done.stdout


def test_slips_are_answered(db: str, tmp_path: Path) -> None:
    """A command, an option or a field that does not exist is told with the one that was meant."""
    assert "'profile'" in run("profil", "list").stderr
    assert "--json" in run("profile", "list", "--jsn", "--db", db).stderr
    (patch := tmp_path / "patch.json").write_text(
        '[{"op": "add", "path": "/intrests/-", "value": "x"}]'
    )
    (whole := tmp_path / "whole.json").write_text('{"intrests": ["x"]}')
    for command in (
        ("why", "ana", "interest"),
        ("why", "ana", "/interest/0"),
        ("history", "ana", "--field", "interest"),
        ("refused", "ana", "--field", "interest"),
        ("search", "ana", "chess", "--field", "interest"),
        ("forget", "ana", "interest", "--yes"),
        ("edit", "ana", "--set", "interest=x"),
        ("edit", "ana", "--set", "/interest/-=x"),
        ("edit", "ana", "--patch", str(patch)),
        ("edit", "ana", "--document", str(whole)),
    ):
        done = run("profile", *command, "--db", db)
        assert (done.returncode, "did you mean 'interests'" in done.stderr) == (1, True), command
        assert "chess" not in done.stderr, "the profile is nobody's error message"
    with (
        UserMemory(db, model="offline", worker=False) as memory,
        pytest.raises(InvalidInput, match="did you mean 'interests'"),
    ):
        memory.forget("ana", "intrests")


def test_a_command_without_its_group() -> None:
    """A command that stands in a group is named with its group where the group was left out."""
    for word, meant in {
        "forget": "'usermemory profile forget'",
        "shwo": "'usermemory profile show'",
        "list": "'usermemory profile list' or 'usermemory jobs list'",
        "profil": "'profile'",
    }.items():
        done = run(word)
        assert (done.returncode, f"Did you mean {meant}" in done.stderr) == (2, True), done.stderr


def test_an_item_that_is_none(db: str) -> None:
    """Where an item comes from that is none is an error, which lists those that there are."""
    run("profile", "edit", "ana", "--set", "age=31", "--db", db)
    for words, there in {("interests", "chss"): "'chess'", ("age", "32"): "'31'"}.items():
        done = run("profile", "why", "ana", *words, "--db", db)
        assert done.returncode == 1
        assert f"is no item of {words[0]}: there is {there}" in done.stderr
    assert "Set by" in run("profile", "why", "ana", "age", "31", "--db", db).stdout


def test_no_traceback(db: str, tmp_path: Path) -> None:
    """Whatever goes wrong is one line, also what nobody has foreseen; a variable shows where."""
    (tmp_path / "broken.py").write_text("raise RuntimeError('broken\\non two lines')")
    text, folder = tmp_path / "text.db", tmp_path / "folder.db"
    text.write_text("This is no database. " * 99)
    folder.mkdir()
    for command in (
        ("profile", "show", "ana", "--db", str(text)),
        ("profile", "show", "ana", "--db", str(folder)),
        ("profile", "show", "ana", "--db", db, "--schema", "broken:Profile"),
        ("profile", "show", "ana", "--db", db, "--schema", "nowhere:Profile"),
        ("profile", "show", "ana", "--db", "mysql://x/y"),
        ("tidy", "ana", "--model", "no-such-model", "--db", db),
        ("profile", "import", str(tmp_path / "missing.json"), "--db", db),
    ):
        done = run(*command, PYTHONPATH=str(tmp_path))
        assert done.returncode == 1, command
        assert "Traceback" not in done.stderr, command
        assert len(done.stderr.splitlines()) == 1, command
    shown = run(
        *("profile", "show", "ana", "--db", db, "--schema", "broken:Profile"),
        PYTHONPATH=str(tmp_path),
        USERMEMORY_DEBUG="1",
    )
    assert "RuntimeError" in shown.stderr


async def test_ping(db: str, tmp_path: Path) -> None:
    """It says nothing of a database that answers, and what is wrong with one that cannot."""
    with UserMemory(db, model="offline", worker=False) as memory:
        memory.ping()
        await memory.aping()
    gone = UserMemory(str(tmp_path / "no" / "folder" / "memory.db"), model="offline", worker=False)
    with pytest.raises(StoreError, match="cannot be opened"):
        gone.ping()


def test_what_was_told_is_found(tmp_path: Path) -> None:
    """By words and by time, for people and for programs; what is wrong is one sentence."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False, keep_messages="forever") as memory:
        memory.remember("will", "1", ["I like chess", "The fog was thick"])
        memory.trigger("will")
        memory.edit("will", [{"op": "remove", "path": "/interests/0"}], by="test")
    search = ("profile", "search", "will", "--db", path)
    assert "interests: chess (no longer)  “I like chess”" in run(*search, "chess").stdout
    assert "user said: “The fog was thick”" in run(*search, "FOG").stdout
    assert data(*search, "fog")[0]["kind"] == "message"
    assert data(*search, "--since", "2001-01-01")[0]["thread_id"] == "1"
    assert run(*search, "golf").stdout == "Nothing that will told is about that.\n"
    assert "the query is empty" in run(*search).stderr
    assert "write a date as" in run(*search, "fog", "--since", "yesterday").stderr
    assert "no field 'intrests' (did you mean 'interests'?)" in (
        run(*search, "fog", "--field", "intrests").stderr
    )


def test_a_database_of_another_program_stays_its_own(tmp_path: Path) -> None:
    """Commands for a memory that is there put no tables where there is none, and say so."""
    other, empty = tmp_path / "other.db", tmp_path / "empty.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    empty.touch()
    facts = tmp_path / "facts.json"
    facts.write_text('["likes tea"]')
    commands = (
        ("profile", "list"),
        ("profile", "edit", "will", "--set", "name=Will"),
        ("schema", "check"),
        ("jobs", "list"),
        ("token", "list"),
    )
    for db in (other, empty):
        before = db.read_bytes()
        for command in commands:
            done = run(*command, "--db", str(db))
            assert (done.returncode, done.stdout) == (1, ""), command
            assert "there is no memory in" in done.stderr, command
        assert run("copy", str(db), str(tmp_path / "copy.db")).returncode == 1
        dry = run("import", "json", str(facts), "--user=will", "--dry-run", "--db", str(db))
        assert dry.stdout.startswith("1 user: 1 would change"), dry.stderr
        assert db.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """What only looks fails too where the real thing could not make its file."""
    gone = str(tmp_path / "no" / "memory.db")
    for command in (("migrate", "--dry-run"), ("migrate",), ("doctor", "--model=offline")):
        done = run(*command, "--db", gone)
        assert done.returncode == 1, command
        assert "folder" in done.stdout + done.stderr, command
    assert "no memory was there before" in run("migrate", "--db", str(tmp_path / "m.db")).stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "m.db"]
