"""Wherever a page shows a value or a change, it names things as the schema's titles do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from pydantic import BaseModel, Field
from tests.serve.browsing import Browser, signed_in

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.records import Applied
from usermemory.schema import schema_of
from usermemory.serve import app
from usermemory.serve.pages.values import Row
from usermemory.serve.pages.words import Titles, label, readable


class Geo(BaseModel):
    lat: float | None = Field(None, title="Latitude")


class Home(BaseModel):
    town: str | None = Field(None, title="Home town")
    geo: Geo = Field(Geo(), title="On the map")


class Pet(BaseModel):
    name: str
    sp: str | None = Field(None, title="Kind of animal")


class Person(BaseModel):
    nick: str | None = Field(None, title="Called by")
    home: Home = Field(Home(), title="Where they live")
    pets: list[Pet] = Field([], title="Animals at home")
    meds: dict[str, str] = Field({}, title="Medicines taken")


SAID = "Call me Will. I live in Bergen, with Rex the dog. I take aspirin at night."
CHANGES = (
    Change("nick", "set", "Will", "Call me Will"),
    Change("home", "update", "Bergen", "I live in Bergen", key="town"),
    Change("pets", "add", {"name": "Rex", "sp": "dog"}, "Rex the dog"),
    Change("meds", "set", "at night", "I take aspirin at night", key="aspirin"),
    Change("home", "update", "Oslo", "I live in Oslo", key="town"),
)


class Listener:
    """Proposes the same at each reading."""

    def extract(self, _: Request) -> Extraction:
        return Extraction(CHANGES)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", Person, Listener(), worker=False) as made:
        made.remember("will", "t", [("user", SAID)])
        made.trigger("will")
        made.edit("will", [{"op": "replace", "path": "/home/geo/lat", "value": 60.4}], by="ann")
        yield made


async def text_of(browser: Browser, path: str, /, **asked: str) -> str:
    answer = await browser.get(path, user="will", **asked)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_pages_name_things_by_their_titles(memory: UserMemory) -> None:
    """Profile, value, timeline, search, refused, live panel and the page before an erasure."""
    async with signed_in(app(memory)) as browser:
        profile = await text_of(browser, "/person")
        assert "Rex; Kind of animal: dog" in profile
        assert "Latitude: 60.4" in profile
        assert "On the map Latitude 60.4" in await text_of(browser, "/person/value", path="/home")
        timeline = await text_of(browser, "/person/timeline")
        for told in (
            "Called by Will",
            "Where they live: Home town Bergen",
            "Where they live: On the map Latitude: 60.4",
            "Animals at home Name: Rex; Kind of animal: dog",
            "Medicines taken: aspirin at night",
        ):
            assert told in timeline
        assert "Where they live: Home town" in await text_of(browser, "/person/search", q="Bergen")
        assert "Where they live update" in await text_of(browser, "/person/refused")
        assert "Animals at home Name: Rex" in await text_of(
            browser, "/talk/beside", thread="t", since="0"
        )
        form = {"field": "pets", "item": '"Rex"'}
        asked = await browser.post("/person/forget", user="will", **form)
        assert "Animals at home" in asked.text


async def test_downloads_to_read_name_them_too(memory: UserMemory) -> None:
    """The text that a person takes home."""
    async with signed_in(app(memory)) as browser:
        assert "Kind of animal: dog" in await text_of(browser, "/person/export.txt")


class Employer(BaseModel):
    since: str | None = None
    company: str | None = Field(None, title="Employed by")


class Worker(BaseModel):
    job: Employer | None = Field(None, title="Work")
    other_job: Employer = Employer()


class Dog(BaseModel):
    name: str
    vaccinated: bool | None = Field(None, title="Had jabs")
    effort: int | None = None
    kind: str | None = None
    toys: list[str] = []


class Owner(BaseModel):
    dogs: list[Dog] = []


def test_a_title_is_what_the_field_is_called_not_its_class() -> None:
    """One word suffices; the name of a class, which Pydantic gives as a title, does not."""
    fields = schema_of(Worker).fields
    assert [label(one, name) for name, one in fields.items()] == ["Work", "Other job"]


def test_what_an_object_says_stands_in_the_order_of_the_schema() -> None:
    """However it is stored; what the schema does not know comes last, a time as people write it."""
    job = {"company": "Hydro", "extra": "x", "since": "2026-05-31T18:30:00Z", "gone": None}
    titles = Titles(schema_of(Worker).fields)
    assert titles.valued(job, "job") == "Since: 2026-05-31 18:30 UTC; Employed by: Hydro; extra: x"
    assert titles.sides(Applied("job", "set", {"company": None}, job))[0] == ""


def test_no_and_zero_are_said_in_a_line() -> None:
    """Of an item of a list only what says nothing is left out; no and 0 say something."""
    (field,) = schema_of(Owner).fields.values()
    value = {"name": "Rex", "vaccinated": False, "effort": 0, "kind": None, "toys": []}
    row = Row("/dogs/0", value, key="name", keys=field.keys)
    assert row.text == "Rex; Had jabs: no; Effort: 0"
    assert Row("/dogs/0", {**value, "name": None}, key="name", keys=field.keys).text == (
        "Had jabs: no; Effort: 0"
    )


def test_white_space_is_something_to_click_on() -> None:
    """An item of nothing but white space can be seen, and so removed."""
    assert [readable(one) for one in (" ", "\u00a0\n", "", "x")] == [*["(blank)"] * 3, "x"]
    assert readable(["tea", " "]) == "tea, (blank)"


def test_what_the_schema_does_not_know_keeps_its_name() -> None:
    """A field of an earlier schema, an entry of a map, the name of an item that is a key too."""
    titles = Titles(schema_of(Person).fields)
    assert titles.place(Applied("old_field", "set", None, "x")) == "Old field"
    assert titles.place(Applied("meds", "set", None, "x", key="a_b")) == "Medicines taken: a_b"
    assert titles.titled("pets", "sp") == "Animals at home: sp"
    assert titles.titled("") == ""
