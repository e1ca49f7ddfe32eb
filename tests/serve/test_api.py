"""The HTTP API over a real file, by itself and under a prefix of a host without our lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Mount

from usermemory import UserMemory
from usermemory.serve import app
from usermemory.serve.tokens import Tokens
from usermemory.store.flows.access import begin_reply
from usermemory.testing import FakeClock


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


async def test_stamps_come_on_request(memory: UserMemory) -> None:
    """When things were heard of is sent to who asks for it; either answer fits the document."""
    token, _ = Tokens(memory).create()
    served = app(memory)
    async with client(served, token) as http:
        plain = await http.get("/api/v1/users/will/profile", params={"earlier": 5, "tail": True})
        asked = await http.get("/api/v1/users/will/profile", params={"stamps": True})
    assert plain.json()["stamps"] == {}
    assert set(asked.json()["stamps"]["name"]) >= {"learned"}
    assert plain.json()["profile"] == asked.json()["profile"]
    components = served.openapi()["components"]
    form = {"$ref": "#/components/schemas/Profile", "components": components}
    for answer in (plain, asked):
        assert answer.headers["content-type"] == "application/json"
        Draft202012Validator(form).validate(answer.json())


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
        assert (await http.get(f"{path}/misfits")).json() == {"items": [], "next": None}
        assert (await http.post(f"{path}/trigger")).status_code == 200
    assert memory.recall("will").document["name"] is None


async def test_a_write_with_a_key_is_done_once(memory: UserMemory) -> None:
    """The same key answers as the first time; with another request it is refused, and by token."""
    token, _ = Tokens(memory).create(user_id="will")
    other, _ = Tokens(memory).create()
    path = "/api/v1/users/will/profile"
    edit = {"patch": [{"op": "add", "path": "/interests/-", "value": "chess"}], "by": "support"}
    key = {"idempotency-key": "one"}
    async with client(app(memory), token) as http:
        first = await http.patch(path, json=edit, headers=key)
        again = await http.patch(path, json=edit, headers=key)
        reused = await http.patch(path, json=edit | {"by": "me"}, headers=key)
        nonsense = await http.patch(path, json=edit, headers={"idempotency-key": "x" * 300})
    assert [one.status_code for one in (first, again, reused, nonsense)] == [200, 200, 422, 422]
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert memory.recall("will").document["interests"] == ["chess"]
    async with client(app(memory), other) as http:
        edit["patch"][0]["value"] = "tea"  # type: ignore[index]
        assert (await http.patch(path, json=edit, headers=key)).status_code == 200
    assert memory.recall("will").document["interests"] == ["chess", "tea"]


async def test_a_request_that_failed_may_be_mended(memory: UserMemory) -> None:
    """What was refused is not remembered under its key."""
    token, _ = Tokens(memory).create()
    key, path = {"idempotency-key": "one"}, "/api/v1/users/will/forget"
    async with client(app(memory), token) as http:
        assert (await http.post(path, json={"field": "x"}, headers=key)).status_code == 422
        assert (await http.post(path, json={"field": "name"}, headers=key)).status_code == 200


async def test_of_two_at_once_one_is_done(memory: UserMemory) -> None:
    """While the first request with a key is at work, the second is answered with 409."""
    token, _ = Tokens(memory).create()
    begun, go = asyncio.Event(), asyncio.Event()
    real = memory.apause

    async def slow(user_id: Any) -> None:
        begun.set()
        await go.wait()
        await real(user_id)

    memory.apause = slow  # type: ignore[method-assign, assignment]
    key, path = {"idempotency-key": "one"}, "/api/v1/users/will/pause"
    async with client(app(memory), token) as http:
        first = asyncio.create_task(http.post(path, headers=key))
        await begun.wait()
        assert (await http.post(path, headers=key)).status_code == 409
        go.set()
        assert (await first).json() == {"paused": True}
        assert (await http.post(path, headers=key)).json() == {"paused": True}


@pytest.mark.parametrize("what", ["value", "user"])
async def test_a_kept_answer_is_erased_with_what_it_holds(memory: UserMemory, what: str) -> None:
    """An erasure takes the answers of the user along: a repeated request says that it was done."""
    token, _ = Tokens(memory).create()
    key, path = {"idempotency-key": "one"}, "/api/v1/users/will"
    edit = {"document": {"name": "Will", "interests": ["falconry"]}, "by": "support"}
    async with client(app(memory), token) as http:
        made = await http.patch(f"{path}/profile", json=edit, headers=key)
        assert "falconry" in made.text
        if what == "value":
            gone = {"field": "interests", "value": "falconry"}
            assert (await http.post(f"{path}/forget", json=gone)).status_code == 200
        else:
            assert (await http.delete(path)).status_code == 200
        again = await http.patch(f"{path}/profile", json=edit, headers=key)
    assert again.status_code == 409
    assert "was done before" in again.json()["detail"]
    assert memory.verify_erased("will", "falconry").erased


async def test_an_answer_is_kept_for_a_day(tmp_path: Path) -> None:
    """A day later a key is as good as new, also one whose process was killed at work."""
    clock = FakeClock()
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False, clock=clock) as memory:
        token, _ = Tokens(memory).create()
        key, path = {"idempotency-key": "one"}, "/api/v1/users/will/pause"
        async with client(app(memory), token) as http:
            await http.post(path, headers=key)
            clock.advance(86_399)
            assert "idempotency-replayed" in (await http.post(path, headers=key)).headers
            clock.advance(2)
            assert "idempotency-replayed" not in (await http.post(path, headers=key)).headers
        memory.driver.write(begin_reply, "killed", "will", "digest")
        clock.advance(86_399)
        assert memory.driver.write(begin_reply, "killed", "will", "digest") is not None
        clock.advance(2)
        assert memory.driver.write(begin_reply, "killed", "will", "digest") is None


async def test_a_token_makes_so_many_requests(memory: UserMemory) -> None:
    """Beyond its rate a token is told when to go on; another one goes on."""
    token, _ = Tokens(memory).create()
    other, _ = Tokens(memory).create()
    served, path = app(memory, rate_limit=2), "/api/v1/users/will/profile"
    async with client(served, token) as http:
        answers = [await http.get(path) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30
    async with client(served, other) as http:
        assert (await http.get(path)).status_code == 200


async def test_lists_come_in_pages(memory: UserMemory) -> None:
    """Users, history, refused changes and jobs are read page by page, each item once."""
    for number in range(5):
        memory.edit(f"user{number}", {"name": "A"}, by="test")
        memory.edit("will", {"name": f"W{number}"}, by="test")
        memory.remember("will", f"thread{number}", [("user", "I ski")])
    token, _ = Tokens(memory).create()

    async def every(path: str, **query: Any) -> list[Any]:
        found, after = [], None
        while True:
            asked = query | {"limit": 2} | ({} if after is None else {"after": after})
            answer = (await http.get(f"/api/v1{path}", params=asked)).json()
            assert len(answer["items"]) <= 2
            found += answer["items"]
            after = answer["next"]
            if after is None:
                return found

    async with client(app(memory), token) as http:
        users = [one["user_id"] for one in await every("/users")]
        assert users == [*(f"user{number}" for number in range(5)), "will"]
        assert [one["user_id"] for one in await every("/users", search="WIL")] == ["will"]
        history = [one["number"] for one in await every("/users/will/history")]
        assert history == [6, 5, 4, 3, 2, 1]
        assert len(await every("/users/will/jobs")) == 5
        assert len(await every("/jobs", state="waiting")) == 5
        for after in ("x", "-1", "9" * 20, "[{}]"):
            for path in ("users/will/refused", "users/will/history", "jobs"):
                answer = await http.get(f"/api/v1/{path}", params={"after": after})
                assert answer.status_code == 422


@pytest.mark.parametrize("user", ["a/b", "a/threads/b", "a%2Fb", "ü ?#", "."])
async def test_any_id_can_be_reached(memory: UserMemory, user: str) -> None:
    """A slash in an id, sent as %2F, parts nothing; a token for another user stays outside."""
    memory.edit(user, {"name": "Ida"}, by="test")
    mine, _ = Tokens(memory).create(user_id=user)
    path = f"/api/v1/users/{quote(user, safe='').replace('.', '%2E')}"
    host = Starlette(routes=[Mount("/memory", app(memory))])
    for served, prefix in ((app(memory), ""), (host, "/memory")):
        async with client(served, mine) as http:
            found = await http.get(f"{prefix}{path}/profile")
            assert found.json()["profile"]["name"] == "Ida"
            thread = f"{prefix}{path}/threads/{quote('t/1', safe='')}"
            said = {"messages": [{"role": "user", "content": "I ski"}]}
            assert (await http.post(f"{thread}/messages", json=said)).status_code == 202
            other = await http.get(f"{prefix}/api/v1/users/will/profile")
            assert other.status_code == 403
    assert {one.thread_id for one in memory.jobs(user_id=user)} == {"t/1"}


async def test_a_user_is_carried_away_and_back(memory: UserMemory, tmp_path: Path) -> None:
    """An export that can be imported takes a token for everybody, and is whole elsewhere."""
    everybody, _ = Tokens(memory).create()
    mine, _ = Tokens(memory).create(user_id="will")
    path = "/api/v1/users/will"
    async with client(app(memory), mine) as http:
        assert (await http.get(f"{path}/export")).status_code == 200
        refused = await http.get(f"{path}/export", params={"for_user": False})
        assert refused.status_code == 403
        assert (await http.post(f"{path}/import", json={})).status_code == 403
    async with client(app(memory), everybody) as http:
        found = (await http.get(f"{path}/export", params={"for_user": False})).json()
        assert (await http.get("/api/v1/users/nobody/export")).status_code == 404
    with UserMemory(tmp_path / "other.db", model="offline", worker=False) as other:
        token, _ = Tokens(other).create()
        async with client(app(other), token) as http:
            made = await http.post(f"{path}/import", json=found)
            assert made.json() == {"written": True, "unknown": []}
        assert other.recall("will").document["name"] == "Will"


async def test_jobs_are_looked_after(memory: UserMemory) -> None:
    """A thread is retried, given up, and its user paused; what is not there is 404."""
    memory.remember("will", "new", [("user", "I ski")])
    token, _ = Tokens(memory).create()
    path = "/api/v1/users/will"
    async with client(app(memory), token) as http:
        assert (await http.post(f"{path}/threads/new/retry")).json() == {"retried": True}
        assert (await http.post(f"{path}/threads/none/retry")).status_code == 404
        assert (await http.post("/api/v1/jobs/retry", json={})).json() == []
        assert (await http.post(f"{path}/threads/new/drop")).json() == {"dropped": 1}
        assert (await http.post(f"{path}/pause")).json() == {"paused": True}
        (person,) = (await http.get("/api/v1/users")).json()["items"]
        assert person["paused"] is True
        assert (await http.post(f"{path}/resume")).json() == {"paused": False}
        assert (await http.get(f"{path}/costs")).json() == {"items": [], "next": None}


async def test_a_message_and_a_thread_are_forgotten(memory: UserMemory) -> None:
    """After a dry run that says what goes, a message by its number and a thread are erased."""
    token, _ = Tokens(memory).create()
    path = "/api/v1/users/will/threads/t"
    async with client(app(memory), token) as http:
        said = await http.delete(f"{path}/messages/1", params={"by_number": True, "dry_run": True})
        assert said.json()["values"] == 1
        assert memory.recall("will").document["name"] == "Will"
        assert (await http.delete(f"{path}/messages/no-such-id")).json()["values"] == 0
        assert (await http.delete(path)).json()["values"] == 1
    assert memory.recall("will").document["name"] is None


async def test_a_person_decides_on_proposals(tmp_path: Path) -> None:
    """What waits is listed, approved with another value or declined, by its user alone."""
    with UserMemory(tmp_path / "memory.db", model="offline", worker=False, review="all") as memory:
        memory.remember("will", "t", [("user", "Hi, I'm Will and I love chess")])
        memory.trigger("will")
        mine, _ = Tokens(memory).create(user_id="will")
        other, _ = Tokens(memory).create(user_id="ann")
        path = "/api/v1/users/will/proposals"
        async with client(app(memory), mine) as http:
            waiting = {
                one["changes"][0]["field"]: one["id"]
                for one in (await http.get(path)).json()["items"]
            }
            assert set(waiting) == {"name", "interests"}
            async with client(app(memory), other) as stranger:
                stolen = f"/api/v1/users/ann/proposals/{waiting['name']}/approve"
                assert (await stranger.post(stolen, json={})).status_code == 409
                assert (await stranger.get("/api/v1/proposals")).status_code == 403
            edited = {"by": "support", "value": "William"}
            made = await http.post(f"{path}/{waiting['name']}/approve", json=edited)
            assert made.json()["revision"]["by"] == "support"
            done = await http.post(f"{path}/{waiting['interests']}/decline")
            assert done.json() == {"id": waiting["interests"]}
            assert (await http.get(path)).json()["items"] == []
            assert (await http.post(f"{path}/{waiting['name']}/decline")).status_code == 409
        found = memory.recall("will").document
        assert (found["name"], found["interests"]) == ("William", [])


async def test_everybodys_lists_take_everybodys_token(memory: UserMemory) -> None:
    """A token of one user sees neither users nor jobs nor costs of others."""
    mine, _ = Tokens(memory).create(user_id="will")
    async with client(app(memory), mine) as http:
        for path in ("users", "jobs", "costs"):
            assert (await http.get(f"/api/v1/{path}")).status_code == 403
        assert (await http.post("/api/v1/jobs/retry", json={})).status_code == 403


def test_the_document_is_complete(memory: UserMemory) -> None:
    """Each operation has a name of its own, a summary, its errors and, with a body, an example."""
    document = app(memory).openapi()
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            assert operation["summary"], path
            if path == "/api/v1/health":
                continue
            assert operation["security"] == [{"HTTPBearer": []}]
            wanted = {"401", "403", "413", "422", "429", "503"}
            wanted |= {"400", "409"} if method != "get" else set()
            assert wanted <= set(operation["responses"]), path
            if "requestBody" in operation:
                form = operation["requestBody"]["content"]["application/json"]["schema"]
                named = form["$ref"].rpartition("/")[2]
                assert document["components"]["schemas"][named]["examples"], named
    assert len(set(names)) == len(names)
    Draft202012Validator.check_schema(document["components"]["schemas"]["Problem"])


async def test_what_needs_a_model_says_so(memory: UserMemory) -> None:
    """A tidy pass without a language model is refused; an answer nobody gave was shown nothing."""
    token, _ = Tokens(memory).create()
    async with client(app(memory), token) as http:
        answer = await http.post("/api/v1/users/will/tidy")
        assert (answer.status_code, answer.json()["detail"]) == (
            409,
            "this memory has no language model",
        )
        shown = await http.get("/api/v1/users/will/shown", params={"message_id": "a1"})
        assert (shown.status_code, shown.json()) == (200, [])


async def test_pages_go_on_behind_what_is_gone_by_now(memory: UserMemory) -> None:
    """Who handles each page before asking for the next one meets every user, job and proposal."""
    for number in range(6):
        memory.remember(f"user{number}", "t", [("user", "I love chess")])
    token, _ = Tokens(memory).create()
    async with client(app(memory), token) as http:

        async def handled(path: str, handle: Callable[[Any], object]) -> list[str]:
            found, asked = [], {"limit": "2"}
            while True:
                answer = (await http.get(f"/api/v1{path}", params=asked)).json()
                for one in answer["items"]:
                    found.append(one["user_id"])
                    handle(one)
                if answer["next"] is None:
                    return sorted(found)
                asked["after"] = answer["next"]

        new = [f"user{number}" for number in range(6)]
        assert await handled("/jobs", lambda one: memory.trigger(one["user_id"])) == new
        met = await handled("/users", lambda one: memory.forget_user(one["user_id"]))
        assert met == [*new, "will"]


async def test_every_approval_meets_every_proposal(tmp_path: Path) -> None:
    """Proposals that are approved page by page are all met."""
    with UserMemory(tmp_path / "r.db", model="offline", review="all", worker=False) as memory:
        for number in range(5):
            memory.remember(f"user{number}", "t", [("user", "I'm Will and I love chess")])
            memory.trigger(f"user{number}")
        token, _ = Tokens(memory).create()
        waiting, asked = len(memory.proposals()), {"limit": "2"}
        async with client(app(memory), token) as http:
            for _ in range(waiting):
                answer = (await http.get("/api/v1/proposals", params=asked)).json()
                for one in answer["items"]:
                    memory.approve(one["id"])
                if answer["next"] is None:
                    break
                asked["after"] = answer["next"]
        assert waiting >= 5
        assert memory.proposals() == []
