"""The app in LangGraph's server: named by ``"http"`` of `langgraph.json`, on the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from tests.support.readme import copied
from tests.support.serving import serving

from usermemory import UserMemory
from usermemory.serve.tokens import Tokens

DIRECT = """
from bot import memory
from usermemory.serve import app as served

app = served(memory)
"""
MOUNTED = """
from bot import memory
from starlette.applications import Starlette
from starlette.routing import Mount
from usermemory.serve import app as served

app = Starlette(routes=[Mount("/memory", served(memory))])
"""
LONG = {"metadata": {"text": "a" * 1_200_000}}


@dataclass(frozen=True)
class Place:
    """A server of LangGraph's with the memory in it.

    Attributes:
        url: Of the server.
        prefix: Where the memory is.
        app_token: Reaches everybody.
        will_token: Reaches Will.
    """

    url: str
    prefix: str
    app_token: str
    will_token: str

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """A request to the memory by the application."""
        headers = {"authorization": f"Bearer {self.app_token}"}
        url = f"{self.url}{self.prefix}{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=30, **more)


@pytest.fixture(scope="module", params=["", "/memory"], ids=["direct", "mounted"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = copied("langgraph_server", tmp_path_factory.mktemp("server"))
    (folder / "pages.py").write_text(MOUNTED if request.param else DIRECT, encoding="utf-8")
    config = json.loads((folder / "langgraph.json").read_text(encoding="utf-8"))
    config["http"] = {"app": "./pages.py:app"}
    (folder / "langgraph.json").write_text(json.dumps(config), encoding="utf-8")
    with UserMemory(folder / "memory.db", model="offline", worker=False) as memory:
        everybody, will = Tokens(memory).create()[0], Tokens(memory).create(user_id="will")[0]
    quiet = {"LANGGRAPH_CLI_NO_ANALYTICS": "1"}
    with serving("langgraph dev --no-browser --no-reload", folder, "/ok", **quiet) as server:
        yield Place(server.url, request.param, everybody, will)
    assert "Blocking call" not in server.said()
    assert "Traceback" not in server.said()


def of_graph(place: Place, method: str, path: str, body: Any = None) -> httpx.Response:
    """A request to LangGraph's own API by Will, as the example's `auth.py` knows him."""
    headers = {"authorization": "Bearer token-of-will"}
    return httpx.request(method, place.url + path, json=body, headers=headers, timeout=30)


def test_what_the_graph_heard_is_served(place: Place) -> None:
    """A run of the graph teaches; API and page show it, signed in by tokens of the memory."""
    thread = of_graph(place, "POST", "/threads", {}).json()["thread_id"]
    said = {"messages": [{"role": "user", "content": "I'm Will and I like chess"}]}
    run = {"assistant_id": "bot", "input": said}
    assert of_graph(place, "POST", f"/threads/{thread}/runs/wait", run).status_code == 200
    read = place.ask("POST", "/api/v1/users/will/trigger").json()
    assert "changed" in {one["status"] for one in read}
    assert place.ask("GET", "/api/v1/users/will/profile").json()["profile"]["name"] == "Will"
    with httpx.Client(base_url=place.url, follow_redirects=True, timeout=30) as browser:
        people = browser.post(f"{place.prefix}/enter", data={"token": place.app_token})
        assert "will" in people.text
        page = browser.get(f"{place.prefix}/person", params={"user": "will"})
        assert "I like chess" in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert browser.get(f"{place.prefix}/static/app.css").status_code == 200


async def test_its_mcp_is_served(place: Place) -> None:
    """An MCP client with a token of Will's reads his profile."""
    headers = {"Authorization": f"Bearer {place.will_token}"}
    async with create_mcp_http_client(headers) as http:
        transport = streamable_http_client(f"{place.url}{place.prefix}/mcp", http_client=http)
        async with Client(transport) as client:
            tools = (await client.list_tools()).tools
            assert {"read_profile", "search_memory"} <= {tool.name for tool in tools}
            answer = await client.call_tool("read_profile", {})
    assert not answer.is_error


def test_the_servers_own_requests_are_left_alone(place: Place) -> None:
    """No limit, no policy and no token of ours reaches what LangGraph's server answers itself."""
    assert of_graph(place, "POST", "/threads", LONG).status_code == 200
    docs = of_graph(place, "GET", "/docs")
    assert docs.status_code == 200
    assert "content-security-policy" not in docs.headers
    big = place.ask("POST", "/api/v1/users/will/threads/t/messages", LONG)
    assert big.status_code == 413
    assert of_graph(place, "POST", "/assistants/search", {}).json()[0]["graph_id"] == "bot"
    assert httpx.post(f"{place.url}/threads", json={}).status_code == 401
    if place.prefix:  # else it is the memory's
        tools = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        both = {"accept": "application/json, text/event-stream"}
        signed = {"authorization": "Bearer token-of-will", **both}
        answer = httpx.post(f"{place.url}/mcp", json=tools, headers=signed, timeout=30)
        assert [tool["name"] for tool in answer.json()["result"]["tools"]] == ["bot"]
