"""Threads that a checkpointer held before the memory was in use, taken in for real."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from tests.support.command_line import data, environment, run
from tests.support.postgres import shared

from usermemory import UserMemory
from usermemory.conformance.harness import Listener
from usermemory.errors import UserMemoryError
from usermemory.extras.backfill import NOBODY, PAUSED, SILENT, UNREADABLE
from usermemory.langgraph import BackfilledThread, backfill, checkpointer, create_chatbot
from usermemory.langgraph.threads import saver_in
from usermemory.testing import FakeClock, ScriptedModel

FUTURE = 4_000_000_000.0
"""Long after every test: when a test's memory believes to live."""


class Bot:
    """A bot without a memory, whose threads are in a database."""

    def __init__(self, saver: Any, url: str = "") -> None:
        self.saver, self.url = saver, url
        graph = StateGraph(MessagesState)
        graph.add_node("answer", lambda _: {"messages": [("ai", "Noted.")]})
        graph.add_edge(START, "answer")
        self.graph = graph.compile(checkpointer=saver)

    def say(self, thread_id: str, text: Any, **configurable: Any) -> None:
        config: Any = {"configurable": {"thread_id": thread_id, **configurable}}
        self.graph.invoke(
            {"messages": [text if not isinstance(text, str) else ("user", text)]}, config
        )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A database of LangGraph's tables on the tests' PostgreSQL."""
    with psycopg.connect(shared(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE threads")
        url = shared().rpartition("/")[0] + "/threads"
        with PostgresSaver.from_conn_string(url) as saver:
            saver.setup()
        yield url
        connection.execute("DROP DATABASE threads WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    """The bot on LangGraph's own saver."""
    if request.param == "sqlite":
        path = str(tmp_path / "threads.db")
        with SqliteSaver.from_conn_string(path) as saver:
            yield Bot(saver, path)
        return
    url: str = request.getfixturevalue("server")
    with PostgresSaver.from_conn_string(url) as saver:
        saver.conn.execute("TRUNCATE checkpoints, checkpoint_blobs, checkpoint_writes")
        yield Bot(saver, url)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def memory(tmp_path: Path, listener: Listener) -> Iterator[UserMemory]:
    url = f"sqlite:///{tmp_path}/memory.db"
    with UserMemory(url, model=listener, worker=False, clock=FakeClock(FUTURE)) as memory:
        yield memory


def test_old_threads_are_learned(bot: Bot, memory: UserMemory, listener: Listener) -> None:
    """Every thread is read once, the one that rested longest first; again, nothing is new."""
    bot.say("b", "I like tea", user_id="will")
    bot.say("a", "I like chess", user_id="will")
    bot.say("c", "I like fog", user_id="ann")
    bot.say("b", "I like jazz", user_id="will")
    order: list[BackfilledThread] = []
    done = backfill(memory, bot.saver, progress=order.append)
    assert (done.threads, done.taken, done.known, done.new, done.by_user) == (3, 3, 0, 8, 4)
    assert [one.thread_id for one in order] == ["a", "c", "b"]
    assert [(one.number, one.of, one.new) for one in order] == [(1, 3, 2), (2, 3, 2), (3, 3, 4)]
    memory.run_due()
    assert memory.recall("will").document["interests"] == ["chess", "tea", "jazz"]
    assert memory.recall("ann").document["interests"] == ["fog"]
    again = backfill(memory, bot.saver)
    assert (again.taken, again.known, again.new) == (0, 3, 0)
    assert memory.run_due() == []
    assert len(listener.texts) == 8


def test_a_message_was_said_in_its_run(bot: Bot, memory: UserMemory) -> None:
    """Its time is that of the run that brought it, or its own if it has one."""
    own = HumanMessage("I like rain", additional_kwargs={"timestamp": "2020-02-02T00:00:00Z"})
    times = []
    for said in ("I like tea", "I like chess", own):
        times.append(time.time())
        bot.say("a", said, user_id="will")
    backfill(memory, bot.saver)
    memory.run_due()
    at = {evidence.quote: evidence.at or 0.0 for evidence in memory.why("will", "interests")}
    assert times[0] <= at["I like tea"] <= times[1] <= at["I like chess"] <= times[2]
    assert at["I like rain"] == 1_580_601_600.0


def test_a_thread_without_its_history(bot: Bot, memory: UserMemory) -> None:
    """Where earlier checkpoints are gone, what was in the oldest that is left was said before."""
    bot.say("a", "I like tea", user_id="will")
    bot.say("a", "I like chess", user_id="will")
    middle = time.time()
    bot.say("a", "I like jazz", user_id="will")
    kept = next(bot.saver.list({"configurable": {"thread_id": "a"}}, filter={"source": "input"}))
    with bot.saver.cursor() if hasattr(bot.saver, "cursor") else bot.saver._cursor() as cursor:
        sign = "?" if isinstance(bot.saver, SqliteSaver) else "%s"
        cursor.execute(
            f"DELETE FROM checkpoints WHERE checkpoint_id < {sign}", [kept.checkpoint["id"]]
        )
    backfill(memory, bot.saver)
    memory.run_due()
    ages = {e.quote: (e.at or 0.0) - middle for e in memory.why("will", "interests")}
    assert 0 < ages["I like jazz"] < 60
    assert ages["I like tea"] == ages["I like chess"]
    assert 0 < ages["I like tea"] < 60


def test_users_of_one_thread_learn_from_their_own_words(bot: Bot, memory: UserMemory) -> None:
    """In a shared thread nobody is taken for somebody else."""
    bot.say("a", "I like tea", user_id="will")
    bot.say("a", "I like chess", user_id="ann")
    bot.say("a", "I like gossip")
    bot.say("a", "I like jazz", user_id="will")
    done = backfill(memory, bot.saver)
    assert (done.taken, done.by_user) == (1, 3)
    memory.run_due()
    assert memory.recall("will").document["interests"] == ["tea", "jazz"]
    assert memory.recall("ann").document["interests"] == ["chess"]
    assert backfill(memory, bot.saver).known == 1


@pytest.mark.parametrize(
    "claim",
    [
        {"name": "will"},
        {"additional_kwargs": {"usermemory_user": "will"}},
        {"name": "will", "additional_kwargs": {"usermemory_user": "will"}},
    ],
)
def test_a_claim_of_an_old_message_changes_nothing(
    bot: Bot, memory: UserMemory, claim: dict[str, Any]
) -> None:
    """The run in which a message came says whose it is, and not what stands on the message."""
    bot.say("room", HumanMessage("I like spam", **claim), user_id="mallory")
    bot.say("room", HumanMessage("I like tea", name="Will"), user_id="will")
    backfill(memory, bot.saver)
    memory.run_due()
    loved = [memory.recall(who).document["interests"] for who in ("will", "mallory")]
    assert loved == [["tea"], ["spam"]]


def test_signed_messages_say_whose_they_are(tmp_path: Path, memory: UserMemory) -> None:
    """Threads of `create_chatbot` are their users', though the context is in no checkpoint."""
    model = ScriptedModel(replies=lambda _: "Noted.")
    other = UserMemory(f"sqlite:///{tmp_path}/other.db", model="offline", worker=False)
    with other, checkpointer(other) as saver:
        chatbot = create_chatbot(other, model, checkpointer=saver)
        for user_id, text in (("will", "I like tea"), ("ann", "I like chess")):
            config: Any = {"configurable": {"thread_id": "a"}}
            chatbot.invoke({"messages": [("user", text)]}, config, context={"user_id": user_id})
        backfill(memory, saver)
    memory.run_due()
    assert memory.recall("will").document["interests"] == ["tea"]
    assert memory.recall("ann").document["interests"] == ["chess"]


def test_whose_threads_are_can_be_told(bot: Bot, memory: UserMemory) -> None:
    """What nobody owns is left out and said; a key, a user or a function tells."""
    bot.say("1", "I like tea", customer=7)
    bot.say("2", "I like chess")
    done = backfill(memory, bot.saver)
    assert done.left_out == {NOBODY: 2}
    assert done.examples[NOBODY].thread_id == "1"
    assert done.examples[NOBODY].detail == "its run says customer"
    assert backfill(memory, bot.saver, user_key="customer").left_out == {NOBODY: 1}
    mine = backfill(
        memory,
        bot.saver,
        user=lambda found: f"owner of {found.config['configurable']['thread_id']}",
    )
    assert mine.taken == 2
    assert backfill(memory, bot.saver, user="everybody").by_user == 2
    assert {job.user_id for job in memory.jobs()} == {"7", "owner of 1", "owner of 2", "everybody"}


def test_the_logged_in_user_wins(bot: Bot, memory: UserMemory) -> None:
    """As in a live run: what the server says of the user counts before what the run says."""
    bot.say("1", "I like tea", user_id="eve", langgraph_auth_user_id="will")
    backfill(memory, bot.saver)
    assert [job.user_id for job in memory.jobs()] == ["will"]


def test_an_unusable_user_is_left_out(bot: Bot, memory: UserMemory) -> None:
    """A user id that no memory takes is reported with its reason, and the others go on."""
    bot.say("1", "I like tea", user_id="a\nb")
    bot.say("2", "I like tea", user_id="will")
    done = backfill(memory, bot.saver)
    assert (done.taken, done.left_out) == (1, {NOBODY: 1})
    assert "control characters" in done.examples[NOBODY].detail


def test_a_paused_user_is_left_for_later(bot: Bot, memory: UserMemory) -> None:
    """Nothing of a paused user's threads is taken in or marked; after resume all of it is."""
    bot.say("1", "I like tea", user_id="will")
    memory.pause("will")
    assert backfill(memory, bot.saver).left_out == {PAUSED: 1}
    memory.resume("will")
    assert backfill(memory, bot.saver).new == 2


def test_a_thread_that_goes_on(bot: Bot, memory: UserMemory) -> None:
    """A live thread that was backfilled is known, and what is said in it next is new."""
    bot.say("1", "I like tea", user_id="will")
    backfill(memory, bot.saver)
    bot.say("1", "I like chess", user_id="will")
    state = bot.graph.get_state({"configurable": {"thread_id": "1"}})
    assert memory.remember("will", "1", state.values["messages"]).new == 2


def test_what_a_thread_no_longer_holds_is_not_read(bot: Bot, memory: UserMemory) -> None:
    """A message that was removed from its thread is not taken from an older checkpoint."""
    bot.say("1", HumanMessage("I like tea", id="gone"), user_id="will")
    bot.say("1", RemoveMessage(id="gone"), user_id="will")
    backfill(memory, bot.saver)
    memory.run_due()
    assert memory.recall("will").document["interests"] == []


def test_a_limit(bot: Bot, memory: UserMemory) -> None:
    """With a limit so many threads with something new are taken in; the next call goes on."""
    for number in range(5):
        bot.say(str(number), "I like tea", user_id=f"user {number}")
    counts = [backfill(memory, bot.saver, limit=2) for _ in range(4)]
    assert [(done.taken, done.known, done.looked_at) for done in counts] == [
        (2, 0, 2),
        (2, 2, 4),
        (1, 4, 5),
        (0, 5, 5),
    ]


def test_a_state_that_cannot_be_read(bot: Bot, memory: UserMemory) -> None:
    """One broken thread, and one without messages, do not keep the others out."""
    bot.say("broken", "I like tea", user_id="will")
    bot.say("whole", "I like chess", user_id="will")
    if not isinstance(bot.saver, SqliteSaver):
        return_broken(bot.saver)
    else:
        bot.saver.conn.execute(
            "UPDATE checkpoints SET checkpoint = x'c1' WHERE thread_id = 'broken'"
        )
    done = backfill(memory, bot.saver)
    assert (done.taken, done.left_out) == (1, {UNREADABLE: 1})
    assert done.examples[UNREADABLE].thread_id == "broken"
    assert backfill(memory, bot.saver, key="other").left_out[SILENT] == 1


def return_broken(saver: Any) -> None:
    with saver._cursor() as cursor:
        cursor.execute("UPDATE checkpoint_blobs SET blob = '\\xc1' WHERE thread_id = 'broken'")


def test_any_sync_saver(memory: UserMemory) -> None:
    """A checkpointer of another kind is read by what every checkpointer can do."""
    bot = Bot(InMemorySaver())
    bot.say("b", "I like tea", user_id="will")
    bot.say("a", "I like chess", user_id="will")
    bot.say("b", "I like jazz", user_id="will")
    order: list[BackfilledThread] = []
    backfill(memory, bot.saver, progress=order.append)
    assert [one.thread_id for one in order] == ["a", "b"]
    memory.run_due()
    assert memory.recall("will").document["interests"] == ["chess", "tea", "jazz"]


def test_a_pooled_saver(bot: Bot, memory: UserMemory) -> None:
    """A saver of ours, on its own pool or file, is read as well."""
    if not bot.url.startswith("postgresql"):
        bot.url = f"sqlite:///{bot.url}"
    bot.say("1", "I like tea", user_id="will")
    with (
        UserMemory(bot.url, model="offline", worker=False) as same,
        checkpointer(same) as saver,
    ):
        assert backfill(memory, saver).taken == 1


@pytest.mark.parametrize("at", [1, 4])
def test_killed_in_the_middle(bot: Bot, tmp_path: Path, at: int) -> None:
    """After kill -9 a new call passes over what was done, and each message is read once."""
    for number in range(6):
        bot.say(str(number), f"I like thing {number}", user_id=f"user {number % 2}")
    url = f"sqlite:///{tmp_path}/memory.db"
    command = [sys.executable, "-m", "tests.faults.backfill_process", url, bot.url, str(at)]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, cwd=root, env=environment(), check=False).returncode == -9
    listener = Listener()
    with saver_in(bot.url) as saver, UserMemory(url, model=listener, worker=False) as memory:
        done = backfill(memory, saver)
        assert (done.known, done.taken) == (at, 6 - at)
        memory.run_due()
    things = sorted(text for text in listener.texts if text.startswith("I like"))
    assert things == [f"I like thing {number}" for number in range(6)]


@pytest.mark.parametrize("bot", ["sqlite"], indirect=True)
def test_the_command(bot: Bot, tmp_path: Path) -> None:
    """A dry run counts and makes no file; then the threads are taken in, and the bot goes on."""
    bot.say("1", "I like tea", user_id="will")
    bot.say("2", "I like chess")
    db = tmp_path / "memory.db"
    asked = ("backfill", "--from", bot.url, "--db", str(db))
    counted = data(*asked, "--dry-run")
    assert (counted["taken"], counted["new"], counted["dry_run"]) == (1, 2, True)
    assert not db.exists()
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert "1  taken in: 2 messages, 1 of them by users" in done.stdout
    assert f"1  left out: {NOBODY}, such as 2" in done.stdout
    assert "--user-key" in done.stdout
    assert data(*asked, "--user", "ann", "--limit", "1")["taken"] == 1
    with UserMemory(f"sqlite:///{db}", model="offline", worker=False) as memory:
        assert {job.user_id for job in memory.jobs()} == {"will", "ann"}


def no_file(tmp_path: Path) -> str:
    return str(tmp_path / "no.db")


def no_threads(tmp_path: Path) -> str:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (id)")
    connection.close()
    return str(path)


def too_old(tmp_path: Path) -> str:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE checkpoints (thread_id, thread_ts, checkpoint)")
    connection.close()
    return str(path)


def no_database(tmp_path: Path) -> str:
    (tmp_path / "text.db").write_text("not a database" * 100)
    return str(tmp_path / "text.db")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (no_file, "there is no database at"),
        (no_threads, "it has no table checkpoints"),
        (too_old, "its table checkpoints has no checkpoint_ns"),
        (no_database, "is not an SQLite database"),
        (lambda _: shared(), "it has no table checkpoints"),
        (lambda _: "postgresql://127.0.0.1:1/none", "cannot be reached"),
        (lambda _: "redis://localhost", "use a path, sqlite:///… or postgresql://…"),
    ],
)
def test_a_source_that_is_none(source: Callable[[Path], str], said: str, tmp_path: Path) -> None:
    """What is no checkpointer's database is refused with the reason; no file changes."""
    url = source(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserMemoryError, match=said), saver_in(url):
        pass
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_source_that_is_missing_makes_no_memory(tmp_path: Path) -> None:
    """A wrong path is told in one line, before the memory's own file is made."""
    done = run("backfill", "--from", no_file(tmp_path), "--db", str(tmp_path / "memory.db"))
    assert done.returncode == 1
    assert done.stderr.startswith("usermemory: there is no database at")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
