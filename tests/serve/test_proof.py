"""What the page after an erasure says of what is left, and where."""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.serve.browsing import Browser, signed_in
from tests.serve.test_own_page import send
from tests.support.postgres import fresh

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens


class Address(BaseModel):
    city: str | None = None
    street: str | None = None


class Customer(BaseModel):
    is_vegan: bool | None = None
    born_in: str | None = None
    home: Address = Address()
    family: dict[str, str] = {}
    tags: list[str] = []


SAID = "I am vegan. I live in Milan. My mother is Anna."
CHANGES = (
    Change("is_vegan", "set", True, "I am vegan"),
    Change("home", "update", "Milan", "I live in Milan", key="city"),
    Change("family", "set", "Anna", "My mother is Anna", key="mother"),
)


class Listener:
    """Hears what each message says of itself."""

    def extract(self, request: Request) -> Extraction:
        return Extraction(tuple(c for c in CHANGES if c.quote in request.messages[0].text))


@pytest.fixture(params=["sqlite", "postgresql"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UserMemory]:
    with contextlib.ExitStack() as stack:
        url = f"{tmp_path}/m.db"
        if request.param == "postgresql":
            url = stack.enter_context(fresh())
        yield stack.enter_context(UserMemory(url, Customer, Listener(), worker=False))


def thread_of(memory: UserMemory, name: str = "t") -> str:
    return f"{name} {memory.driver.url}"  # all tests of a server share its threads


async def forget(browser: Browser, field: str, item: Any = None, **more: str) -> str:
    chosen = {"field": field, "item": "" if item is None else json.dumps(item), "sure": "yes"}
    done = await browser.post("/person/forget", user="will", **chosen, **more)
    return html.unescape((await browser.follow(done)).text)


async def talk(browser: Browser, memory: UserMemory, user: str = "will") -> None:
    said = {"user": user, "thread": thread_of(memory, user), "text": SAID}
    await browser.post("/talk/say", **said)
    memory.trigger(user)


async def test_the_words_of_a_conversation_are_found_and_deleted_with_it(
    memory: UserMemory,
) -> None:
    """Of a value that is no text the user's words are looked for, and deleted where they stand."""
    served = app(memory)
    async with signed_in(served) as browser:
        await talk(browser, memory)
        told = await forget(browser, "is_vegan")
        assert "nowhere" not in told
        assert (
            f"this conversation, kept in the same database: <bdi>{thread_of(memory, 'will')}"
            in told
        )
        note = re.findall(r'name="note" value="([^"]+)"', told)[0]
        forged = await browser.post("/person/forgotten", user="ann", note=note)
        assert forged.status_code == 404
        assert not memory.verify_erased("will", "I am vegan").erased
        done = await browser.follow(await browser.post("/person/forgotten", user="will", note=note))
        assert "1 conversation deleted too" in done.text
        assert "not looked for again" in done.text
        assert "still stands" not in done.text
        mine = thread_of(memory, "will")
        assert "I am vegan" not in (await browser.get("/talk", user="will", thread=mine)).text
    # Other tests may leave theirs on the same server.
    left = memory.verify_erased("will", "I am vegan").places
    assert not any(mine in one.threads for one in left)
    served.state.pages.close()


@pytest.mark.parametrize(
    ("field", "item"), [("home", "city"), ("family", "mother"), ("home", None), ("tags", None)]
)
async def test_a_value_is_looked_for_and_not_its_key(
    memory: UserMemory, field: str, item: str | None
) -> None:
    """What is proven is that the value is gone: its key may stand in other texts."""
    served = app(memory)
    async with signed_in(served) as browser:
        memory.remember("will", "t", [("user", SAID)])
        memory.trigger("will")
        memory.edit("will", {"tags": ["city and mother", "sailing"]}, by="ana")
        link = Tokens(memory).link("will")
        asked = {"field": field, "item": json.dumps(item) if item else "", "sure": "yes"}
        told = (await browser.follow(await send(browser, link, "/own/forget", **asked))).text
        assert "it stands nowhere any more" in told
        assert "still" not in told
    served.state.pages.close()


async def test_what_another_value_says_too_is_no_find(memory: UserMemory) -> None:
    """A city that is also where somebody was born is kept there, as the question before said."""
    served = app(memory)
    async with signed_in(served) as browser:
        memory.edit("will", {"home": {"city": "Milan", "street": "Via Torino"}}, by="ana")
        memory.edit("will", {"born_in": "Milan"}, by="ana")
        assert "nowhere" in await forget(browser, "home", "street")
        assert "still" not in await forget(browser, "home", "city")
    assert memory.recall("will").document["born_in"] == "Milan"
    served.state.pages.close()


async def test_conversations_of_others_are_theirs(memory: UserMemory) -> None:
    """That another user talks of the same makes no erasure look undone, nor is their talk named."""
    served = app(memory)
    async with signed_in(served) as browser:
        await talk(browser, memory, "ann")
        await talk(browser, memory, "will")
        for own in (False, True):
            if own:
                await talk(browser, memory, "will")
                chosen = {"field": "family", "item": '"mother"', "conversations": "yes"}
                sent = await send(
                    browser, Tokens(memory).link("will"), "/own/forget", sure="yes", **chosen
                )
                told = (await browser.follow(sent)).text
            else:
                told = await forget(browser, "is_vegan", conversations="yes")
            assert "nowhere any more" in told
            assert "still" not in told
            assert "ann" not in told.partition("<h1>")[2].replace("Scanned", "")
        page = await browser.get("/talk", user="ann", thread=thread_of(memory, "ann"))
        assert "I am vegan" in page.text
    served.state.pages.close()
