"""The FastAPI example, served by uvicorn on loopback, asked over HTTP."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest
from tests.support.provider_server import ProviderServer, Reply, status, text
from tests.support.readme import copied, play, steps
from tests.support.serving import Server, serving

from usermemory import UserMemory

PASSPHRASE = "correct-horse"  # noqa: S105 - nobody's
BOAT = "I'm Will, I'm building a boat."


@contextmanager
def service(folder: Path, **more: str) -> Iterator[Server]:
    """The service, started as its page says, where it leaves its files."""
    copy = folder / "service"
    if not copy.exists():
        copied("service", folder)
    [start] = [step.command for step in steps(copy / "README.md") if "uvicorn" in step.command]
    with serving(start, copy, "/openapi.json", **more) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service without a language model."""
    with service(tmp_path_factory.mktemp("service")) as server:
        yield server


@contextmanager
def signed_in(server: Server, name: str) -> Iterator[httpx.Client]:
    """A client for this user, who gets an account first if there is none."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        form = {"username": name, "password": PASSPHRASE}
        client.post("/signup", json=form)
        token = client.post("/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def events(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    """Server-sent events as they come: kind and data."""
    kind = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def say(client: httpx.Client, what: str, thread: str = "main") -> str:
    """One turn; the whole answer."""
    with client.stream("POST", "/chat", json={"text": what, "thread": thread}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        got = list(events(answer))
    assert [kind for kind, _ in got] == ["piece"] * (len(got) - 1) + ["end"]
    return "".join(data for _, data in got)


def test_its_page_is_true(server: Server) -> None:
    """Each command of the page does what it shows; Will is known in another thread, Ana nowhere."""
    folder = server.log.parent
    more = {"SERVICE_URL": server.url, "SERVICE_PASSWORD": PASSPHRASE}
    assert len(play(folder / "README.md", folder, ("uvicorn",), **more)) == 5


def test_two_users_do_not_meet(server: Server) -> None:
    """A thread of the same name is another one, and a profile is shown to its user only."""
    with signed_in(server, "nora") as nora, signed_in(server, "bo") as bo:
        assert "Nora" in say(nora, "I'm Nora, I'm writing a cookbook.")
        assert "cookbook" not in say(bo, "What am I writing?")
        database = f"sqlite:///{server.log.parent / 'memory.db'}"
        with UserMemory(database, model="offline", worker=False) as memory:
            memory.trigger_all()
        seen = nora.get("/me/profile").json()
        assert (seen["profile"]["name"], seen["because"]["name"]) == ("Nora", ["I'm Nora,"])
        assert bo.get("/me/profile").json()["profile"]["name"] is None


def test_a_body_names_no_user(server: Server) -> None:
    """Whoever is named in a request's body or address, the token decides."""
    with signed_in(server, "eve") as eve:
        body = {"text": "I'm Eve.", "user_id": "will", "thread": "main"}
        with eve.stream("POST", "/chat", json=body, params={"user_id": "will"}) as answer:
            assert "Eve" in "".join(data for _, data in events(answer))
        assert eve.get("/me/profile", params={"user_id": "will"}).json()["unread"] == 2
        for thread in ("../will/main", "a/b", ""):
            assert eve.post("/chat", json={"text": "x", "thread": thread}).status_code == 422


def test_nobody_enters_without_signing_in(server: Server) -> None:
    """Wrong names, passwords and tokens get 401, and a token is good until its owner signs out."""
    with signed_in(server, "kim") as kim:
        for name, password in (("kim", "wrong-horse"), ("nobody", PASSPHRASE)):
            wrong = httpx.post(f"{server.url}/token", data={"username": name, "password": password})
            assert wrong.status_code == 401
        assert kim.get("/me/profile").status_code == 200
        assert kim.delete("/token").status_code == 204
        assert kim.get("/me/profile").status_code == 401
        again = kim.post("/signup", json={"username": "kim", "password": PASSPHRASE})
        assert again.status_code == 409
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic a2ltOng="}):
        for method, path in (("POST", "/chat"), ("GET", "/me/profile"), ("DELETE", "/me")):
            refused = httpx.request(method, server.url + path, headers=headers, json={"text": "x"})
            assert refused.status_code == 401


def test_leaving_takes_everything(server: Server) -> None:
    """Who leaves is forgotten, with all threads, and whoever takes the name next is a stranger."""
    database = server.log.parent / "memory.db"
    with signed_in(server, "zoe") as zoe:
        say(zoe, "I'm Zoe, I'm restoring a tandem.")
        with UserMemory(f"sqlite:///{database}", model="offline", worker=False) as memory:
            memory.trigger_all()
        say(zoe, "I'm learning Greek.", "another")
        assert zoe.get("/me/profile").json()["profile"]["name"] == "Zoe"
        assert threads_with(database, "tandem")
        assert zoe.delete("/me").status_code == 204
        assert zoe.get("/me/profile").status_code == 401
    assert not threads_with(database, "tandem")
    assert not threads_with(database, "learning Greek")
    with signed_in(server, "zoe") as stranger:
        assert "tandem" not in say(stranger, "What am I restoring?")
        assert stranger.get("/me/profile").json()["profile"]["name"] is None


def threads_with(database: Path, words: str) -> set[str]:
    """The threads whose checkpoints hold these words."""
    with closing(sqlite3.connect(database)) as connection:
        rows = [
            row
            for table in ("checkpoints", "writes")
            for row in connection.execute(f"SELECT * FROM {table}")
        ]
    return {str(row[0]) for row in rows if words.encode() in b"".join(filter(is_bytes, row))}


def is_bytes(value: object) -> bool:
    """Whether a column holds bytes."""
    return isinstance(value, bytes)


def test_secrets_are_not_kept(server: Server) -> None:
    """Neither a password nor a token stands in the file of accounts."""
    with signed_in(server, "max") as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
    with closing(sqlite3.connect(server.log.parent / "accounts.db")) as accounts:
        dump = "\n".join(accounts.iterdump())
    assert "max" in dump
    assert "$argon2id$" in dump
    assert PASSPHRASE not in dump
    assert token not in dump


def test_an_answer_is_streamed(tmp_path: Path) -> None:
    """The first words are here while the model has not said the last; a failing model is told."""
    go_on = Event()
    with ProviderServer() as provider:
        provider.reply(Reply("Hello Will, this is a long answer.", halfway=go_on))
        provider.reply(status(401, message="no such key"))
        provider.always(text("Hello again."))
        model = {"USERMEMORY_MODEL": "test", "USERMEMORY_BASE_URL": provider.openai_url}
        with service(tmp_path, **model) as server, signed_in(server, "will") as will:
            with will.stream("POST", "/chat", json={"text": BOAT}) as answer:
                got = events(answer)
                said = next(got)[1]
                assert said.startswith("Hello")
                assert "answer." not in said
                go_on.set()
                assert (said + "".join(data for _, data in got)).endswith("a long answer.")
            with will.stream("POST", "/chat", json={"text": "I'm 31."}) as answer:
                assert [kind for kind, _ in events(answer)] == ["error"]
            assert will.get("/me/profile").json()["unread"] == 3
            assert say(will, "Still there?") == "Hello again."


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    """What was said, and who is signed in, is there when the service comes back."""
    with service(tmp_path) as server, signed_in(server, "will") as will:
        say(will, BOAT)
        token = will.headers["Authorization"]
    with (
        service(tmp_path) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": token}) as will,
    ):
        assert will.get("/me/profile").json()["unread"] == 2
        assert "a boat" in say(will, "What am I building?", "another")
