"""What pages say while somebody else has the database, or may not write it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.serve.browsing import anonymous, signed_in

from usermemory import UserMemory
from usermemory.errors import StoreBusy
from usermemory.langgraph import savers
from usermemory.serve import app
from usermemory.serve.pages.talk import Talk
from usermemory.serve.tokens import Tokens


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False) as made:
        yield made


async def test_try_it_says_that_the_database_is_busy(memory: UserMemory, tmp_path: Path) -> None:
    """Before the model is asked: what was said stands in the box, and is said again."""
    served = app(memory)
    lock = sqlite3.connect(tmp_path / "memory.db", isolation_level=None)
    async with signed_in(served) as browser:
        said = {"user": "will", "thread": "t", "text": "Hi, I'm Will"}
        data = {"csrf": await browser.csrf(), **said}
        lock.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = await browser.http.post("/talk/say", data=data)
        assert time.monotonic() - began < 15
        lock.execute("ROLLBACK")
        assert answer.status_code == 503
        assert "database is busy" in answer.text
        script = {"hx-request": "true"}
        assert "Will" in (await browser.http.post("/talk/say", data=data, headers=script)).text
    lock.close()
    served.state.pages.close()


async def test_who_may_only_read_is_offered_nothing_else(
    memory: UserMemory, tmp_path: Path
) -> None:
    """No button reads what waits, and a look at *Try it* makes no tables."""

    def tables() -> int:
        with sqlite3.connect(tmp_path / "memory.db") as look:
            return look.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]

    memory.remember("will", "t", ["I like chess"])
    token, _ = Tokens(memory).create(read_only=True)
    before = tables()
    async with anonymous(app(memory)) as browser:
        await browser.http.post("/enter", data={"token": token})
        assert "/person/read" not in (await browser.get("/person", user="will")).text
        assert (await browser.get("/talk", user="will")).status_code == 200
    assert tables() == before


async def test_a_proposal_that_is_gone_is_told(memory: UserMemory) -> None:
    """And not that somebody changed the profile."""
    async with signed_in(app(memory)) as browser:
        for more in ({}, {"decline": "1"}):
            answer = await browser.post("/person/decide", user="will", proposal="x", **more)
            assert answer.status_code == 409
            assert "waits no more" in answer.text


def test_the_last_day_is_a_day(memory: UserMemory) -> None:
    """It ends with the calendar."""
    memory.edit("will", {"interests": ["chess"]}, by="test")
    assert memory.search("will", "chess", since="0001-01-01", until="9999-12-31")


def test_a_reply_that_cannot_be_kept_breaks_off(
    memory: UserMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of the model, and what was said is not taken for said."""
    monkeypatch.setattr(savers, "_BUSY_TIMEOUT", 0.1)
    talk = Talk(memory, None, "")
    assert talk.said("will", "t") == []
    with closing(sqlite3.connect(tmp_path / "memory.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            list(talk.reply("will", "t", "Hi, I'm Will"))
    talk.close()
