"""``usermemory profile forget`` and ``clean``, on a database that is the checkpointer's too."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.support.command_line import data, run
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.langgraph import checkpointer, create_chatbot
from usermemory.testing import ScriptedModel

SAID = {
    ("will", "monday"): "I love bouldering",
    ("will", "friday"): "I love chess",
    ("ana", "shared"): "I love bouldering",
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Conversations of Will and Ana, learned, and kept by the checkpointer in the same file."""
    path = str(tmp_path / "memory.db")
    with UserMemory(path, model="offline", worker=False) as memory, checkpointer(memory) as saver:
        model = ScriptedModel(replies=["Fine."] * len(SAID))
        bot = create_chatbot(memory, model, checkpointer=saver)
        for (user, thread), text in SAID.items():
            config = {"configurable": {"user_id": user, "thread_id": thread}}
            bot.invoke({"messages": [("user", text)]}, config)
            memory.trigger(user)
    return path


def forget(path: str, *words: str, text: str = "") -> CompletedProcess[str]:
    return run("profile", "forget", *words, "--db", path, text=text)


def raw(path: str, word: str) -> bool:
    """Whether a word stands anywhere in the database's files."""
    files = Path(path).parent.glob(f"{Path(path).name}*")
    return any(word.encode() in file.read_bytes().lower() for file in files)


def interests(path: str, user: str = "will") -> list[str]:
    with UserMemory(path, model="offline", worker=False) as memory:
        return list(memory.recall(user).document["interests"])


def threads(path: str) -> set[str]:
    """The threads that the checkpointer holds."""
    with UserMemory(path, model="offline", worker=False) as memory, checkpointer(memory) as saver:
        return {str(found.config["configurable"]["thread_id"]) for found in saver.list(None)}


def test_it_asks_first(path: str) -> None:
    """A rehearsal says what would be reached; only a yes erases it, and only a yes its threads."""
    tried = forget(path, "will", "interests", "bouldering", "--dry-run").stdout
    assert "It is in: 1 value in the profile, 1 change in the history, 1 quote" in tried
    assert "thread monday. --checkpoints deletes" in tried
    for answer in ("", "n\n", "y\n"):
        refused = forget(path, "will", "interests", "bouldering", text=answer)
        assert refused.returncode == 1
        assert "Erase 'bouldering' in interests of will? This cannot be undone" in refused.stderr
    assert interests(path) == ["bouldering", "chess"]
    done = forget(path, "will", "interests", "bouldering", text="y\nn\n")
    assert "Delete thread monday too, whole" in done.stderr
    assert "Erased: 1 value in the profile" in done.stdout
    assert "may still hold the conversation: thread monday" in done.stdout
    assert (interests(path), threads(path)) == (["chess"], {"monday", "friday", "shared"})


def test_with_its_threads(path: str) -> None:
    """With the checkpointer's threads no byte of it is left, but for what another user said."""
    done = data("profile", "forget", "ana", "--everything", "--yes", "--checkpoints", "--db", path)
    assert done["checkpoints_deleted"] == ["shared"]
    assert raw(path, "bouldering")
    done = data("profile", "forget", "will", "interests", "--yes", "--checkpoints", "--db", path)
    assert (done["values"], done["pending"]) == (2, False)
    assert sorted(done["checkpoints_deleted"]) == ["friday", "monday"]
    assert not raw(path, "bouldering")
    assert "- interests: [erased]" in run("profile", "history", "will", "--db", path).stdout


def test_on_postgresql() -> None:
    """On PostgreSQL too the threads of the database's checkpointer go, and all else is told."""
    with fresh() as url:
        thread = f"monday of {url}"  # the tables of threads are shared by all tests of a server
        with (
            UserMemory(url, model="offline", worker=False) as memory,
            checkpointer(memory) as saver,
        ):
            bot = create_chatbot(memory, ScriptedModel(replies=["Fine."]), checkpointer=saver)
            config = {"configurable": {"user_id": "will", "thread_id": thread}}
            bot.invoke({"messages": [("user", "I love bouldering")]}, config)
            memory.trigger("will")
        done = forget(url, "will", "interests", "bouldering", "--yes", "--checkpoints").stdout
        assert "Erased: 1 value in the profile" in done
        assert "Deleted from the checkpointer: 1 thread" in done
        assert thread not in threads(url)
        assert run("clean", "--db", url).returncode == 0
        assert (
            "+ interests: [erased]" in run("profile", "diff", "will", "0", "1", "--db", url).stdout
        )


def test_a_thread_and_a_message(path: str) -> None:
    """A conversation goes with what it taught, a message by the number that why shows."""
    message = ("--thread", "monday", "--message", "1")
    assert "Erased: 1 value" in forget(path, "will", *message, "--yes").stdout
    assert interests(path) == ["chess"]
    assert "evidence erased" in run("profile", "history", "will", "--db", path).stdout
    done = forget(path, "will", "--thread", "friday", "--yes", "--checkpoints").stdout
    assert "Deleted from the checkpointer: 1 thread, friday" in done
    assert (interests(path), threads(path)) == ([], {"monday", "shared"})


def test_another_users_thread_is_left(path: str) -> None:
    """A thread in which somebody else spoke last is not deleted, and is named."""
    with UserMemory(path, model="offline", worker=False) as memory:
        memory.remember("will", "shared", ["I love chess"])
    done = forget(path, "will", "--thread", "shared", "--yes", "--checkpoints").stdout
    assert "Left in the checkpointer, since somebody else spoke there last: shared" in done
    assert "shared" in threads(path)
    assert interests(path, "ana") == ["bouldering"]


def test_while_somebody_reads(path: str) -> None:
    """What cannot be cleaned yet is pending, in words; clean says when it is done."""
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM usermemory_profiles").fetchall()
        done = forget(path, "will", "--everything", "--yes")
        assert "Copies may be left on the disk" in done.stdout
        waiting = run("clean", "--db", path)
        assert (waiting.returncode, waiting.stdout) == (1, "")
        assert "Somebody is reading" in waiting.stderr
    assert "no copies" in run("clean", "--db", path).stdout


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ((), 2, "name a field, or else --thread"),
        (("name", "--everything"), 2, "name a field, or else --thread"),
        (("--message", "3"), 2, "--message needs its --thread"),
        (("hobbies",), 1, "it has name, age"),
    ],
)
def test_what_is_not_clear(path: str, words: tuple[str, ...], code: int, error: str) -> None:
    """What is to be erased is named once and plainly, or nothing is."""
    done = forget(path, "will", *words, "--yes")
    assert done.returncode == code
    assert error in done.stderr
    assert interests(path) == ["bouldering", "chess"]
