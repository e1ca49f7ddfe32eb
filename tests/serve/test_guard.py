"""Requests that nobody foresaw, that hold what is no text, or that never come to their end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.serve.browsing import HOST, signed_in
from tests.serve.test_api import client
from tests.support import postgres

from usermemory import UserMemory
from usermemory.serve import app, asgi
from usermemory.serve.pages.person import Person
from usermemory.serve.tokens import Tokens

USER = "/api/v1/users/will"
HALF = '"\\ud800"'


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/memory.db"
    else:
        with postgres.fresh() as made:
            yield made


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False) as made:
        made.edit("will", {"interests": ["chess"]}, by="test")
        yield made


async def test_what_nobody_foresaw_is_a_plain_answer(
    memory: UserMemory, caplog: pytest.LogCaptureFixture
) -> None:
    """It has the security headers and the form of every error; the log holds no text of it."""

    async def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret garlic")

    memory.arecall = fail  # type: ignore[method-assign, assignment]
    token, _ = Tokens(memory).create()
    with caplog.at_level(logging.WARNING):  # below that httpx logs addresses
        async with client(app(memory), token) as http:
            answer = await http.get(f"{USER}/profile", params={"about": "garlic"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "garlic" not in answer.text + caplog.text
    (line,) = [one for one in caplog.records if one.name.startswith("usermemory")]
    assert "ZeroDivisionError" in line.getMessage()
    assert line.exc_info is None


async def test_what_nobody_foresaw_is_told_on_a_page(
    memory: UserMemory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that fails is a page that says so, in words of ours, with a way back."""

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("secret garlic")

    monkeypatch.setattr(Person, "known", fail)
    with caplog.at_level(logging.WARNING):
        async with signed_in(app(memory)) as browser:
            answer = await browser.get("/person?user=will")
    assert answer.status_code == 500
    assert "This could not be done." in answer.text
    assert "Back to" in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert "garlic" not in answer.text + caplog.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/forget", f'{{"field": "interests", "value": {HALF}, "anywhere": true}}'),
        ("POST", "/forget", f'{{"field": "interests", "value": {HALF}}}'),
        ("PATCH", "/profile", f'{{"document": {{}}, "by": {HALF}}}'),
        ("PATCH", "/profile", f'{{"document": {{"interests": [{HALF}]}}, "by": "x"}}'),
        (
            "PATCH",
            "/profile",
            '{"patch": [{"op": "replace", "path": "/name", "value": %s}], "by": "x"}'
            % ("[" * 600 + "]" * 600),
        ),
        ("POST", "/threads/t/messages", f'{{"messages": [{{"role": "user", "content": {HALF}}}]}}'),
        ("GET", "/shown?message_id=%ED%A0%80", ""),
    ],
)
async def test_what_is_no_text_is_told(url: str, method: str, path: str, body: str) -> None:
    """Half a surrogate pair and a value nested hundreds deep are the request's fault, on both."""
    with UserMemory(url, model="offline", worker=False) as memory:
        token, _ = Tokens(memory).create()
        async with client(app(memory), token) as http:
            headers = {"content-type": "application/json"}
            answer = await http.request(method, USER + path, content=body, headers=headers)
    assert answer.status_code < 500, answer.text


async def test_a_nul_on_a_page_is_told(url: str) -> None:
    """Also where the database takes none."""
    with UserMemory(url, model="offline", worker=False) as memory:
        async with signed_in(app(memory)) as browser:
            for path in ("/talk/shown?user=will&message=%00", "/person/timeline?user=will&q=%00"):
                assert (await browser.get(path)).status_code in {200, 422}


@pytest.mark.parametrize("path", ["/interests/" + "9" * 5_000, "/interests/-1", "/interests/1e1"])
async def test_no_place_is_no_fault(memory: UserMemory, path: str) -> None:
    """A place that is none is told on every page that takes one, and under every prefix."""
    served = app(memory)
    own = served.state.pages.own_page("will").partition("=")[2]
    async with signed_in(served) as browser:
        for base, whose in (("/person", "user=will"), ("/own", f"link={own}")):
            page = await browser.get(f"{base}/value?{whose}&path={quote(path)}")
            csrf = await browser.csrf(f"{base}?{whose}")
            form = await browser.http.post(
                f"{base}/edit?{whose}",
                data={"csrf": csrf, "path": path, "value": "x"},
                headers={"origin": HOST},
            )
            assert (page.status_code, form.status_code) == (422, 422)


async def ask(served: Any, *parts: dict[str, Any] | None) -> list[Any]:
    """What the app sends to a request whose body comes in these parts; None: and then no more."""
    sent: list[Any] = []
    left = iter(parts)

    async def receive() -> Any:
        part = next(left, None)
        if part is None:
            await asyncio.Event().wait()
        return part

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/enter",
        "raw_path": b"/enter",
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"test")],
        "server": ("test", 80),
        "client": ("test", 1),
    }
    await served(scope, receive, send)
    return sent


async def test_who_hangs_up_is_not_answered(
    memory: UserMemory, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that goes in the middle of a body is no error."""
    with caplog.at_level(logging.INFO):
        begun = {"type": "http.request", "body": b"tok", "more_body": True}
        assert await ask(app(memory), begun, {"type": "http.disconnect"}) == []
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_body_that_stalls_ends(memory: UserMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """After half a minute without another part the connection is given up."""
    monkeypatch.setattr(asgi, "_STALLED", 0.05)
    first, *_ = await ask(app(memory), {"type": "http.request", "body": b"t", "more_body": True})
    assert first["status"] == 408
    assert (b"connection", b"close") in first["headers"]
