"""Servers that refuse a connection: which refusal it is, in any language, and what it means."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.errors import StoreBusy, StoreError
from usermemory.store.postgres import connections
from usermemory.store.postgres.dialect import address_of


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.fixture
def role(url: str) -> Iterator[str]:
    """The name of a role, which a test may make; gone afterwards."""
    name = f"role_{os.getpid()}"
    yield name
    with psycopg.connect(url.partition("?")[0], autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {name}".encode())


def make(url: str, role: str, rights: str) -> str:
    """Make a role with these rights; the URL as which it comes."""
    with psycopg.connect(url.partition("?")[0], autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} {rights}".encode())
    return url.replace("postgres@", f"{role}:hunter2x@")


def built(url: str) -> UserMemory:
    return UserMemory(url, model="offline", worker=False)


def refusal(url: str) -> StoreError:
    memory = built(url)
    with pytest.raises(StoreError) as raised:
        memory.open()
    assert "hunter2x" not in str(raised.value)
    assert "cannot be reached" not in str(raised.value), "the server has answered"
    return raised.value


def test_no_such_database(url: str) -> None:
    """A database that is not there is named as such, not as a server that is away."""
    place, _, name = url.partition("?")[0].rpartition("/")
    assert name == "postgres"
    assert "does not exist; create it" in str(refusal(f"{place}/no_such_database"))


def test_a_role_that_may_not_log_in(url: str, role: str) -> None:
    """A role without LOGIN is told apart, with the words of the server."""
    error = refusal(make(url, role, "NOLOGIN"))
    assert "does not let this role in" in str(error)
    assert "is not permitted to log in" in str(error)


def test_a_role_with_no_connection_left(url: str, role: str) -> None:
    """A role that has all the connections it may have is busy: that passes."""
    memory = built(make(url, role, "LOGIN CONNECTION LIMIT 0"))
    with pytest.raises(StoreBusy, match=r"no connection left.*\(too many connections for role"):
        memory.recall("will")


def test_a_connection_is_free_again(url: str, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that comes while every connection of a role is taken has the first that is free."""
    limited = make(url, role, "LOGIN CONNECTION LIMIT 1")
    holder = psycopg.connect(limited.partition("?")[0])
    monkeypatch.setattr(connections, "_IN_A_TURN", 30.0)
    refused: list[psycopg.Error] = []

    def seen(error: psycopg.Error, _: str) -> None:
        refused.append(error)
        holder.close()

    monkeypatch.setattr(connections, "learn_refusal", seen)
    with connections.Connections(address_of(limited), 1, 30.0).take() as connection:
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
    assert refused


@pytest.fixture
def foreign() -> Iterator[str]:
    """The URL of a server that refuses everybody, in French, with the state 53300."""
    fields = {b"S": "FATAL", b"V": "FATAL", b"C": "53300", b"M": "désolé, trop de clients"}
    body = b"".join(key + text.encode() + b"\0" for key, text in fields.items()) + b"\0"
    answer = b"E" + (len(body) + 4).to_bytes(4, "big") + body
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client, suppress(OSError):
                        client.recv(1_024)
                        client.sendall(answer)
                        while client.recv(1_024):
                            pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"postgresql://will:hunter2x@127.0.0.1:{server.getsockname()[1]}/db?sslmode=disable"
        server.shutdown(socket.SHUT_RDWR)


def test_another_language(foreign: str) -> None:
    """A server that has no connection left is busy in whatever language it says so."""
    error = refusal(foreign)
    assert isinstance(error, StoreBusy)
    assert "(désolé, trop de clients)" in str(error)


def test_without_a_trace(foreign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libpq cannot trace, such a server is still one that answered and refused."""

    def unsupported(_: str) -> str:
        raise psycopg.NotSupportedError("only on Linux")

    monkeypatch.setattr("usermemory.store.postgres.dialect._states", {})
    monkeypatch.setattr("usermemory.store.postgres.dialect._traced", unsupported)
    assert "answered, and refused the connection (désolé" in str(refusal(foreign))
