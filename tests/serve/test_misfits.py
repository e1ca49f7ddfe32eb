"""What does not fit the schema, on the pages: it is seen, and put right there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field
from tests.serve.browsing import Browser, anonymous, signed_in
from tests.serve.test_own_page import send

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens


class FormerPet(BaseModel):
    name: str
    legs: str = ""


class Before(BaseModel):
    nickname: str | None = None
    age: str | None = None
    tags: list[str] = []
    scores: dict[str, str] = {}
    home: dict[str, str] = {}
    pets: list[FormerPet] = []
    place: str | None = None


class Home(BaseModel):
    city: str | None = None
    rooms: int | None = None


class Pet(BaseModel):
    name: str
    legs: int = 4


class Today(BaseModel):
    age: int | None = Field(None, le=120)
    tags: list[Literal["a", "b"]] = []
    scores: dict[str, int] = {}
    home: Home = Home()
    pets: list[Pet] = []
    place: Home = Home()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", Before, "offline", worker=False) as memory:
        stored: dict[str, Any] = {"nickname": "Willy", "age": "old", "tags": ["a", "odd"]}
        stored |= {
            "scores": {"go": "1", "chess": "many"},
            "home": {"city": "Bergen", "rooms": "?!"},
        }
        stored |= {"pets": [{"name": "Rex", "legs": "few"}], "place": "by the sea"}
        memory.edit("will", stored, by="import")
    with UserMemory(tmp_path / "m.db", Today, "offline", worker=False) as memory:
        yield memory


async def panels(browser: Browser, base: str, who: dict[str, str]) -> dict[str, str]:
    """The panel of each misfit, by its path."""
    page = (await browser.get(base, **who)).text
    part = page.partition('id="misfits"')[2].partition("</section>")[0]
    paths = re.findall(r"path=([^\"&]+)", unescape(part).replace("%2F", "/"))
    found = {path: await browser.get(f"{base}/value", **who, path=path) for path in paths}
    assert all(one.status_code == 200 for one in found.values())
    return {path: one.text for path, one in found.items()}


def form_of(panel: str, action: str) -> dict[str, str]:
    form = panel.partition(f'action="{action}"')[2].partition("</form>")[0]
    fields = re.findall(r'name="([\w.]+)" value="([^"]*)"', form)
    return {name: unescape(text) for name, text in fields if name not in {"csrf", "link"}}


async def test_each_misfit_is_removed_or_forgotten_where_it_stands(memory: UserMemory) -> None:
    """On a person's page it is removed, on the own page forgotten; nothing else goes with it."""
    served, link = app(memory), Tokens(memory).link("will")
    async with signed_in(served) as browser, anonymous(served) as own:
        found = await panels(browser, "/person", {"user": "will"})
        assert len(found) == len(memory.misfits("will")) == 7
        assert "Save" not in found["/nickname"]
        for path in ("/nickname", "/age", "/tags/1"):
            sent = form_of(found[path], "/person/remove")
            answer = await browser.post("/person/remove", **sent)
            assert "done=saved" in answer.headers["location"]
        assert {one.field for one in memory.misfits("will")} == {"scores", "home", "pets", "place"}
        for panel in (await panels(own, "/own", {"link": link})).values():
            sent = form_of(panel, "/own/forget")
            answer = await send(own, link, "/own/forget", **sent, sure="yes")
            assert answer.status_code == 303, answer.text
    assert memory.misfits("will") == []
    found = memory.recall("will").document
    assert (found["tags"], [*found["scores"]], found["home"]["city"]) == (["a"], ["go"], "Bergen")


@pytest.mark.parametrize(
    ("path", "typed", "field", "value"),
    [
        ("/age", {"value": "31"}, "age", 31),
        ("/tags/1", {"value": '"b"'}, "tags", ["a", "b"]),
        ("/scores/chess", {"value": "7"}, "scores", {"go": 1, "chess": 7}),
        ("/home/rooms", {"value": "3"}, "home", {"city": "Bergen", "rooms": 3}),
        ("/pets/0", {"value.name": "Rex", "value.legs": "3"}, "pets", [{"name": "Rex", "legs": 3}]),
        ("/place", {"value": '{"city": "Oslo"}'}, "place", {"city": "Oslo", "rooms": None}),
    ],
)
async def test_a_misfit_is_changed_to_what_fits(
    memory: UserMemory, path: str, typed: dict[str, str], field: str, value: Any
) -> None:
    """Its form takes what the schema takes; then it is a value like others."""
    async with signed_in(app(memory)) as browser:
        panel = (await panels(browser, "/person", {"user": "will"}))[path]
        sent = {**form_of(panel, "/person/edit"), **typed}
        answer = await browser.post("/person/edit", **sent)
        assert answer.status_code == 303, answer.text
    assert memory.recall("will").document[field] == value
    assert field not in {one.field for one in memory.misfits("will")}
