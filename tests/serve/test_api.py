"""The HTTP API over a real file, by itself and under a prefix of a host without our lifespan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False) as made:
        made.remember("will", "t", [("user", "Hi, I'm Will")])
        made.trigger("will")
        yield made


def client(served: Any, token: str = "") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(served), base_url="http://test", headers=headers
    )


@pytest.mark.parametrize("host", ["alone", "fastapi", "starlette"])
async def test_the_api_serves_under_any_prefix(memory: UserMemory, host: str) -> None:
    """A profile and its text are read by itself and mounted where no lifespan of ours runs."""
    served: Any = app(memory)
    if host == "fastapi":
        outer = FastAPI()
        outer.mount("/memory", served)
        served = outer
    elif host == "starlette":
        served = Starlette(routes=[Mount("/memory", served)])
    prefix = "" if host == "alone" else "/memory"
    token, _ = Tokens(memory).create()
    async with client(served, token) as http:
        answer = await http.get(f"{prefix}/api/v1/users/will/profile")
    assert answer.status_code == 200
    assert answer.json()["profile"]["name"] == "Will"
    assert "Will" in answer.json()["text"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_token_reaches_no_other_user(memory: UserMemory) -> None:
    """No token, a wrong one, another user's and a reading one are refused as problem+json."""
    mine, _ = Tokens(memory).create(user_id="ann", read_only=True)
    served = app(memory)
    async with client(served, mine) as http:
        other = await http.get("/api/v1/users/will/profile")
        said = {"messages": [{"role": "user", "content": "x"}]}
        write = await http.post("/api/v1/users/ann/threads/t/messages", json=said)
        own = await http.get("/api/v1/users/ann/profile")
    async with client(served) as http:
        nobody = await http.get("/api/v1/users/will/profile")
    assert [one.status_code for one in (other, write, own, nobody)] == [403, 403, 200, 401]
    assert "Will" not in other.text
    assert nobody.headers["content-type"] == "application/problem+json"


async def test_bad_requests_are_clear_answers(memory: UserMemory) -> None:
    """A body of 10 MB, a field nobody has and a message of no form end in 4xx."""
    token, _ = Tokens(memory).create()
    path = "/api/v1/users/will/threads/t/messages"
    async with client(app(memory), token) as http:
        big = await http.post(path, content=b"x" * 10_000_000)
        field = await http.get("/api/v1/users/will/why", params={"field": "nonsense"})
        form = await http.post(path, json={"messages": "x"})
        lost = await http.get("/api/v1/nowhere")
        good = await http.post(path, json={"messages": [{"role": "user", "content": "I ski"}]})
    answers = (big, field, form, lost, good)
    assert [one.status_code for one in answers] == [413, 422, 422, 404, 202]


async def test_a_profile_is_corrected_and_erased(memory: UserMemory) -> None:
    """An edit counts, an undo takes it back, and a forgotten value is gone after a dry run."""
    token, _ = Tokens(memory).create(user_id="will")
    path = "/api/v1/users/will"
    patch = [{"op": "replace", "path": "/name", "value": "Bill"}]
    async with client(app(memory), token) as http:
        edited = await http.patch(f"{path}/profile", json={"patch": patch, "by": "support"})
        assert edited.status_code == 200
        assert memory.recall("will").document["name"] == "Bill"
        stale = {"patch": patch, "by": "support", "revision": 1}
        assert (await http.patch(f"{path}/profile", json=stale)).status_code == 409
        assert (await http.post(f"{path}/undo")).status_code == 200
        assert memory.recall("will").document["name"] == "Will"
        wanted = {"field": "name", "dry_run": True}
        assert (await http.post(f"{path}/forget", json=wanted)).json()["values"] == 1
        assert memory.recall("will").document["name"] == "Will"
        wanted["dry_run"] = False
        assert (await http.post(f"{path}/forget", json=wanted)).status_code == 200
        assert (await http.get(f"{path}/export")).status_code == 200
        assert (await http.get(f"{path}/misfits")).json() == []
        assert (await http.post(f"{path}/trigger")).status_code == 200
    assert memory.recall("will").document["name"] is None
