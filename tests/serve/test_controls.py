"""The controls of forms: for dates, for what stands inside objects, and for proposals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field
from tests.serve.browsing import signed_in

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.serve import app


class Geo(BaseModel):
    lat: float | None = Field(None, title="Latitude")
    kind: Literal["town", "country"] | None = None


class Home(BaseModel):
    town: str | None = None
    geo: Geo | None = None


class Trip(BaseModel):
    name: str
    begins: date | None = None


class Person(BaseModel):
    age: int | None = Field(None, ge=0)
    born: date | None = None
    seen: datetime | None = None
    mood: Literal["good", "bad"] | None = None
    home: Home = Home()
    trips: list[Trip] = []
    days: list[date] = []
    weight: float | None = None


SAID = "I am 41, born 2 May 1985, in a good mood, and off to Rome on 1 June 2026."
CHANGES = (
    Change("age", "set", 41, "I am 41"),
    Change("born", "set", "1985-05-02", "born 2 May 1985"),
    Change("mood", "set", "good", "in a good mood"),
    Change("trips", "add", {"name": "Rome", "begins": "2026-06-01"}, "off to Rome on 1 June 2026"),
)


class Listener:
    """Proposes the same at each reading."""

    def extract(self, _: Request) -> Extraction:
        return Extraction(CHANGES)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", Person, model="offline", worker=False) as made:
        made.edit("will", {"born": "1985-05-02", "days": ["2026-01-02"]}, by="test")
        yield made


async def test_a_date_has_a_control_of_its_own(memory: UserMemory) -> None:
    """The browser's own for a date; for a time a hint how it is written."""
    async with signed_in(app(memory)) as browser:
        born = (await browser.get("/person/value", user="will", path="/born")).text
        assert re.search(r'<input[^>]+value="1985-05-02"[^>]+type="date"', born)
        item = (await browser.get("/person/value", user="will", path="/days/0")).text
        assert re.search(r'<input[^>]+value="2026-01-02"[^>]+type="date"', item)
        seen = (await browser.get("/person/value", user="will", path="/seen")).text
        assert "Written as 2026-05-31T18:30Z, with its zone: Z for UTC, or such as +02:00." in seen


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("/born", "31.5.2026", "Born: write it as 2026-05-31."),
        ("/born", "2026-W01-1", "Born: write it as 2026-05-31."),
        ("/seen", "yesterday", "Seen: write it as 2026-05-31T18:30Z."),
    ],
)
async def test_what_is_no_date_is_said_plainly(
    memory: UserMemory, path: str, value: str, told: str
) -> None:
    """Where the browser has no control for it, the form says how a date is written."""
    async with signed_in(app(memory)) as browser:
        answer = await browser.post("/person/edit", user="will", path=path, value=value)
    assert answer.status_code == 422
    assert told in answer.text
    assert memory.recall("will").document["born"] == "1985-05-02"


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("/weight", "72,5", 72.5),
        ("/weight", " 1600 ", 1600),
        ("/weight", "0,125", 0.125),
        ("/age", "41", 41),
    ],
)
async def test_a_number_may_have_a_comma(
    memory: UserMemory, path: str, text: str, value: float
) -> None:
    """A comma before decimals is read as a point."""
    async with signed_in(app(memory)) as browser:
        await browser.post("/person/edit", user="will", path=path, value=text)
    assert memory.recall("will").document[path[1:]] == value


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("/weight", "1,600", "Weight: write it as a number such as 1600 or 1600.5."),
        ("/weight", "1.500,25", "Weight: write it as a number such as 1600 or 1600.5."),
        ("/weight", "NaN", "Weight: write it as a number such as 1600 or 1600.5."),
        ("/age", "1,600", "Age: write it as a number such as 1600."),
        ("/age", "old", "Age: write it as a number such as 1600."),
    ],
)
async def test_a_number_that_may_be_another_is_asked_again(
    memory: UserMemory, path: str, text: str, told: str
) -> None:
    """What may be grouped by thousands is never saved as a thousandth of it."""
    async with signed_in(app(memory)) as browser:
        answer = await browser.post("/person/edit", user="will", path=path, value=text)
    assert (answer.status_code, told in answer.text) == (422, True)
    assert memory.recall("will").document[path[1:]] is None


async def test_what_stands_two_deep_has_controls(memory: UserMemory) -> None:
    """Each value inside an object in an object is edited by itself; what is empty stays so."""
    async with signed_in(app(memory)) as browser:
        form = (await browser.get("/person/value", user="will", path="/home")).text
        assert "Geo: Latitude" in form
        assert "JSON" not in form
        sent = {"user": "will", "path": "/home", "was": field(form, "was")}
        empty = {"value.town": "Bergen", "value.geo.lat": "", "value.geo.kind": ""}
        assert (await browser.post("/person/edit", **sent, **empty)).status_code == 303
        assert [one.key for one in memory.history("will")[0].changes] == ["town"]
        form = (await browser.get("/person/value", user="will", path="/home")).text
        sent["was"] = field(form, "was")
        full = {"value.town": "Bergen", "value.geo.lat": "60,4", "value.geo.kind": '"town"'}
        assert (await browser.post("/person/edit", **sent, **full)).status_code == 303
    geo = {"lat": 60.4, "kind": "town"}
    assert memory.recall("will").document["home"] == {"town": "Bergen", "geo": geo}


def field(page: str, name: str) -> str:
    """What a hidden field of a page holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize(
    ("name", "sent", "becomes"),
    [
        ("age", {"value": "42"}, 42),
        ("born", {"value": "1985-05-03"}, "1985-05-03"),
        ("mood", {"value": '"bad"'}, "bad"),
        (
            "trips",
            {"value.name": "Rome", "value.begins": "2026-06-02"},
            [{"name": "Rome", "begins": "2026-06-02"}],
        ),
        ("trips", {}, [{"name": "Rome", "begins": "2026-06-01"}]),
    ],
)
async def test_any_proposal_can_be_edited_first(
    tmp_path: Path, name: str, sent: dict[str, str], becomes: Any
) -> None:
    """Numbers, choices, dates and objects by the controls of a value's form; or as they are."""
    with UserMemory(tmp_path / "r.db", Person, Listener(), worker=False, review="all") as memory:
        memory.remember("will", "t", [("user", SAID)])
        memory.trigger("will")
        waiting = {one.changes[0].field: one.id for one in memory.proposals("will")}
        async with signed_in(app(memory)) as browser:
            page = (await browser.get("/person", user="will")).text
            assert "To be learned, from what was said" in page
            assert all(f'name="{control}"' in page for control in sent)
            form = {"user": "will", "proposal": waiting[name]}
            answer = await browser.post("/person/decide", **form, **sent)
            assert answer.status_code == 303, answer.text
        assert memory.recall("will").document[name] == becomes


async def test_a_proposal_is_not_made_of_nothing(tmp_path: Path) -> None:
    """Who empties it, or writes what the field does not take, is told; it goes on waiting."""
    with UserMemory(tmp_path / "r.db", Person, Listener(), worker=False, review="all") as memory:
        memory.remember("will", "t", [("user", SAID)])
        memory.trigger("will")
        waiting = {one.changes[0].field: one.id for one in memory.proposals("will")}
        async with signed_in(app(memory)) as browser:
            form = {"user": "will", "proposal": waiting["age"]}
            for value, told in (("", "decline it"), ("old", "a number"), ("-3", "cannot be made")):
                answer = await browser.post("/person/decide", **form, value=value)
                assert answer.status_code == 422
                assert told in answer.text
        assert len(memory.proposals("will")) == len(CHANGES)
