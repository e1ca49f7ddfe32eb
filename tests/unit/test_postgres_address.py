"""The URL of a PostgreSQL database: what libpq gets, and what people see."""

from __future__ import annotations

import sys

import pytest
from psycopg.conninfo import conninfo_to_dict

from usermemory import UserMemory
from usermemory.errors import ConfigurationError, StoreError
from usermemory.store.postgres.dialect import address_of


def test_libpq_gets_what_the_url_says() -> None:
    """Every option of the URL but our own reaches libpq, TLS and several hosts among them."""
    url = (
        "postgresql://will:p%40ss@one:5433,two:5434/db"
        "?sslmode=verify-full&schema=mine&sslrootcert=%2Fca.pem&connect_timeout=9"
    )
    address = address_of(url)
    got = conninfo_to_dict(address.conninfo)
    assert {key: got[key] for key in ("user", "password", "host", "port", "dbname")} == {
        "user": "will",
        "password": "p@ss",
        "host": "one,two",
        "port": "5433,5434",
        "dbname": "db",
    }
    assert (got["sslmode"], got["sslrootcert"]) == ("verify-full", "/ca.pem")
    assert str(got["connect_timeout"]) == "9", "a default gives way to the URL"
    assert got["tcp_user_timeout"], "a dead host is noticed"
    assert address.schema == "mine"


def test_default_schema() -> None:
    """A URL without a schema means the schema ``usermemory``."""
    assert address_of("postgres://host/db").schema == "usermemory"


@pytest.mark.parametrize("schema", ["", "Mine", "a-b", 'a"b', "1a", "x" * 64])
def test_bad_schema(schema: str) -> None:
    """A schema that would need quoting is refused when the memory is built."""
    with pytest.raises(ConfigurationError, match="schema"):
        UserMemory(f"postgresql://host/db?schema={schema}", model="offline")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://will:sec%zzret@host/db",
        "postgresql://will:secret@host/db?no_such=secret",
        "postgresql://will:secret@[host/db",
        "postgresql://will:sec\u2100ret@host/db",
        "postgresql://will:x@secret@host/db",
        "postgresql://will:x?secret=1@host/db?no_such=1",
    ],
)
def test_unreadable_url(url: str) -> None:
    """A URL that libpq cannot read is refused without repeating any of it."""
    with pytest.raises(ConfigurationError, match="cannot be read") as raised:
        UserMemory(url, model="offline")
    assert "sec" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("foo=secret", "no option is 'foo'$"),
        ("sslmod=secret", r"'sslmod' \(did you mean 'sslmode'\?\)$"),
        ("shema=secret", r"'shema' \(did you mean 'schema'\?\)$"),
    ],
)
def test_an_unknown_option(option: str, told: str) -> None:
    """An option that nobody knows is named, without its value, and with the one it may be."""
    with pytest.raises(ConfigurationError, match=told) as raised:
        UserMemory(f"postgresql://host/db?{option}", model="offline")
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_socket() -> None:
    """A URL without a host, whose option names the folder of the server's socket, is read."""
    address = address_of("postgresql:///db?host=/run/postgresql&schema=mine")
    got = conninfo_to_dict(address.conninfo)
    assert (got["host"], got["dbname"], address.schema) == ("/run/postgresql", "db", "mine")


def test_nobody_there() -> None:
    """A server that is not there is an error at once, which names it without the password."""
    memory = UserMemory("postgresql://will:hunter2x@127.0.0.1:1/db", model="offline", worker=False)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/db.*cannot be reached") as raised:
        memory.recall("will")
    assert "hunter2x" not in f"{raised.value} {memory.driver.url} {vars(memory.driver)}"
    memory.close()


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its package a PostgreSQL URL is refused, with what to install."""
    for name in list(sys.modules):
        if name.startswith("usermemory.store.postgres"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'usermemory\[postgres\]'"):
        UserMemory("postgresql://host/db", model="offline")
