"""Who signs in, who is signed in by others, and what signing out ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.serve.browsing import HOST, anonymous, signed_in
from tests.support.command_line import run

from usermemory import UserMemory
from usermemory.errors import ConfigurationError
from usermemory.serve import app
from usermemory.serve.tokens import Tokens


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False) as made:
        made.edit("will", {"name": "Will"}, by="test")
        yield made


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": HOST},
    ],
)
async def test_no_other_site_signs_a_browser_in(
    memory: UserMemory, headers: dict[str, str]
) -> None:
    """A form of another site would have people write into somebody else's session."""
    token, _ = Tokens(memory).create()
    async with anonymous(app(memory)) as browser:
        answer = await browser.http.post("/enter", data={"token": token}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        mine = {"origin": HOST, "sec-fetch-site": "same-origin"}
        answer = await browser.http.post("/enter", data={"token": token}, headers=mine)
        assert answer.status_code == 303


async def test_an_address_takes_no_lasting_token(memory: UserMemory) -> None:
    """Browsers and proxies write addresses down: only what is void by then may be in one."""
    token, _ = Tokens(memory).create()
    async with anonymous(app(memory)) as browser:
        answer = await browser.get("/enter", token=token)
        assert answer.status_code == 403
        assert "pasted here" in answer.text
        assert "set-cookie" not in answer.headers


async def test_a_look_at_the_first_address_leaves_it_valid(memory: UserMemory) -> None:
    """Programs that look where a link leads send HEAD; the browser that comes then is let in."""
    served = app(memory)
    async with anonymous(served) as browser:
        visit = served.state.pages.first_visit()
        look = await browser.http.head(visit)
        assert (look.status_code, "set-cookie" in look.headers) == (200, False)
        assert (await browser.get(visit)).status_code == 303
        assert (await browser.get(visit)).status_code == 403


async def test_signing_out_ends_a_copied_cookie(memory: UserMemory) -> None:
    """Also after a restart; other sessions of the same token go on."""
    token, _ = Tokens(memory).create()
    async with anonymous(app(memory)) as browser, anonymous(app(memory)) as other:
        for one in (browser, other):
            assert (await one.http.post("/enter", data={"token": token})).status_code == 303
        copied = dict(browser.http.cookies)
        assert (await browser.post("/leave")).status_code == 303
        assert (await other.get("/people")).status_code == 200
    async with anonymous(app(memory)) as thief:
        thief.http.cookies.update(copied)
        assert (await thief.get("/people")).headers["location"] == "/enter"


async def test_the_history_says_who_edited(memory: UserMemory) -> None:
    """A session of a token bears its name; one of the first address is support."""
    for name in ("alice", ""):
        token, _ = Tokens(memory).create(name)
        async with anonymous(app(memory)) as browser:
            await browser.http.post("/enter", data={"token": token})
            done = await browser.post("/person/edit", user="will", path="/name", value=f"W{name}")
            assert done.status_code == 303
    async with signed_in(app(memory)) as browser:
        await browser.post("/person/edit", user="will", path="/name", value="Bill")
    assert [one.by for one in memory.history("will")] == ["support", "support", "alice", "test"]


@pytest.mark.parametrize("path", ["/people/", "/own/?link=abc", "/api/v1/users/a%2Fb/pause/"])
async def test_nobody_is_sent_to_another_host(memory: UserMemory, path: str) -> None:
    """A slash too many is not found; no address is made up from the Host header."""
    async with anonymous(app(memory)) as browser:
        answer = await browser.http.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(("prefix", "sent"), [("/mémoire", "/m%C3%A9moire"), ("/u m", "/u%20m")])
async def test_a_prefix_may_have_any_letters(memory: UserMemory, prefix: str, sent: str) -> None:
    """Redirects and the cookie have it as browsers send it."""
    served: Any = app(memory)
    host = Starlette(routes=[Mount(prefix, served)])
    async with signed_in(host, sent, served.state.pages) as browser:
        page = await browser.get(f"{sent}/people")
    assert page.status_code == 200
    assert f'href="{sent}/person?user=will"' in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        "https://*",
        "https://*.example.com",
        "http://a@b",
        "https://пример.рф",
        "https://a.example:x",
        "https://-a.example",
        "https://[::1",
        "https://",
        "https://a.example\n",
        "data:",
    ],
)
def test_one_host_may_embed(memory: UserMemory, wrong: str) -> None:
    """What stands for many hosts or for none is refused when the app is made."""
    with pytest.raises(ConfigurationError, match="no origin"):
        app(memory, frame_ancestors=[wrong])


@pytest.mark.parametrize(
    "right",
    ["https://a.example", "http://localhost:3000", "http://[::1]:80", "https://xn--e1a.com"],
)
def test_an_origin_may_embed(memory: UserMemory, right: str) -> None:
    """Names, numbers and ports."""
    assert app(memory, frame_ancestors=[right])


def test_an_empty_host_is_refused(tmp_path: Path) -> None:
    """The system would listen at all addresses."""
    done = run("serve", "--host", "", "--db", str(tmp_path / "m.db"), "--port", "0")
    assert done.returncode == 1
    assert "--host is empty" in done.stderr
