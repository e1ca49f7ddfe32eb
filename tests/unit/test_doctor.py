"""What a doctor finds, against a provider that fails in all the ways in which providers fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.ollama_server import OllamaServer, listed
from tests.support.postgres import fresh
from tests.support.provider_server import (
    ProviderServer,
    Reply,
    cut,
    hang,
    refusal,
    status,
    text,
    tool,
)

from usermemory import Extraction, Request, UserMemory
from usermemory.cli import doctor
from usermemory.cli.common import DATABASE
from usermemory.cli.doctor import Finding, check_chat_model, check_database, check_packages
from usermemory.errors import ConfigurationError, ExtractionError
from usermemory.retry import Retry

NAME = {"quote": "my name is Ada", "who": "user", "field": "name", "action": "set", "value": "Ada"}
CHESS = {
    "quote": "I love playing chess",
    "who": "user",
    "field": "interests",
    "action": "add",
    "value": "chess",
}
LEARNED = {"changes": [NAME, CHESS]}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keys, no Ollama, and no patience with errors that are not ours."""
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


def of(found: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in found}


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.state for name, finding in found.items()}


def checked(server: ProviderServer, patience: float = 30.0) -> dict[str, Finding]:
    return of(check_chat_model("test", server.openai_url, patience))


def test_a_model_that_works(server: ProviderServer) -> None:
    """It answers, fills in the change list, is learned from, and calls a tool: three calls."""
    server.reply(text("ready"), tool(LEARNED), tool({"city": "Oslo"}))
    found = checked(server)
    assert set(states(found).values()) == {"ok"}
    assert "langchain-openai" in found["model"].said
    assert "json_schema" in found["model"].said
    assert "120 + 30 tokens" in found["answer"].said
    assert "name: Ada; + interests: chess" in found["round trip"].said
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "said", "todo"),
    [
        (status(401), "HTTP 401", "set the right key"),
        (status(404), "HTTP 404", "which models the provider lists"),
        (status(400, message="no such parameter"), "HTTP 400", "another way"),
        (cut(), "connection", "is the server running"),
        (hang(), "no answer within 2 s", "--patience"),
    ],
)
def test_a_provider_that_does_not_answer(
    server: ProviderServer, reply: Reply, said: str, todo: str
) -> None:
    """What is wrong with key, name, server or line is told with what to do; no more is asked."""
    server.always(reply)
    found = checked(server, patience=2.0 if reply.hang else 30.0)
    assert found["answer"].state == "fail"
    assert said in found["answer"].said
    assert todo in found["answer"].todo
    assert set(found) == {"model", "answer"}


@pytest.mark.parametrize(
    ("reply", "said", "todo"),
    [
        (text("I like chess too!"), "no JSON", "a stronger model"),
        (tool(LEARNED, stop="length"), "cut off", "max_tokens"),
        (status(400, message="response_format is not supported"), "HTTP 400", "method="),
        (refusal(), "refused", "see what the provider says"),
    ],
)
def test_a_model_without_structured_output(
    server: ProviderServer, reply: Reply, said: str, todo: str
) -> None:
    """A model that talks but does not fill in the change list is found out, with what to try."""
    server.reply(text("ready"))
    server.always(reply)
    found = checked(server)
    assert states(found) == {"model": "ok", "answer": "ok", "structured output": "fail"}
    assert said in found["structured output"].said
    assert todo in found["structured output"].todo


def test_a_weak_model(server: ProviderServer) -> None:
    """One that finds nothing, or calls no tool, or says nothing, is a warning and no failure."""
    wrong = {**NAME, "value": "Bob"}
    server.reply(text(""), tool({"changes": [wrong]}), text("It rains."))
    found = checked(server)
    assert states(found) == {
        "model": "ok",
        "answer": "warn",
        "structured output": "ok",
        "round trip": "warn",
        "tool calls": "warn",
    }
    assert "nothing; 1 refused" in found["round trip"].said


def test_no_call_without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a model is named or a key set nothing is called, and that is said."""
    found = of(check_chat_model(None, None, 1.0))
    assert states(found) == {"model": "warn"}
    assert "none was called" in found["model"].said
    assert states(of(check_chat_model("offline", None, 1.0))) == {"model": "skip"}
    with OllamaServer([listed("qwen3:4b")]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.host)
        found = of(check_chat_model(None, None, 1.0))
        assert server.asked == []
    assert found["model"].state == "skip"
    assert "usermemory doctor --model ollama:qwen3:4b" in found["model"].todo


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openai:gpt-5-mini", "set OPENAI_API_KEY"),
        ("groq:x", "pip install"),
        ("local:model.gguf", "llama-server -m"),
    ],
)
def test_a_model_that_cannot_be_built(name: str, said: str) -> None:
    """A missing key, package or file is a failure that says what is missing."""
    found = of(check_chat_model(name, None, 1.0))
    assert found["model"].state == "fail"
    assert said in found["model"].said


def test_packages() -> None:
    """Python and what we need are there, in versions that fit."""
    assert states(of(check_packages())) == {"python": "ok", "packages": "ok"}


def test_packages_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is missing or too old is a failure that names it."""
    needs = ["langgraph>=99", "no-such-package>=1", 'nothing>=1; extra == "postgres"']
    monkeypatch.setattr(doctor, "requires", lambda _: needs)
    found = of(check_packages())["packages"]
    assert found.state == "fail"
    assert "langgraph is " in found.said
    assert "no-such-package is missing" in found.said
    assert "nothing" not in found.said


def test_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is not there is told, and not made; where one was named, that is wrong."""
    monkeypatch.chdir(tmp_path)
    assert states(of(check_database(DATABASE))) == {"database": "warn"}
    found = of(check_database(str(tmp_path / "m.db")))["database"]
    assert (found.state, "there is no database at" in found.said) == ("fail", True)
    assert list(tmp_path.iterdir()) == []


def test_no_file_of_ours(tmp_path: Path) -> None:
    """A folder is named as one, an empty file as a database without tables."""
    (empty := tmp_path / "empty.db").touch()
    assert "is a folder; name a file" in of(check_database(str(tmp_path)))["database"].said
    assert "has no tables yet" in of(check_database(str(empty)))["database"].said


@pytest.fixture
def postgres() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_that_works(tmp_path: Path, postgres: str, kind: str) -> None:
    """One that opens, is up to date and durable is said to be so, with what waits in it."""
    url = str(tmp_path / "m.db") if kind == "sqlite" else postgres
    with UserMemory(url, model="offline", worker=False) as memory:
        memory.remember("will", "t", ["I like chess"])
    found = of(check_database(url))
    if kind == "postgresql":  # whose server of the tests may be set to forget: it is quicker so
        del found["durability"]
    assert set(states(found).values()) == {"ok"}
    assert found["jobs"].said == "1 waiting, 0 dead"


def test_postgres_that_may_forget(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers before a commit is on its disk is a warning."""
    UserMemory(postgres, model="offline", worker=False).open().close()
    monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=off")
    found = of(check_database(postgres))
    assert found["durability"].state == "warn"
    assert "synchronous_commit is off" in found["durability"].said


def test_postgres_without_emoji(postgres: str) -> None:
    """A database of another encoding is refused when it is new, and named by doctor either way."""
    name, server = "latin_memory", postgres.partition("?")[0]
    url = f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name} {LATIN}".encode())
        try:
            memory = UserMemory(url, model="offline", worker=False)
            with pytest.raises(ConfigurationError, match="its encoding is LATIN1.*'UTF8'"):
                memory.recall("will")
            memory.close()
            assert of(check_database(url))["encoding"].state == "fail"
            with pytest.MonkeyPatch.context() as patch:  # as an earlier version did
                patch.setattr("usermemory.store.postgres._misses", lambda _: "")
                UserMemory(url, model="offline", worker=False).open().close()
            found = of(check_database(url))
            assert (found["encoding"].state, found["database"].state) == ("warn", "ok")
            assert "its encoding is LATIN1" in found["encoding"].said
            assert "usermemory copy" in found["encoding"].todo
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


LATIN = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"


class Failing:
    """Cannot use any answer."""

    def extract(self, request: Request) -> Extraction:
        raise ExtractionError("no")


def test_dead_jobs(tmp_path: Path) -> None:
    """Threads that wait for a person are a warning that names the command."""
    url = str(tmp_path / "m.db")
    settings: dict[str, Any] = {"worker": False, "retry": Retry(attempts=1)}
    with UserMemory(url, model=Failing(), **settings) as memory:
        memory.remember("will", "t", ["I like chess"])
        memory.trigger("will")
    found = of(check_database(url))["jobs"]
    assert (found.state, found.said) == ("warn", "0 waiting, 1 dead")
    assert "usermemory jobs list --state dead" in found.todo


def test_a_database_that_fails(tmp_path: Path) -> None:
    """No database, a later version's, an old one's, and a URL that means nothing are told apart."""
    other = tmp_path / "other.db"
    other.write_bytes(b"this is no database at all " * 100)
    assert "not an SQLite database" in of(check_database(str(other)))["database"].said
    assert "no driver" in of(check_database("mysql://x/y"))["database"].said
    url = str(tmp_path / "m.db")
    UserMemory(url, model="offline", worker=False).open().close()
    for change, state, said in (
        ("DELETE FROM usermemory_migrations WHERE number > 1", "warn", "lacks migration"),
        ("UPDATE usermemory_migrations SET oldest_code = 99, number = 99", "fail", "later version"),
    ):
        with sqlite3.connect(url) as connection:
            connection.execute(change)
        connection.close()
        found = of(check_database(url))["database"]
        assert (found.state, said in found.said) == (state, True), found
