"""The SQLite driver: its settings, its errors, files that are not what they should be."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from usermemory import UserMemory
from usermemory.errors import (
    ConfigurationError,
    ForkedProcess,
    MemoryClosed,
    NotADatabase,
    SchemaTooNew,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)
from usermemory.store.driver import migrations
from usermemory.store.flows.claim import claim_due
from usermemory.store.flows.commit import Result, commit
from usermemory.store.sqlite import SQLite
from usermemory.store.sqlite.connection import SETTINGS, pragmas_of


def built(path: Path) -> UserMemory:
    return UserMemory(f"sqlite:///{path}", model="offline", worker=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def memory(path: Path) -> Iterator[UserMemory]:
    with built(path) as memory:
        yield memory


def driver_of(memory: UserMemory) -> SQLite:
    assert isinstance(memory.driver, SQLite)
    return memory.driver


def test_settings_on_every_connection(memory: UserMemory) -> None:
    """Every connection, writing or reading, has WAL, full flushes and secure deletion."""
    memory.remember("will", "t", ["hello"])
    memory.recall("will")
    asyncio.run(memory.arecall("will"))
    driver = driver_of(memory)
    connections = [driver.writing, *driver.idle]
    assert len(connections) >= 2
    for connection in connections:
        assert connection is not None
        assert pragmas_of(connection) == dict(SETTINGS)
    assert (SETTINGS["journal_mode"], SETTINGS["synchronous"], SETTINGS["secure_delete"]) == (
        "wal",
        2,
        1,
    )


@pytest.mark.parametrize("url", [":memory:", "sqlite:///:memory:", "sqlite://", "sqlite:///"])
def test_memory_databases_are_refused(url: str) -> None:
    """A database in memory is refused when the memory is built, with the reason."""
    with pytest.raises(ConfigurationError, match="outlive"):
        UserMemory(url, model="offline")


@pytest.mark.parametrize("name", ["a\0b.db", "\0", "folder\0/a.db", "\ud800.db"])
def test_names_that_no_file_has(name: str) -> None:
    """A name with a NUL, or half a character, is refused in words when the memory is built."""
    for url in (name, f"sqlite:///{name}", f"postgresql://host/{name}"):
        with pytest.raises(ConfigurationError, match="name cannot be read: there is a NUL"):
            UserMemory(url, model="offline")


def test_a_name_of_bytes(tmp_path: Path) -> None:
    """A path whose bytes are no UTF-8, as a file system may have it, works."""
    with built(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.db"))) as memory:
        assert memory.recall("will").revision == 0


def test_unknown_databases_are_refused_without_their_password() -> None:
    """A URL that no driver serves is refused, and its password is not repeated."""
    with pytest.raises(ConfigurationError, match="no driver") as raised:
        UserMemory("mysql://will:secret@host/db", model="offline")
    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_database(path: Path) -> None:
    """A file that is something else is refused and left as it was."""
    path.write_text("Dear diary, this is not a database at all." * 40)
    before = path.read_bytes()
    with pytest.raises(NotADatabase, match="choose another path"):
        built(path).recall("will")
    assert path.read_bytes() == before


def test_tables_from_a_later_version(path: Path) -> None:
    """Tables that need a later version are refused, naming both versions, and left alone."""
    built(path).open().close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO usermemory_migrations VALUES (9999, 9999, 0)")
    with pytest.raises(SchemaTooNew, match="9999.*upgrade"):
        built(path).recall("will")


def test_later_tables_that_old_code_can_serve(path: Path) -> None:
    """Tables that a later version has only added to go on working with this one."""
    built(path).open().close()
    newest = migrations()[-1][0]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO usermemory_migrations VALUES (9999, ?, 0)", (newest,))
    with built(path) as memory:
        assert memory.remember("will", "t", ["hello"]).new == 1


def test_a_missing_folder(tmp_path: Path) -> None:
    """A folder that does not exist is an error that says so."""
    with pytest.raises(StoreError, match="does its folder exist"):
        built(tmp_path / "missing" / "memory.db").recall("will")


def test_read_only(memory: UserMemory) -> None:
    """A database that cannot be written is an error of its own kind."""
    memory.recall("will")
    writing = driver_of(memory).writing
    assert writing is not None
    writing.execute("PRAGMA query_only = 1")  # as root, tests may write any file
    with pytest.raises(StoreReadOnly, match="writable"):
        memory.remember("will", "t", ["hello"])


def test_full(memory: UserMemory) -> None:
    """A full disk is an error of its own kind, and what it refused is stored by the next call."""
    memory.remember("will", "t", [{"role": "user", "content": "hello", "id": "1"}])
    writing = driver_of(memory).writing
    assert writing is not None
    pages = writing.execute("PRAGMA page_count").fetchone()[0]
    big = {"role": "user", "content": "I like long walks. " * 5_000, "id": "2"}
    writing.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match="no room"):
        memory.remember("will", "t", [big])
    writing.execute("PRAGMA max_page_count = 1000000")
    assert memory.remember("will", "t", [big]).new == 1


def test_full_fails_only_what_it_must(memory: UserMemory) -> None:
    """Callers that share a transaction with one that fills the disk are told; nobody hangs."""
    memory.remember("will", "t", ["hello"])
    writing = driver_of(memory).writing
    assert writing is not None
    pages = writing.execute("PRAGMA page_count").fetchone()[0]
    writing.execute(f"PRAGMA max_page_count = {pages}")

    async def together() -> list[object]:
        texts = ["I like long walks. " * 5_000, "short", "I like long runs. " * 5_000]
        calls = [memory.aremember(f"user{n}", "t", [text]) for n, text in enumerate(texts)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = asyncio.run(together())
    writing.execute("PRAGMA max_page_count = 1000000")
    for number, answer in enumerate(answers):
        stored = memory.recall(f"user{number}").pending > 0
        assert stored == (not isinstance(answer, BaseException))


def test_locked(path: Path) -> None:
    """A database that somebody else keeps locked is an error, and works again afterwards."""
    with built(path) as memory, closing(sqlite3.connect(path, isolation_level=None)) as other:
        memory.remember("will", "t", ["hello"])
        driver = driver_of(memory)
        assert driver.writing is not None
        driver.writing.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="locked"):
            memory.remember("will", "t", ["I like tea"])
        assert memory.recall("will").pending == 1, "readers are not kept out"
        other.execute("ROLLBACK")
        assert memory.remember("will", "t", ["I like tea"]).new == 1


def test_gone_and_back(path: Path) -> None:
    """A file that is deleted is an error at once; when one is there again, it is used."""
    with built(path) as memory:
        memory.remember("will", "t", ["hello"])
        away = path.with_name("away.db")
        path.rename(away)
        with pytest.raises(StoreError, match="is gone"):
            memory.remember("will", "t", ["I like tea"])
        with pytest.raises(StoreError, match="is gone"):
            memory.recall("will")
        away.rename(path)
        assert memory.remember("will", "t", ["I like tea"]).new == 1
        assert memory.recall("will").pending == 2


def test_replaced(path: Path) -> None:
    """A file that was replaced by another is opened and brought up to date before it is used."""
    with built(path) as memory:
        memory.remember("will", "t", ["hello"])
        for file in path.parent.glob("memory.db*"):
            file.unlink()
        sqlite3.connect(path).close()
        path.touch()
        assert memory.remember("will", "t", ["I like tea"]).new == 1
        assert memory.recall("will").pending == 1


def test_use_after_close(path: Path) -> None:
    """After close every verb says so, in both colours, and a second close does nothing."""
    memory = built(path)
    memory.remember("will", "t", ["hello"])
    memory.close()
    memory.close()
    for use in (lambda: memory.remember("will", "t", ["x"]), lambda: memory.recall("will")):
        with pytest.raises(MemoryClosed, match="closed"):
            use()
    with pytest.raises(MemoryClosed, match="closed"):
        asyncio.run(memory.arecall("will"))
    with pytest.raises(MemoryClosed, match="closed"):
        asyncio.run(memory.aremember("will", "t", ["x"]))


# Forking beside the writer thread is what is tested; the child only raises and ends.
forking = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@forking
def test_fork(path: Path) -> None:
    """A memory opened before a fork refuses to work in the child, and goes on in the parent."""
    with built(path) as memory:
        memory.remember("will", "t", ["hello"])
        child = os.fork()
        if child == 0:
            status = 1
            try:
                memory.recall("will")
            except ForkedProcess as error:
                status = 0 if "after forking" in str(error) else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert memory.remember("will", "t", ["I like tea"]).new == 1


@forking
def test_built_before_a_fork(path: Path) -> None:
    """A memory that was built but not used before a fork works in the child."""
    memory = built(path)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if memory.remember("will", "t", ["hello"]).new == 1 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert memory.recall("will").pending == 1
    memory.close()


def test_threads_opening_at_once(path: Path) -> None:
    """Threads whose first use of a memory is at the same time all succeed."""
    memory = built(path)
    start = threading.Barrier(8)
    failed: list[BaseException] = []

    def use(number: int) -> None:
        start.wait()
        try:
            memory.remember(f"user{number}", "t", ["hello"])
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    memory.close()


def test_a_cancelled_caller(memory: UserMemory) -> None:
    """A caller that is cancelled while waiting takes nothing from those it is committed with."""

    async def together() -> list[object]:
        calls = [
            asyncio.create_task(memory.aremember(f"user{number}", "t", ["hello"]))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        calls[3].cancel()
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = asyncio.run(together())
    assert isinstance(answers[3], asyncio.CancelledError)
    for number, answer in enumerate(answers):
        if number != 3:
            assert not isinstance(answer, BaseException)
            assert memory.recall(f"user{number}").pending == 1


def test_an_erasure_discards_what_was_running(path: Path) -> None:
    """A consolidation that was running while something was erased commits nothing."""
    with built(path) as memory:
        memory.remember("will", "t", ["I like chess"], delay=0)
        claim = memory.driver.write(claim_due, "slow", 60.0)
        assert claim is not None
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE usermemory_users SET epoch = epoch + 1")
        result = Result(seqs=(1,), document={"interests": ["chess"]})
        assert memory.driver.write(commit, claim, result) == "forgotten"
        recalled = memory.recall("will")
        assert (recalled.revision, recalled.pending) == (0, 1)
        assert not memory.jobs()[0].running, "the user is given back"
