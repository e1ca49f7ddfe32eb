"""Links to users' own pages, made over the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.support import postgres

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens
from usermemory.testing import FakeClock

PATH = "/memory/api/v1/users/will/own-page"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def memory(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[UserMemory]:
    with ExitStack() as stack:
        url = str(tmp_path / "m.db")
        if request.param == "postgresql":
            url = stack.enter_context(postgres.fresh())
        memory = UserMemory(url, model="offline", worker=False, clock=clock)
        stack.callback(memory.close)
        memory.edit("will", {"name": "Will"}, by="test")
        yield memory


def client(served: Any, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(served),
        base_url="http://test",
        headers={"authorization": f"Bearer {token}"},
    )


async def test_a_host_in_any_language_gets_a_link(memory: UserMemory, clock: FakeClock) -> None:
    """Path and query lead, with the mount's prefix, to the page; until the time that was told."""
    token, _ = Tokens(memory).create()
    wanted = {"lifetime": 60, "read_only": True}
    async with client(Starlette(routes=[Mount("/memory", app(memory))]), token) as http:
        made = await http.post(PATH, json=wanted)
        assert made.status_code == 201
        assert made.json()["expires_at"] == clock.now() + 60
        path = made.json()["path"]
        page = await http.get(path)
        assert page.status_code == 200
        assert "Will" in page.text
        assert "Save" not in page.text
        clock.advance(61)
        assert (await http.get(path)).status_code == 403


async def test_a_link_takes_a_token_that_may_hand_it_out(memory: UserMemory) -> None:
    """One user's token and one that may only read make none; nor is there one for no time."""
    tokens = Tokens(memory)
    served = Starlette(routes=[Mount("/memory", app(memory))])
    for given in ({"user_id": "will"}, {"read_only": True}):
        async with client(served, tokens.create(**given)[0]) as http:  # type: ignore[arg-type]
            assert (await http.post(PATH, json={})).status_code == 403
    async with client(served, tokens.create()[0]) as http:
        for lifetime in (0, -1, 1e-300, 1e300, "soon"):
            assert (await http.post(PATH, json={"lifetime": lifetime})).status_code == 422


async def test_a_link_is_not_stored(memory: UserMemory) -> None:
    """Asked for again with the same Idempotency-Key, another is made: no answer is kept."""
    token, _ = Tokens(memory).create()
    async with client(Starlette(routes=[Mount("/memory", app(memory))]), token) as http:
        key = {"idempotency-key": "one"}
        first = await http.post(PATH, json={"lifetime": 60}, headers=key)
        again = await http.post(PATH, json={"lifetime": 90}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in again.headers


async def test_without_pages_there_are_no_links(memory: UserMemory) -> None:
    """An app without pages offers no links to them."""
    assert not [
        path for path in app(memory, pages=False).openapi()["paths"] if path.endswith("own-page")
    ]
