"""Who may see the pages: the printed address, tokens, cookies, forms of other sites."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.serve.browsing import HOST, anonymous, signed_in
from tests.support.command_line import COMMAND, PATIENCE, environment

from usermemory import UserMemory
from usermemory.errors import ConfigurationError
from usermemory.serve import app
from usermemory.serve.tokens import Tokens


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False) as made:
        made.remember("will", "t", [("user", "Hi, I'm Will")])
        made.trigger("will")
        yield made


def test_the_command_prints_its_address_first_and_ends_promptly(tmp_path: Path) -> None:
    """The first line signs a browser in, once; Ctrl-C ends the server with 130."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--db", str(tmp_path / "m.db"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with httpx.Client(timeout=PATIENCE) as http:
            first = http.get(address)
            assert first.status_code == 303
            where = address.partition("/enter")[0]
            assert first.headers["location"] == "/people"
            assert http.get(where + "/people").status_code == 200
        assert httpx.get(address, timeout=PATIENCE).status_code == 403
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("host", ["alone", "fastapi", "starlette"])
async def test_pages_are_served_under_any_prefix(memory: UserMemory, host: str) -> None:
    """Redirects, links, files and the cookie stay below the prefix; no lifespan runs."""
    made: Any = app(memory)
    served, prefix = made, "" if host == "alone" else "/memory"
    if host == "fastapi":
        served = FastAPI()
        served.mount("/memory", made)
    elif host == "starlette":
        served = Starlette(routes=[Mount("/memory", made)])
    async with signed_in(served, prefix, made.state.pages) as browser:
        cookie = next(iter(browser.http.cookies.jar))
        page = await browser.get(f"{prefix}/people")
        assert page.status_code == 200
        assert f'href="{prefix}/person?user=will"' in page.text
        assert (await browser.get(f"{prefix}/static/app.css")).status_code == 200
    assert cookie.path == (prefix or "/")


async def test_the_cookie_and_the_policy_are_strict(memory: UserMemory) -> None:
    """Scripts cannot read the cookie, other sites cannot send it, and nothing strange is loaded."""
    served = app(memory)
    async with anonymous(served) as browser:
        answer = await browser.get(served.state.pages.first_visit())
        cookie = answer.headers["set-cookie"].lower()
        page = await browser.get("/people")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    policy = page.headers["content-security-policy"]
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers.get_list("content-security-policy") == [policy]
    assert "<script>" not in page.text
    assert "style=" not in page.text


async def test_a_restart_signs_nobody_out_and_a_revoked_token_does(memory: UserMemory) -> None:
    """A cookie outlives the server's process; the session of a token ends with the token."""
    token, held = Tokens(memory).create("support")
    async with anonymous(app(memory)) as browser:
        assert (await browser.http.post("/enter", data={"token": token})).status_code == 303
        cookies = dict(browser.http.cookies)
    async with anonymous(app(memory)) as browser:
        browser.http.cookies.update(cookies)
        assert (await browser.get("/people")).status_code == 200
        Tokens(memory).revoke(held.token_id)
        assert (await browser.get("/people")).headers["location"] == "/enter"


async def test_what_is_no_session_sees_nothing(memory: UserMemory) -> None:
    """Without a cookie, with a forged one, or with a token of one user no page is shown."""
    mine, _ = Tokens(memory).create(user_id="will")
    async with anonymous(app(memory)) as browser:
        assert (await browser.get("/people")).headers["location"] == "/enter"
        assert (await browser.http.post("/enter", data={"token": mine})).status_code == 403
        for forged in ("x", "e30.0", "ü.ü", "WyJ4Il0=." + "0" * 64):
            headers = {"cookie": f"usermemory-8765={forged}".encode()}
            answer = await browser.http.get("/people", headers=headers)
            assert answer.status_code == 303


async def test_forms_of_other_sites_are_refused(memory: UserMemory) -> None:
    """A write needs the page's own token, and the origin of the page."""
    async with signed_in(app(memory)) as browser:
        csrf = await browser.csrf()
        http = browser.http
        for data, origin in (
            ({}, HOST),
            ({"csrf": "0" * 64}, HOST),
            ({"csrf": csrf}, "https://evil.example"),
            ({"csrf": csrf}, "null"),
        ):
            answer = await http.post("/leave", data=data, headers={"origin": origin})
            assert answer.status_code == 403
        as_json = await http.post("/leave", json={"csrf": csrf}, headers={"origin": HOST})
        assert as_json.status_code == 415
        good = await http.post("/leave", data={"csrf": csrf}, headers={"origin": HOST})
        assert good.status_code == 303


async def test_a_database_that_is_gone_is_a_clear_answer(memory: UserMemory) -> None:
    """A page and a form answer 503 without names of files, and nothing is half done."""
    async with signed_in(app(memory)) as browser:
        csrf = await browser.csrf()
        memory.close()
        page = await browser.get("/person", user="will")
        form = await browser.http.post("/person/pause", data={"csrf": csrf, "user": "will"})
    for answer in (page, form):
        assert answer.status_code == 503
        assert "cannot serve" in answer.text
        assert "memory.db" not in answer.text


def test_what_may_embed_is_an_origin(memory: UserMemory) -> None:
    """A policy is not built from what is no origin."""
    for wrong in ("app.example.com", "https://a.example/path", "https://a.example; script-src *"):
        with pytest.raises(ConfigurationError):
            app(memory, frame_ancestors=[wrong])


async def test_a_page_that_refuses_leads_on(tmp_path: Path) -> None:
    """Who is signed in finds the other pages from an error, whatever was wrong with the form."""
    with UserMemory(tmp_path / "m.db", model="offline", worker=False) as memory:
        async with signed_in(app(memory)) as browser:
            old = await browser.http.post("/talk/say", data={"csrf": "0"}, headers={"origin": HOST})
            other = await browser.http.post("/talk/say", headers={"origin": "https://evil.example"})
            lost = await browser.http.get("/nowhere", headers={"accept": "text/html"})
        async with anonymous(app(memory)) as browser:
            nobody = await browser.http.get("/nowhere", headers={"accept": "text/html"})
    assert [one.status_code for one in (old, other, lost, nobody)] == [403, 403, 404, 404]
    assert ['href="/people"' in one.text for one in (old, other, lost, nobody)] == [
        *(True, True, True),
        False,
    ]
