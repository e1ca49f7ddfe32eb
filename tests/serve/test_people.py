"""The list of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serve.browsing import signed_in
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.pages.people import PAGE


@pytest.fixture(params=["sqlite", "postgres"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UserMemory]:
    if request.param == "postgres":
        with fresh() as url, UserMemory(url, model="offline", worker=False) as made:
            yield made
    else:
        with UserMemory(tmp_path / "memory.db", model="offline", worker=False) as made:
            yield made


async def test_people_are_found_and_sorted(memory: UserMemory) -> None:
    """Users are listed by activity, size and what waits, and found by a part of their id."""
    for user in ("a/b", "Will_1", "50%"):
        memory.remember(user, "t", [("user", "Hi, I'm Will. I like chess.")])
    memory.trigger("a/b")
    memory.pause("paused one")
    async with signed_in(app(memory)) as browser:
        page = (await browser.get("/people")).text
        assert page.index("a%2Fb") < page.index("50%25")
        assert "paused</span>" in page
        waiting = (await browser.get("/people", sort="pending")).text
        assert waiting.index("50%25") < waiting.index("a%2Fb")
        for asked, count in (("will_", 1), ("WILL", 1), ("%", 1), ("_", 1), ("nobody", 0)):
            found = (await browser.get("/people", q=asked)).text
            assert found.count("/person?user=") == count, asked


async def test_many_people_come_page_by_page_in_one_statement(memory: UserMemory) -> None:
    """However many there are, a page of them is one statement."""
    for number in range(PAGE + 3):
        memory.pause(f"user {number:03}")
    asked: list[str] = []
    async with signed_in(app(memory)) as browser:
        await browser.get("/people")

        def note(when: str, _flow: str, statement: str) -> None:
            if when == "before":
                asked.append(statement)

        memory.driver.hook = note
        first = (await browser.get("/people", sort="id")).text
        memory.driver.hook = None
        second = (await browser.get("/people", sort="id", page=1)).text
    assert [one for one in asked if one not in {"signing_key", "reply"}] == ["people"]
    assert first.count("/person?user=") == PAGE
    assert second.count("/person?user=") == 3


async def test_an_erased_user_is_not_listed(memory: UserMemory) -> None:
    """Of a user who was erased the list shows nothing."""
    memory.remember("will", "t", [("user", "Hi, I'm Will")])
    memory.trigger("will")
    memory.forget_user("will")
    async with signed_in(app(memory)) as browser:
        assert "will" not in (await browser.get("/people")).text
