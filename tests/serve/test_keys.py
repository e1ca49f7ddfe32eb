"""A change with an Idempotency-Key is done once, whatever becomes of its answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.serve.test_api import client
from tests.support.until import until

from usermemory import UserMemory
from usermemory.errors import StoreError
from usermemory.serve import app
from usermemory.serve.tokens import Tokens
from usermemory.store.flows.access import begin_reply
from usermemory.testing import FakeClock

KEY = {"idempotency-key": "one"}
UNDO = "/api/v1/users/will/undo"
HOUR = 3_600.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(tmp_path: Path, clock: FakeClock) -> Iterator[UserMemory]:
    file = tmp_path / "memory.db"
    with UserMemory(file, model="offline", worker=False, clock=clock) as made:
        for name in ("chess", "tea", "jazz"):
            made.edit("will", [{"op": "add", "path": "/interests/-", "value": name}], by="test")
        yield made


@pytest.fixture
def lock(tmp_path: Path, memory: UserMemory) -> Iterator[sqlite3.Connection]:
    """A connection that can keep all others from writing."""
    assert memory
    file = tmp_path / "memory.db"
    made = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    yield made
    made.close()


def interests(memory: UserMemory) -> Any:
    return memory.recall("will").document["interests"]


async def test_a_database_that_is_busy_after_a_change_does_it_once(
    memory: UserMemory, lock: sqlite3.Connection, clock: FakeClock
) -> None:
    """The client has its answer, and the same one again as soon as the database takes it."""
    token, _ = Tokens(memory).create(user_id="will")
    real = memory.aundo

    async def undo_then_lock(*given: Any, **named: Any) -> Any:
        made = await real(*given, **named)
        lock.execute("BEGIN IMMEDIATE")
        return made

    memory.aundo = undo_then_lock  # type: ignore[method-assign]
    async with client(app(memory), token) as http:
        first = await http.post(UNDO, headers=KEY)
        memory.aundo = real  # type: ignore[method-assign]
        assert (await http.post(UNDO, headers=KEY)).status_code == 503  # nothing is begun
        lock.execute("ROLLBACK")
        clock.advance(HOUR)
        again = await http.post(UNDO, headers=KEY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert interests(memory) == ["chess", "tea"]


async def test_a_refused_change_may_be_mended_after_a_busy_database(
    memory: UserMemory, lock: sqlite3.Connection
) -> None:
    """Its key is given free as soon as the database takes that; the client hears why it was."""
    token, _ = Tokens(memory).create(user_id="will")
    real = memory.aundo

    async def lock_then_undo(*given: Any, **named: Any) -> Any:
        lock.execute("BEGIN IMMEDIATE")
        return await real(*given, **named)

    memory.aundo = lock_then_undo  # type: ignore[method-assign]
    async with client(app(memory), token) as http:
        assert (await http.post(f"{UNDO}?revision=99", headers=KEY)).status_code in {422, 503}
        memory.aundo = real  # type: ignore[method-assign]
        lock.execute("ROLLBACK")
        assert (await http.post(UNDO, headers=KEY)).status_code == 200


@pytest.mark.parametrize("end", [StoreError("gone"), ZeroDivisionError(), asyncio.CancelledError()])
async def test_what_may_have_been_done_is_not_done_again(
    memory: UserMemory, clock: FakeClock, end: BaseException
) -> None:
    """A connection that breaks at the commit, or a fault behind it: the same key does nothing."""
    token, _ = Tokens(memory).create(user_id="will")
    real = memory.aundo

    async def undo_and_fail(*given: Any, **named: Any) -> Any:
        await real(*given, **named)
        raise end

    memory.aundo = undo_and_fail  # type: ignore[method-assign]
    async with client(app(memory), token) as http:
        with suppress(ZeroDivisionError, asyncio.CancelledError):  # as a server sees it
            assert (await http.post(UNDO, headers=KEY)).status_code >= 500
        memory.aundo = real  # type: ignore[method-assign]
        clock.advance(HOUR)
        again = await http.post(UNDO, headers=KEY)
    assert again.status_code == 409
    assert "look whether it was done" in again.json()["detail"]
    assert interests(memory) == ["chess", "tea"]


async def test_an_answer_about_everybody_goes_with_any_of_them(memory: UserMemory) -> None:
    """What names users in an answer that is kept goes with the erasure of one of them."""
    token, _ = Tokens(memory).create()
    memory.driver.write(begin_reply, "other", "ann", "digest")
    async with client(app(memory), token) as http:
        path, body = "/api/v1/jobs/retry", {"dry_run": True}
        assert (await http.post(path, json=body, headers=KEY)).status_code == 200
        memory.forget_user("will")
        again = await http.post(path, json=body, headers=KEY)
    assert again.status_code == 409
    assert "was done before" in again.json()["detail"]


@pytest.mark.parametrize("by", ["clean", "worker"])
async def test_an_answer_goes_after_a_day(
    memory: UserMemory, clock: FakeClock, tmp_path: Path, by: str
) -> None:
    """Cleaning and workers remove it, though no other request with a key comes."""
    token, _ = Tokens(memory).create(user_id="will")
    edit = {"patch": [{"op": "add", "path": "/interests/-", "value": "falconry"}], "by": "test"}

    def kept() -> list[Any]:
        with sqlite3.connect(tmp_path / "memory.db") as look:
            return look.execute("SELECT body FROM usermemory_replies").fetchall()

    async with client(app(memory), token) as http:
        await http.patch("/api/v1/users/will/profile", json=edit, headers=KEY)
    assert "falconry" in str(kept())
    clock.advance(86_000)
    assert memory.clean()
    assert kept()
    clock.advance(500)
    if by == "clean":
        assert memory.clean()
    else:
        with UserMemory(tmp_path / "memory.db", model="offline", worker=True, clock=clock) as other:
            other.remember("will", "t", ["hello"])  # now its worker begins
            until(lambda: not kept(), "a worker removes the answer")
    assert kept() == []
