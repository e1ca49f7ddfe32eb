"""``usermemory chat``: in pipes, at a terminal, and when it is torn away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command_line import Terminal, data, run
from tests.support.ollama_server import OllamaServer, listed
from tests.support.provider_server import ProviderServer, hang, status, text
from tests.support.until import until

WORDS = "Hi, I'm Will and I love bouldering"


@pytest.fixture
def db(tmp_path: Path) -> str:
    """An option that names a new database."""
    return f"--db={tmp_path / 'memory.db'}"


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    """A server that speaks OpenAI's protocol."""
    with ProviderServer() as server:
        yield server


def chat(db: str, *arguments: str) -> Terminal:
    terminal = Terminal("chat", "--user", "will", db, *arguments)
    terminal.expect("/help lists")
    return terminal


def unread(db: str) -> int:
    count: int = data("profile", "show", "will", db)["pending"]
    return count


def test_pipe(db: str) -> None:
    """Lines of a pipe are turns and commands: answers on standard output, remarks on the other."""
    lines = f"{WORDS}\n/remember\n\n/new\nWhat do you know about me?\n/why interests\n/nothing\n"
    done = run("chat", "--user", "will", db, text=lines)
    assert done.returncode == 0
    first, second, why = done.stdout.splitlines()
    assert first.startswith("bot: ")
    assert "bouldering" in second
    assert "I'm Will and I love bouldering”" in why
    for remark in ("No language model is in use", "learned: name: Will", "there is no /nothing"):
        assert remark in done.stderr
    assert "2 messages pending: kept" in done.stderr


def test_terminal(db: str) -> None:
    """At a terminal there is a status line, and the commands show what is known and why."""
    with chat(db) as terminal:
        terminal.type(WORDS + "\r")
        terminal.expect("bot: Nice to meet you, Will")
        terminal.expect("2 messages pending, consolidating in ")
        for typed, shown in {
            "/profile": "Nothing is known",
            "/remember": "learned: name: Will; + interests: bouldering",
            "/new friday": "Thread friday",
            "What do you know about me?": "you like bouldering",
            "/why interests": "I'm Will and I love bouldering”",
            "/why hobbies": "it has name, age",
            "/help": "/quit",
        }.items():
            terminal.type(typed + "\r")
            terminal.expect(shown)
        terminal.type("/quit\r")
        terminal.expect("2 messages pending: kept")
        assert terminal.end() == 0


def test_undo_and_forget(db: str) -> None:
    """What was learned is taken back, or erased with the conversation, which then begins anew."""
    with chat(db) as terminal:
        terminal.type(WORDS + "\r")
        terminal.expect("bot: ")
        for typed, shown in {
            "/remember": "learned: name: Will",
            "/undo": "Takes back revision 1, as revision 2",
            "/undo 2": "+ interests: bouldering",
            "/undo x": "write the number of a revision",
            "/forget interests bouldering": "Erase interests bouldering? There is no undo",
            "n": "It stays.",
            "/forget interests": "Erase interests?",
            "y": "The conversation still holds it: thread ",
            "y\r": "Erased: 1 value in the profile",
        }.items():
            terminal.type(typed.strip() + "\r")
            terminal.expect(shown)
        terminal.expect("Deleted: thread ")
        terminal.expect("Thread ")
        terminal.type("/profile\r")
        terminal.expect("Will")
        terminal.type("/quit\r")
        assert terminal.end() == 0
    file = Path(db.removeprefix("--db="))
    assert b"bouldering" not in file.read_bytes()


def test_learned_in_the_background(db: str) -> None:
    """Once it is quiet for the delay, the chat learns by itself and says so, while nobody types."""
    with chat(db, "--delay", "0.2") as terminal:
        terminal.type(WORDS + "\r")
        terminal.expect("bot: ")
        terminal.expect("learned: name: Will")


def test_thread_goes_on(db: str) -> None:
    """A chat with the name of a thread goes on with it, but never with another user's."""
    run("chat", "--user", "will", "--thread", "monday", db, text=WORDS)
    again = run("chat", "--user", "will", "--thread", "monday", db)
    assert "Going on with thread monday" in again.stderr
    assert WORDS in again.stderr
    for arguments, lines in ((("--thread", "monday"), ""), ((), "/new monday\nwhat did I say?\n")):
        other = run("chat", "--user", "eve", *arguments, db, text=lines)
        assert "thread 'monday' belongs to 'will', not to 'eve'" in other.stderr
        assert "bouldering" not in other.stdout + other.stderr


@pytest.mark.parametrize(
    ("how", "code"), [("\x04", 0), ("\x03", 130), ("hang up", 129), ("kill", -9)]
)
def test_leaving_loses_nothing(db: str, how: str, code: int) -> None:
    """However a chat ends, what was said is kept, and the next one learns it."""
    with chat(db) as terminal:
        terminal.type(WORDS + "\r")
        terminal.expect("bot: ")
        terminal.expect("pending")
        if how == "hang up":
            terminal.hang_up()
        elif how == "kill":
            terminal.process.kill()
        else:
            terminal.type(how)
        assert terminal.end() == code
    assert unread(db) == 2
    again = run("chat", "--user", "will", db, text="/remember\n/profile\n")
    assert "bouldering" in again.stdout


def test_interrupted_reply(db: str, server: ProviderServer) -> None:
    """Ctrl-C ends a reply that does not come; the chat goes on, and the words are remembered."""
    server.reply(hang())
    server.always(text("Hello again."))
    with chat(db, "--model", "test", "--base-url", server.openai_url) as terminal:
        terminal.type(WORDS + "\r")
        terminal.expect("bot: ")
        until(lambda: len(server.requests) > 0, "the model is being asked")
        terminal.type("\x03")
        terminal.expect("what you said is remembered")
        terminal.type("Are you there?\r")
        terminal.expect("Hello again.")
        terminal.type("/quit\r")
        terminal.expect("3 messages pending: kept")


def test_provider_fails(db: str, server: ProviderServer) -> None:
    """A provider's error is a line in the chat, which goes on."""
    server.reply(*[status(401, message="no such key")])
    server.always(text("Hello again."))
    with chat(db, "--model", "test", "--base-url", server.openai_url) as terminal:
        terminal.type(WORDS + "\r")
        terminal.expect("HTTP 401")
        terminal.type("And now?\r")
        terminal.expect("Hello again.")


def test_ollama_is_found(db: str) -> None:
    """Without a key, a chat talks to the Ollama that runs here, and says that it does."""
    with OllamaServer([listed("qwen3:4b")]) as server:
        done = run("chat", "--user", "will", db, text=f"{WORDS}\n", **server.environment)
    assert done.stdout == "bot: Hello from Ollama.\n"
    assert "ollama:qwen3:4b, since Ollama runs at" in done.stderr
    assert [asked["model"] for asked in server.asked] == ["qwen3:4b"]
