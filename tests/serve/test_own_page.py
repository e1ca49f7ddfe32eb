"""A user's own page: what its link opens, and that it opens nothing else."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import BaseModel, Field
from tests.serve.browsing import HOST, Browser, anonymous, signed_in
from tests.support.command_line import run
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.errors import ConfigurationError
from usermemory.serve import app
from usermemory.serve.tokens import Tokens
from usermemory.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def memory(tmp_path: Path, clock: FakeClock) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "m.db", model="offline", worker=False, clock=clock) as made:
        for user, name in (("will", "Will"), ("ann", "Ann")):
            made.remember(user, "t", [("user", f"Hi, I'm {name}. I like chess.")])
            made.trigger(user)
        yield made


async def send(browser: Browser, link: str, path: str, /, **fields: str) -> httpx.Response:
    page = await browser.get("/own", link=link)
    csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    data = {"link": link, "csrf": csrf[1] if csrf else "", **fields}
    return await browser.http.post(path, data=data, headers={"origin": HOST})


async def test_a_user_reads_corrects_erases_and_pauses(memory: UserMemory) -> None:
    """The link alone, without a cookie, is enough for all that a user has a right to."""
    link = Tokens(memory).link("will")
    async with anonymous(app(memory)) as browser:
        page = await browser.get("/own", link=link)
        assert "What is known about you" in page.text
        assert "I like chess" in page.text
        assert "Operations" not in page.text
        edited = await send(browser, link, "/own/edit", path="/name", value="William")
        assert edited.headers["location"].startswith("/own?link=")
        assert memory.recall("will").document["name"] == "William"
        assert memory.history("will")[0].by == "the user"
        await send(browser, link, "/own/pause")
        assert "Learning is paused" in (await browser.get("/own", link=link)).text
        gone = await send(
            browser, link, "/own/forget", field="interests", item='"chess"', sure="yes"
        )
        assert "chess" not in gone.headers["location"]
        assert "stands nowhere any more" in (await browser.follow(gone)).text
        data = (await browser.get("/own/export.json", link=link)).json()
        assert "salt" not in str(data)
        assert "What goes" in (await browser.get("/own/erase", link=link)).text
        erased = await browser.follow(await send(browser, link, "/own/erase", sure="yes"))
        assert "were erased" in erased.text
        assert "Nothing is known about you" in (await browser.get("/own", link=link)).text
    assert memory.recall("ann").document["name"] == "Ann"


async def test_a_link_opens_nothing_else(memory: UserMemory) -> None:
    """Neither another user, in whatever place, nor the pages of the operator, nor the API."""
    link = Tokens(memory).link("will")
    async with anonymous(app(memory)) as browser:
        for path in ("/own", "/own/value", "/own/list", "/own/export.json", "/own/export.txt"):
            asked = {"link": link, "user": "ann", "path": "/name", "field": "name"}
            answer = await browser.get(path, **asked)
            assert answer.status_code == 403
            assert "Ann" not in answer.text
        for path in ("/own/edit", "/own/forget", "/own/erase", "/own/pause"):
            answer = await send(
                browser, link, path, user="ann", path="/name", value="x", sure="yes"
            )
            assert answer.status_code == 403
        for path in ("/people", "/person", "/operations", "/talk"):
            answer = await browser.get(path, link=link, user="will")
            assert answer.headers["location"] == "/enter"
        api = await browser.http.get(
            "/api/v1/users/will/profile", headers={"authorization": f"Bearer {link}"}
        )
        assert api.status_code == 401
        assert (await browser.get("/own/timeline", link=link)).status_code == 404
    assert memory.recall("ann").document["name"] == "Ann"


async def test_expired_forged_and_reading_links(memory: UserMemory, clock: FakeClock) -> None:
    """What is no valid link is refused; one for reading shows no form and changes nothing."""
    tokens = Tokens(memory)
    link, reading = tokens.link("will", 60.0), tokens.link("will", read_only=True)
    forged = tokens.link("ann").partition(".")[0] + "." + link.partition(".")[2]
    async with anonymous(app(memory)) as browser:
        for wrong in (forged, link[:-1], "", "x.y", "ü"):
            answer = await browser.get("/own", link=wrong)
            assert answer.status_code == 403
            assert "Ann" not in answer.text
        page = await browser.get("/own", link=reading)
        assert "<form" not in page.text
        assert (await send(browser, reading, "/own/erase", sure="yes")).status_code == 403
        no_token = await browser.http.post("/own/erase", data={"link": link, "sure": "yes"})
        assert no_token.status_code == 403
        clock.advance(61)
        assert (await browser.get("/own", link=link)).status_code == 403
    assert memory.recall("will").document["name"] == "Will"


async def test_only_allowed_origins_embed_it_and_only_it(memory: UserMemory) -> None:
    """The policy of the own page names the origins; all others are framed by nobody."""
    served = app(memory, frame_ancestors=["https://app.example.com"], theme={"accent": "#0a7"})
    async with anonymous(served) as browser:
        own = await browser.get("/own", link=Tokens(memory).link("will"))
        assert "frame-ancestors https://app.example.com" in own.headers["content-security-policy"]
        assert "x-frame-options" not in own.headers
        assert "theme.css" in own.text
        assert "--um-accent: #0a7" in (await browser.get("/static/theme.css")).text
        other = await browser.get("/enter")
        assert "frame-ancestors 'none'" in other.headers["content-security-policy"]
        assert other.headers["x-frame-options"] == "DENY"
    async with anonymous(app(memory)) as browser:
        own = await browser.get("/own", link=Tokens(memory).link("will"))
        assert own.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("theme", [{"accent": "red;}"}, {"nothing": "1"}, {"bg": "url(//x)"}])
def test_a_theme_holds_plain_values(memory: UserMemory, theme: dict[str, str]) -> None:
    """A value that could say more than one variable is refused."""
    with pytest.raises(ConfigurationError):
        app(memory, theme=theme)


def test_the_command_prints_a_link(memory: UserMemory, tmp_path: Path) -> None:
    """It is one that the server takes."""
    done = run(
        "token", "link", "will", "--url", "https://a.example/m/", "--db", str(tmp_path / "m.db")
    )
    address, _, link = done.stdout.strip().partition("/own?link=")
    assert address == "https://a.example/m"
    found = Tokens(memory).check_link(link)
    assert found is None or found.user_id == "will"


async def test_the_command_revokes_links(memory: UserMemory, tmp_path: Path) -> None:
    """One by its address, or all of a user: the page is closed at once, others' are not."""
    database, links = ["--db", str(tmp_path / "m.db")], Tokens(memory)
    first, second, others = links.link("will", 60.0), links.link("will"), links.link("ann")

    async with anonymous(app(memory)) as browser:

        async def opened() -> list[int]:
            pages = [await browser.get("/own", link=link) for link in (first, second, others)]
            return [page.status_code for page in pages]

        assert await opened() == [200, 200, 200]
        links.revoke_link(first)
        assert await opened() == [403, 200, 200]
        assert run("token", "revoke", "--links-of", "will", *database).returncode == 0
        assert await opened() == [403, 403, 200]
    # By the machine's clock, which is the command's.
    address = run("token", "link", "will", *database).stdout.strip()
    assert run("token", "revoke", address, *database).returncode == 0
    for wrong in ([address], ["nonsense"], [], ["5f2d90ab13c4", "--links-of", "will"]):
        assert run("token", "revoke", *wrong, *database).returncode != 0


async def test_a_body_of_ten_megabytes_is_refused(memory: UserMemory) -> None:
    """The form is answered with 413 and read no further."""
    async with anonymous(app(memory)) as browser:
        answer = await browser.http.post("/own/edit", content=b"x" * 10_000_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_proof_tells_nothing_of_others(database: str, tmp_path: Path) -> None:
    """Who forgets a guess of their own learns not whether somebody else has said it."""
    with contextlib.ExitStack() as stack:
        url = f"{tmp_path}/o.db"
        if database == "postgresql":
            url = stack.enter_context(fresh())
        memory = stack.enter_context(UserMemory(url, model="offline", worker=False))
        served = app(memory)
        async with signed_in(served) as browser:
            said = {"user": "ann", "thread": f"t {url}", "text": "I love lithium daily."}
            await browser.post("/talk/say", **said)
        told: list[str] = []
        link = Tokens(memory).link("will")
        for guess in ("lithium daily", "valium daily"):
            memory.edit("will", [{"op": "add", "path": "/interests/-", "value": guess}], by="x")
            async with anonymous(served) as browser:
                asked = {"field": "interests", "item": f'"{guess}"', "sure": "yes"}
                gone = await send(browser, link, "/own/forget", **asked)
                page = (await browser.follow(gone)).text
            told.append(page.partition("<h1>")[2].replace(guess, ""))
        assert told[0] == told[1]
        assert "stands nowhere any more" in told[0]
        served.state.pages.close()


class Address(BaseModel):
    city: str | None = Field(None, title="City")


class Customer(BaseModel):
    address: Address = Address()
    family: dict[str, str] = {}


async def test_the_own_page_speaks_to_the_user(tmp_path: Path) -> None:
    """It says *you*, names a value by its titles with what stands there, and needs no glossary."""
    with UserMemory(tmp_path / "c.db", Customer, "offline", worker=False) as memory:
        stored = {"address": {"city": "Milan"}, "family": {"mother": "Anna"}}
        memory.edit("will", stored, by="ana")
        link = Tokens(memory).link("will")
        async with anonymous(app(memory)) as browser:
            saved = await send(browser, link, "/own/edit", path="/family/mother", value="Ann")
            page = (await browser.follow(saved)).text
            assert "What you said before" in page
            assert "the user" not in page
            told = [
                (await send(browser, link, "/own/forget", field=field, item=f'"{item}"')).text
                for field, item in (("address", "city"), ("family", "mother"))
            ]
            erase = (await browser.get("/own/erase", link=link)).text
    assert "Address: City</bdi></strong>: <bdi>Milan" in told[0]
    assert "Family: mother</bdi></strong>: <bdi>Ann" in told[1]
    assert "Counters" not in erase
