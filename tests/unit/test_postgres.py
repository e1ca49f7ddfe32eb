"""The PostgreSQL driver: its errors, what it tries again, roles and migrations."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.rows import DictRow
from tests.support.postgres import fresh, shared

from usermemory import UserMemory
from usermemory.clock import SystemClock
from usermemory.conformance.harness import background
from usermemory.errors import (
    ForkedProcess,
    MemoryClosed,
    SchemaTooNew,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)
from usermemory.records import Outcome
from usermemory.store import driver as drivers
from usermemory.store.flows.claim import pause
from usermemory.store.flows.recall import jobs
from usermemory.store.postgres import PostgreSQL
from usermemory.store.postgres.connections import Slots, UserPatience
from usermemory.store.postgres.dialect import postgres_statements


def built(url: str) -> UserMemory:
    return UserMemory(url, model="offline", worker=False, delay=0.0)


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.fixture
def schema(url: str) -> str:
    return url.rpartition("schema=")[2]


@pytest.fixture
def memory(url: str) -> Iterator[UserMemory]:
    with built(url) as memory:
        yield memory


@pytest.fixture
def admin() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(shared(), autocommit=True) as connection:
        yield connection


Admin = psycopg.Connection[tuple[object, ...]]


def run(admin: Admin, sql: str) -> list[tuple[object, ...]]:
    cursor = admin.execute(sql.encode())
    return cursor.fetchall() if cursor.description else []


def with_option(url: str, setting: str) -> str:
    return f"{url}&options={quote(f'-c {setting}')}"


# Pipelines


@pytest.mark.parametrize("pipelines", [True, False])
def test_with_and_without_pipelines(
    memory: UserMemory, monkeypatch: pytest.MonkeyPatch, pipelines: bool
) -> None:
    """A libpq from before version 14 has no pipeline mode: each statement is waited for."""
    monkeypatch.setattr(psycopg.Pipeline, "is_supported", lambda: pipelines)
    assert memory.remember("will", "t", ["I like chess"]).new == 1
    assert [outcome.status for outcome in memory.trigger("will")] == ["changed"]
    assert memory.recall("will").document["interests"] == ["chess"]


def test_an_error_that_nobody_waited_for(memory: UserMemory, schema: str, admin: Admin) -> None:
    """A statement at whose rows nobody looks fails its flow all the same, and nothing is stored."""
    memory.remember("will", "t", ["I like tea"])
    run(admin, f"ALTER TABLE {schema}.threads ADD CONSTRAINT no CHECK (unread < 2)")
    with pytest.raises(StoreError, match="no"):
        memory.remember("will", "t", ["I like chess"])
    run(admin, f"ALTER TABLE {schema}.threads DROP CONSTRAINT no")
    assert memory.recall("will").pending == 1
    assert memory.remember("will", "t", ["I like tea", "I like chess"]).new == 1


# Errors


def test_locked(url: str, schema: str, admin: Admin) -> None:
    """A row that somebody else keeps locked is an error of its own kind, after a while."""
    impatient = PostgreSQL(url, SystemClock(), patience=0.02)
    impatient.write(pause, "will", paused=False)
    with admin.transaction():
        run(admin, f"SELECT 1 FROM {schema}.users FOR UPDATE")
        with pytest.raises(StoreBusy, match="lock"):
            impatient.write(pause, "will", paused=False)
        assert impatient.read(jobs) == [], "readers are not kept out"
    impatient.write(pause, "will", paused=False)
    impatient.close()


LONG = 1.5
"""Seconds: more than a turn waits for locks, and less than what else waits for once."""


def test_readers_of_a_locked_table(memory: UserMemory, url: str, schema: str, admin: Admin) -> None:
    """Who only reads does not wait for as long as a table is locked; nor does who opens."""
    memory.edit("will", {"name": "Will"}, by="a")
    other = built(url)
    with admin.transaction():
        run(admin, f"LOCK TABLE {schema}.users, {schema}.profiles, {schema}.migrations")
        began = time.monotonic()
        for read in (
            lambda: memory.recall("will"),
            lambda: asyncio.run(memory.arecall("will")),
            memory.ping,
            memory.jobs,
            lambda: memory.driver.search("will", ["Will"]),
            other.open,
        ):
            with pytest.raises(StoreBusy, match="lock"):
                read()
        assert time.monotonic() - began < 20
    assert memory.recall("will").document["name"] == "Will"
    assert other.recall("will").document["name"] == "Will"
    other.close()


def test_readers_of_a_locked_table_behind_a_pooler(
    url: str, schema: str, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler that takes no settings at the start is connected to without: the limit is there."""
    connect = psycopg.Connection[DictRow].connect

    def refuse(conninfo: str, **settings: Any) -> psycopg.Connection[Any]:
        if "lock_timeout" in conninfo:
            raise psycopg.OperationalError("unsupported startup parameter: options")
        return connect(conninfo, **settings)

    monkeypatch.setattr(psycopg.Connection, "connect", refuse)
    with built(f"{url}&application_name=pooled") as memory:
        memory.edit("will", {"name": "Will"}, by="a")
        with admin.transaction():
            run(admin, f"LOCK TABLE {schema}.profiles")
            with pytest.raises(StoreBusy, match="lock"):
                memory.recall("will")
        assert memory.recall("will").document["name"] == "Will"


def test_one_wait_a_turn(memory: UserMemory, schema: str, admin: Admin) -> None:
    """A turn waits for a locked user once and shortly; others are not taken for locked."""
    memory.remember("will", "t", ["hello"])
    driver = memory.driver
    assert isinstance(driver, PostgreSQL)
    with admin.transaction():
        run(admin, f"SELECT 1 FROM {schema}.users WHERE user_id = 'will' FOR UPDATE")
        began = time.monotonic()
        for text in ("I like tea", "I like chess"):
            assert memory.recall("will").pending == 1
            with pytest.raises(StoreBusy, match="lock"):
                memory.remember("will", "t", [text])
        assert time.monotonic() - began < LONG
        assert driver.patience.is_known("will")
        assert memory.remember("ana", "t", ["hello"]).new == 1
        assert not driver.patience.is_known("ana")
    assert memory.remember("will", "t", ["hello", "I like tea"]).new == 1
    assert not driver.patience.is_known("will")


def test_one_wait_a_turn_for_a_locked_table(memory: UserMemory, schema: str, admin: Admin) -> None:
    """A look-up that waited in vain is the turn's one wait."""
    memory.remember("will", "t", ["hello"])
    with admin.transaction():
        run(admin, f"LOCK TABLE {schema}.users, {schema}.profiles")
        began = time.monotonic()
        for call in (
            lambda: memory.recall("will"),
            lambda: memory.remember("will", "t", ["hi"]),
            lambda: memory.recall("will"),
            lambda: memory.remember("will", "t", ["hi"]),
        ):
            with pytest.raises(StoreBusy, match="lock"):
                call()
        assert time.monotonic() - began < LONG


def test_few_are_known_as_locked() -> None:
    """Of how many users it is known that they are locked has a bound."""
    patience = UserPatience(2.0)
    for number in range(1_500):
        patience.was_in_vain(f"user{number}")
    assert patience.is_known("user1499")
    assert not patience.is_known("user0")


def test_a_slow_statement(url: str, schema: str, admin: Admin) -> None:
    """A statement that the server cancels, because it took too long, is the same kind of error."""
    driver = PostgreSQL(with_option(url, "statement_timeout=100"), SystemClock())
    driver.open()
    with admin.transaction():
        run(admin, f"LOCK TABLE {schema}.users IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreBusy, match="took too long"):
            driver.write(pause, "will", paused=False)
    driver.close()


def test_all_connections_in_use(url: str) -> None:
    """Whoever finds all connections in use for too long is told so."""
    driver = PostgreSQL(url, SystemClock(), connections=1, patience=0.02)
    driver.open()
    with driver.connections.borrowed(), pytest.raises(StoreBusy, match="all 1 connections"):
        driver.read(jobs)
    assert driver.read(jobs) == []
    driver.close()


def test_connections_in_turn() -> None:
    """A free connection goes to whoever has waited longest, not to who comes just then."""
    slots = Slots(1)
    assert slots.acquire(0)
    with background(lambda: slots.acquire(30)):
        while not slots.waiting:
            threading.Event().wait(0.001)
        slots.release()
        assert not slots.acquire(0)
    slots.release()
    assert slots.acquire(0)
    assert not slots.acquire(0.001)
    assert not slots.waiting


@pytest.mark.parametrize(
    ("state", "kind", "text"),
    [("53100", StoreFull, "no room"), ("25006", StoreReadOnly, "read-only")],
)
def test_kinds(
    memory: UserMemory, schema: str, admin: Admin, state: str, kind: type[StoreError], text: str
) -> None:
    """A full disk and a read-only server are errors of their own kinds; nothing is stored."""
    body = f"BEGIN RAISE 'injected' USING ERRCODE = '{state}'; END"
    run(admin, f"CREATE FUNCTION {schema}.f() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    run(admin, f"CREATE TRIGGER fail BEFORE INSERT ON {schema}.inbox EXECUTE FUNCTION {schema}.f()")
    with pytest.raises(kind, match=text):
        memory.remember("will", "t", ["hello"])
    run(admin, f"DROP TRIGGER fail ON {schema}.inbox")
    assert memory.remember("will", "t", ["hello"]).new == 1


def test_tls_is_asked_for(url: str) -> None:
    """A URL that demands TLS is not served without it."""
    with pytest.raises(StoreError, match="SSL"):
        built(f"{url}&sslmode=require").recall("will")


def test_use_after_close(url: str) -> None:
    """After close every verb says so, in both colours, and a second close does nothing."""
    memory = built(url)
    memory.remember("will", "t", ["hello"])
    memory.close()
    memory.close()
    with pytest.raises(MemoryClosed, match="closed"):
        memory.recall("will")
    with pytest.raises(MemoryClosed, match="closed"):
        asyncio.run(memory.aremember("will", "t", ["x"]))


# The parent has threads of its own; the child only raises and ends.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(memory: UserMemory) -> None:
    """A memory opened before a fork refuses to work in the child, and goes on in the parent."""
    memory.remember("will", "t", ["hello"])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            memory.recall("will")
        except ForkedProcess:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert memory.recall("will").pending == 1


# What is tried again


def once(action: Callable[[], object]) -> drivers.Hook:
    """A hook that does something before the first statement that it sees, and never again."""
    left = [action]

    def hook(*_place: str) -> None:
        if left:
            left.pop()()

    return hook


def test_in_each_others_way(memory: UserMemory, schema: str, admin: Admin) -> None:
    """A transaction that the server gives up because of another one is done again."""
    run(admin, f"CREATE SEQUENCE {schema}.times")  # it counts on where a transaction is undone
    body = (
        f"BEGIN IF nextval('{schema}.times') = 1 THEN RAISE 'injected' USING ERRCODE = '40P01'; "
        "END IF; RETURN NEW; END"
    )
    run(admin, f"CREATE FUNCTION {schema}.f() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    run(
        admin,
        f"CREATE TRIGGER once BEFORE INSERT ON {schema}.inbox FOR EACH ROW "
        f"EXECUTE FUNCTION {schema}.f()",
    )
    assert memory.remember("will", "t", ["hello"]).new == 1
    assert memory.recall("will").pending == 1
    assert run(admin, f"SELECT last_value FROM {schema}.times") == [(2,)]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_stricter_default_isolation(url: str, schema: str, admin: Admin, level: str) -> None:
    """A database whose default is stricter fails nobody who waited for somebody else's commit."""
    option = f"default_transaction_isolation={level.replace(' ', chr(92) + ' ')}"
    with built(with_option(url, option)) as memory:
        memory.pause("will")
        change = f"UPDATE {schema}.users SET paused = 0"
        seen: list[tuple[str, ...]] = []
        meanwhile = once(lambda: run(admin, change))

        def hook(*place: str) -> None:
            seen.append(place)
            meanwhile(*place)

        memory.driver.hook = hook
        assert memory.remember("will", "t", ["hello"]).new == 1
        assert len(set(seen)) == len(seen), "done once"


def test_what_another_worker_read_meanwhile(url: str) -> None:
    """A trigger that claims a thread just after another one has read it reads nothing twice."""
    outcomes: list[Outcome] = []
    with built(url) as memory, built(url) as other:
        memory.remember("will", "t", ["I like chess"])
        meanwhile = [lambda: outcomes.extend(other.trigger("will"))]

        def hook(stage: str, flow: str, statement: str) -> None:
            if (stage, flow, statement) == ("before", "claim_thread", "claim_user") and meanwhile:
                meanwhile.pop()()

        memory.driver.hook = hook
        assert memory.trigger("will") == []
        assert [outcome.status for outcome in outcomes] == ["changed"]


# Roles and migrations


def test_a_role_that_may_nothing_but_this(url: str, schema: str, admin: Admin) -> None:
    """A role that may create neither schemas nor extensions works in a schema made for it."""
    role = f"{schema}_role"
    run(admin, f"CREATE ROLE {role} LOGIN")
    limited = url.replace("postgres@", f"{role}@")
    try:
        with pytest.raises(StoreError, match="grant"):
            built(limited).recall("will")
        run(admin, f"CREATE SCHEMA {schema} AUTHORIZATION {role}")
        with built(limited) as memory:
            assert memory.remember("will", "t", ["hello"]).new == 1
    finally:
        run(admin, f"DROP OWNED BY {role} CASCADE")
        run(admin, f"DROP ROLE {role}")


def test_what_a_role_may_not_clean_is_not_called_clean(url: str, schema: str, admin: Admin) -> None:
    """A server passes over the tables of another role with a warning: that is no clean disk."""
    role = f"{schema}_guest"
    with built(url) as owners:
        owners.remember("will", "t", ["hello"])
        run(admin, f"CREATE ROLE {role} LOGIN")
        try:
            run(admin, f"GRANT USAGE ON SCHEMA {schema} TO {role}")
            may = "SELECT, INSERT, UPDATE, DELETE"
            run(admin, f"GRANT {may} ON ALL TABLES IN SCHEMA {schema} TO {role}")
            with built(url.replace("postgres@", f"{role}@")) as memory:
                assert memory.forget_user("will").pending
                assert not memory.clean()
            assert owners.clean()
        finally:
            run(admin, f"DROP OWNED BY {role} CASCADE")
            run(admin, f"DROP ROLE {role}")


def shape_of(admin: Admin, schema: str) -> list[tuple[object, ...]]:
    """Columns, constraints and indexes of a schema, without its name."""
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, column_default "
        f"FROM information_schema.columns WHERE table_schema = '{schema}' ORDER BY 1, 2"
    )
    indexes = (
        f"SELECT tablename, replace(indexdef, '{schema}', '') FROM pg_indexes "
        f"WHERE schemaname = '{schema}' ORDER BY 1, 2"
    )
    return [*run(admin, columns), *run(admin, indexes)]


def test_fresh_and_migrated(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that was migrated version by version is the same as a fresh one."""
    every = drivers.migrations()
    with fresh() as new, fresh() as old:
        built(new).open().close()
        for count in range(1, len(every) + 1):
            monkeypatch.setattr(drivers, "migrations", lambda count=count: every[:count])
            built(old).open().close()
        shapes = [shape_of(admin, url.rpartition("schema=")[2]) for url in (new, old)]
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 50


def test_tables_from_a_later_version(url: str, schema: str, admin: Admin) -> None:
    """Tables that need a later version are refused, naming both versions."""
    built(url).open().close()
    run(admin, f"INSERT INTO {schema}.migrations VALUES (9999, 9999, 0)")
    with pytest.raises(SchemaTooNew, match=r"9999.*upgrade"):
        built(url).recall("will")


# Statements


def test_the_due_index_is_searched(memory: UserMemory, schema: str, admin: Admin) -> None:
    """Who is due is found by the index, with the server's clock: nobody's row is read in vain."""
    memory.remember("will", "t", ["hello"])
    claim = postgres_statements(schema, server_clock=True)["claim_due"].decode()
    claim = claim.replace("%(lease)s", "60").replace("%(worker)s", "'w'")
    with admin.transaction():
        run(admin, "SET LOCAL enable_seqscan = off")
        plan = "\n".join(str(row[0]) for row in run(admin, f"EXPLAIN {claim}"))
    assert "usermemory_users_due" in plan
    assert "Index Cond: ((next_due IS NOT NULL) AND (next_due <= " in plan


def test_no_state_of_a_session(memory: UserMemory) -> None:
    """Nothing is left behind in a session, so that a pooler may lend it to others in between."""
    for number in range(10):
        memory.remember("will", "t", [f"hello {number}"])
    memory.trigger("will")
    driver = memory.driver
    assert isinstance(driver, PostgreSQL)
    with driver.connections.borrowed() as connection:
        settings = connection.execute("SELECT name FROM pg_settings WHERE source = 'session'")
        assert settings.fetchall() == []
        assert connection.execute("SELECT 1 FROM pg_prepared_statements").fetchall() == []
        advisory = connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")
        assert advisory.fetchall() == []
