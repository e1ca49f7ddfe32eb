"""The example for LangGraph's server, on its real development server, through its HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.errors import AuthenticationError, NotFoundError
from tests.support.readme import copied, play, steps
from tests.support.serving import Server, serving

from usermemory import UserMemory

BOAT = "Hi, I'm Will, I'm building a boat"
GUESS = "Guess what I'm building?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, started as the page says; it does not watch files for changes here."""
    folder = copied("langgraph_server", tmp_path_factory.mktemp("server"))
    [start] = [step.command for step in steps(folder / "README.md") if "langgraph" in step.command]
    command, quiet = f"{start} --no-reload", {"LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    with serving(command, folder, "/ok", **quiet) as server:
        yield server
    assert "Blocking call" not in server.said()


def client(server: Server, who: str) -> Any:
    """The server's own client, signed in."""
    return get_client(url=server.url, headers={"Authorization": f"Bearer token-of-{who}"})


async def say(api: Any, thread_id: str, text: str, **more: Any) -> str:
    """One run in a thread; the answer."""
    given = {"messages": [{"role": "user", "content": text}]}
    state = await api.runs.wait(thread_id, "bot", input=given, **more)
    answer: str = state["messages"][-1]["content"]
    return answer


def test_its_page_is_true(server: Server) -> None:
    """Each command of the page does what it shows: the second thread knows Will, Ana's nobody."""
    folder = server.log.parent
    played = play(folder / "README.md", folder, ("langgraph dev",), LANGGRAPH_URL=server.url)
    assert len(played) == 4


async def test_the_next_thread_knows_what_was_learned(server: Server) -> None:
    """What one thread taught, once it is read, is known in the next, and in no thread's state."""
    async with client(server, "ana") as api:
        first, second = [(await api.threads.create())["thread_id"] for _ in range(2)]
        await say(api, first, "My name is Ana. I'm learning Greek.")
        with UserMemory(f"sqlite:///{server.log.parent / 'memory.db'}", model="offline") as memory:
            assert "changed" in {outcome.status for outcome in memory.trigger("ana")}
            assert memory.recall("ana").document["name"] == "Ana"
        assert "learning Greek" in await say(api, second, "What am I learning?")
        assert list((await api.threads.get_state(second))["values"]) == ["messages"]


async def test_nobody_is_somebody_else(server: Server) -> None:
    """No token is no entrance; a thread is its owner's; a run can't name another user."""
    async with client(server, "eve") as eve:
        with pytest.raises(AuthenticationError):
            await eve.threads.create()
    async with client(server, "will") as will, client(server, "ana") as ana:
        thread_id = (await will.threads.create())["thread_id"]
        await say(will, thread_id, BOAT)
        with pytest.raises(NotFoundError):
            await ana.threads.get_state(thread_id)
        own = (await ana.threads.create())["thread_id"]
        with pytest.raises(Exception, match="'ana' is logged in"):
            await say(ana, own, GUESS, context={"user_id": "will"})


def test_threads_are_listed_to_their_owner(server: Server) -> None:
    """A search over plain HTTP brings one's own threads only."""
    url = f"{server.url}/threads"

    def signed_in(who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer token-of-{who}"}

    made = httpx.post(url, json={}, headers=signed_in("will")).json()["thread_id"]
    found = {
        who: httpx.post(f"{url}/search", json={"limit": 1_000}, headers=signed_in(who)).json()
        for who in ("will", "ana")
    }
    assert made in {thread["thread_id"] for thread in found["will"]}
    assert made not in {thread["thread_id"] for thread in found["ana"]}


def test_the_store_is_closed(server: Server) -> None:
    """The server's store has no owners: nobody who is signed in puts, reads or lists anything."""
    place = {"namespace": ["notes"], "key": "1"}
    for method, path, body in (
        ("PUT", "/store/items", {**place, "value": {"text": "mine"}}),
        ("GET", "/store/items?namespace=notes&key=1", None),
        ("POST", "/store/items/search", {"namespace_prefix": []}),
        ("POST", "/store/namespaces", {}),
        ("DELETE", "/store/items", place),
    ):
        assert asked(server, "will", method, path, body).status_code == httpx.codes.FORBIDDEN


def test_the_assistant_is_the_servers(server: Server) -> None:
    """Everybody, Studio too, finds the assistant of the graph, and nobody makes or changes one."""
    for who in ("will", "ana", ""):
        found = asked(server, who, "POST", "/assistants/search", {}).json()
        assert [(one["name"], one["graph_id"]) for one in found] == [("bot", "bot")]
    path = f"/assistants/{found[0]['assistant_id']}"
    assert asked(server, "will", "GET", path).status_code == httpx.codes.OK
    for method, where, body in (
        ("POST", "/assistants", {"graph_id": "bot", "context": {"user_id": "ana"}}),
        ("PATCH", path, {"name": "other"}),
        ("DELETE", path, None),
    ):
        assert asked(server, "will", method, where, body).status_code == httpx.codes.FORBIDDEN


def test_crons_are_their_owners(server: Server) -> None:
    """What one user has scheduled, another does not see."""
    thread_id = asked(server, "will", "POST", "/threads", {}).json()["thread_id"]
    cron = {"assistant_id": "bot", "schedule": "0 0 1 1 *", "input": {"messages": []}}
    made = asked(server, "will", "POST", f"/threads/{thread_id}/runs/crons", cron).json()
    seen = {
        who: [one["cron_id"] for one in asked(server, who, "POST", "/runs/crons/search", {}).json()]
        for who in ("will", "ana")
    }
    assert seen == {"will": [made["cron_id"]], "ana": []}


def asked(server: Server, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
    """A request over plain HTTP by a user, or by Studio for none."""
    studio = {"x-auth-scheme": "langsmith"}
    headers = {"Authorization": f"Bearer token-of-{who}"} if who else studio
    return httpx.request(method, server.url + path, json=body, headers=headers)
