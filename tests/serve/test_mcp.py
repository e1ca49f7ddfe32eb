"""One user's memory over MCP, with the SDK's own client: over stdio to a real process, over HTTP.

What holds for the one way holds for the other: each test runs over both, and over HTTP in both eras
of the protocol, mounted where no lifespan of ours runs.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mcp_types as wire
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from tests.support.command_line import COMMAND, PATIENCE, environment, run
from tests.support.serving import serving

from usermemory import UserMemory
from usermemory.errors import ConfigurationError
from usermemory.serve import app
from usermemory.serve.tokens import Tokens

SERVICE = """
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from usermemory import UserMemory
from usermemory.serve import app

served = app(UserMemory("memory.db", model="offline", worker=False))
fastapi = FastAPI()
fastapi.mount("/memory", served)
hosts = Starlette(routes=[
    Mount("/fastapi", fastapi), Mount("/starlette", served), Mount("/", served)
])
"""

WAYS = ["stdio", "alone", "fastapi", "starlette", "old"]
PREFIX = {"alone": "", "old": "", "fastapi": "/fastapi/memory", "starlette": "/starlette"}
SAID = "I'm Will and I like chess"
CHESS = {"quote": "I like chess", "action": "add interests", "value": "chess"}


@dataclass(frozen=True)
class Place:
    """A database with two users, and a server of it.

    Attributes:
        folder: Where the database is.
        url: Of the server.
    """

    folder: Path
    url: str

    def memory(self) -> UserMemory:
        """The same database, for a look at what was done."""
        return UserMemory(self.folder / "memory.db", model="offline", worker=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("mcp")
    (folder / "service.py").write_text(SERVICE, encoding="utf-8")
    command = f"{sys.executable} -m uvicorn service:hosts"
    with serving(command, folder, "/api/v1/health") as server:
        yield Place(folder, server.url)
        assert "um_" not in server.said(), "a token is in the log"
        assert "chess" not in server.said()


@pytest.fixture(autouse=True)
def users(place: Place) -> None:
    """Will is known as nobody yet, Ann by a secret of hers."""
    with place.memory() as memory:
        memory.forget_user("will")
        memory.forget_user("ann")
        memory.edit("ann", {"name": "Ann", "interests": ["falconry"]}, by="test")


Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(params=WAYS)
def connect(request: pytest.FixtureRequest, place: Place) -> Connect:
    """Opens a client as will."""
    way = request.param

    @asynccontextmanager
    async def opened(*, read_only: bool = False, **more: Any) -> AsyncIterator[Client]:
        if way == "stdio":
            only = ["--read-only"] if read_only else []
            words = ["mcp", "--user", "will", "--db", "memory.db", "--model", "offline", *only]
            server = StdioServerParameters(
                command=COMMAND, args=words, cwd=place.folder, env=environment()
            )
            async with Client(server, **more) as client:
                yield client
            return
        with place.memory() as memory:
            token, _ = Tokens(memory).create(user_id="will", read_only=read_only)
        mode = "legacy" if way == "old" else "auto"
        async with create_mcp_http_client({"authorization": f"Bearer {token}"}) as http:
            transport = streamable_http_client(f"{place.url}{PREFIX[way]}/mcp", http_client=http)
            async with Client(transport, mode=mode, **more) as client:
                yield client

    return opened


def text(result: Any) -> str:
    """What a tool answers."""
    return "\n".join(part.text for part in result.content)


async def test_what_is_proposed_is_known(place: Place, connect: Connect) -> None:
    """A change whose words come with it is made, read, found and is the profile's resource."""
    async with connect() as client:
        assert {one.name for one in (await client.list_tools()).tools} == {
            "read_profile",
            "search_memory",
            "propose_change",
            "forget_memory",
        }
        wanted = {"changes": [CHESS], "message": SAID}
        made = await client.call_tool("propose_change", wanted)
        assert not made.is_error, text(made)
        assert "chess" in text(await client.call_tool("read_profile", {"about": "games"}))
        assert "chess" in text(await client.call_tool("search_memory", {"query": "chess"}))
        (held,) = (await client.read_resource("memory://profile")).contents
        assert isinstance(held, wire.TextResourceContents)
        assert "chess" in held.text
        (message,) = (await client.get_prompt("what_you_know")).messages
        assert "chess" in json.dumps(message.model_dump())
    with place.memory() as memory:
        (revision,) = memory.history("will")
        assert (revision.by, revision.changes[0].evidence[0].quote) == ("mcp", SAID)


async def test_no_words_no_memory(place: Place, connect: Connect) -> None:
    """A quote that the message does not hold, no message, and an assistant's words are refused."""
    async with connect() as client:
        for wanted in (
            {"changes": [CHESS], "message": "What's the weather?"},
            {"changes": [CHESS], "message": ""},
            {"changes": [CHESS], "message": "No.", "question": "Shall I note: I like chess?"},
            {"changes": [], "message": SAID},
            {"changes": "chess", "message": SAID},
            {"changes": [CHESS], "message": 7},
        ):
            answer = await client.call_tool("propose_change", wanted)
            assert answer.is_error, wanted
    with place.memory() as memory:
        assert memory.history("will") == []


async def test_nothing_reaches_another_user(place: Place, connect: Connect) -> None:
    """Whatever argument, resource or prompt names Ann, it is refused, and nothing of hers comes."""
    changes = {"changes": [CHESS], "message": SAID}
    said = {"quote": "forget", "field": "interests", "message": "forget falconry"}
    answers = []
    async with connect() as client:
        for name in ("user_id", "user", "userId", "thread_id", "config"):
            for tool, given in (
                ("read_profile", {}),
                ("search_memory", {"query": "falconry"}),
                ("propose_change", changes),
                ("propose_change", {"changes": [CHESS | {name: "ann"}], "message": SAID}),
                ("forget_memory", said),
            ):
                mine = given if tool == "propose_change" and given is not changes else None
                asked = mine or {**given, name: "ann"}
                answers.append(await client.call_tool(tool, asked))
                assert answers[-1].is_error, (tool, asked)
        for uri in ("memory://profile/ann", "memory://profile?user_id=ann", "memory://ann/profile"):
            with pytest.raises(MCPError, match="there is only memory://profile"):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="without arguments"):
            await client.get_prompt("what_you_know", {"user_id": "ann"})
        answers += [await client.call_tool("read_profile", {})]
        answers += [await client.call_tool("search_memory", {"query": "falconry"})]
    assert not any("falconry" in text(one) for one in answers)
    with place.memory() as memory:
        assert memory.recall("ann").document["interests"] == ["falconry"]
        assert memory.history("will") == []


async def test_who_may_only_read_changes_nothing(place: Place, connect: Connect) -> None:
    """What writes is not offered, and refused when it is called all the same."""
    async with connect(read_only=True) as client:
        names = {one.name for one in (await client.list_tools()).tools}
        assert names == {"read_profile", "search_memory"}
        wanted = {"changes": [CHESS], "message": SAID}
        made = await client.call_tool("propose_change", wanted)
        assert made.is_error
        assert "only read" in text(made)
        assert (await client.call_tool("forget_memory", {})).is_error
        assert not (await client.call_tool("read_profile", {})).is_error
    with place.memory() as memory:
        assert memory.history("will") == []


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_the_user_is_asked_before_forgetting(
    place: Place, connect: Connect, action: Any, request: pytest.FixtureRequest
) -> None:
    """What the user confirms in the client is erased, what they decline stays."""
    with place.memory() as memory:
        memory.edit("will", {"interests": ["chess"]}, by="test")
    asked: list[str] = []

    async def ask(_: Any, params: wire.ElicitRequestParams) -> wire.ElicitResult:
        asked.append(params.message)
        return wire.ElicitResult(action=action, content={})

    said = "Please forget that I like chess"
    wanted = {"field": "interests", "value": "chess", "quote": said, "message": said}
    async with connect(elicitation_callback=ask) as client:
        answer = await client.call_tool("forget_memory", wanted)
    old = request.node.callspec.params["connect"] == "old"  # no way back to the client
    with place.memory() as memory:
        left = memory.recall("will").document["interests"]
    assert left == ([] if action == "accept" and not old else ["chess"])
    assert asked == ([] if old else ['Forget for good what is known as interests: "chess"?'])
    assert answer.is_error is bool(left)


@pytest.mark.parametrize(
    ("value", "quote", "told"),
    [("chess", "forget all of it", "quote"), ("tea", "forget that I like chess", "tea")],
)
async def test_nobody_is_asked_about_what_cannot_be_forgotten(
    place: Place, connect: Connect, value: str, quote: str, told: str
) -> None:
    """Words that were not said, and what stands nowhere, are refused before the user is asked."""
    with place.memory() as memory:
        memory.edit("will", {"interests": ["chess"]}, by="test")
    asked: list[str] = []

    async def ask(_: Any, params: wire.ElicitRequestParams) -> wire.ElicitResult:
        asked.append(params.message)
        return wire.ElicitResult(action="accept", content={})

    said = {"quote": quote, "message": "Please forget that I like chess"}
    async with connect(elicitation_callback=ask) as client:
        wanted = {"field": "interests", "value": value, **said}
        answer = await client.call_tool("forget_memory", wanted)
    assert (answer.is_error, asked) == (True, [])
    assert told in text(answer)


async def test_without_anybody_to_ask_nothing_is_forgotten(place: Place, connect: Connect) -> None:
    """A client that cannot ask the user, and no model for a second look: it stays, and says so."""
    with place.memory() as memory:
        memory.edit("will", {"interests": ["chess"]}, by="test")
    said = "Please forget that I like chess"
    wanted = {"field": "interests", "value": "chess", "quote": said, "message": said}
    async with connect() as client:
        answer = await client.call_tool("forget_memory", wanted)
    assert answer.is_error
    assert "second look" in text(answer)
    with place.memory() as memory:
        assert memory.recall("will").document["interests"] == ["chess"]


@pytest.mark.parametrize(
    ("token", "status", "says"),
    [
        ("", 401, "bearer token"),
        ("um_0_0", 401, "bearer token"),
        ("application", 403, "token of one user"),
        ("will?user_id=ann", 422, "takes no query"),
    ],
)
def test_the_token_says_who_it_is(place: Place, token: str, status: int, says: str) -> None:
    """No token, a wrong one, one for everybody and a user in the address are refused clearly."""
    name, _, query = token.partition("?")
    with place.memory() as memory:
        whose = {"application": None, "will": "will"}
        if name in whose:
            token, _ = Tokens(memory).create(user_id=whose[name])
    answer = httpx.post(
        f"{place.url}/mcp?{query}", headers={"authorization": f"Bearer {token or '-'}"}, json={}
    )
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_missing_database_is_said(tmp_path: Path) -> None:
    """One sentence on standard error, nothing on standard output, and no file is made."""
    done = run("mcp", "--user", "will", "--db", str(tmp_path / "none.db"))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"usermemory: there is no database at .*\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_only_protocol_on_standard_output(place: Place) -> None:
    """Each line is JSON-RPC, for garbage and unknown methods too; Ctrl-C ends it without a word."""
    words = [COMMAND, "mcp", "--user", "will", "--db", "memory.db", "--model", "offline"]
    about = {"protocolVersion": "2025-06-18", "capabilities": {}}
    begin = about | {"clientInfo": {"name": "test", "version": "1"}}
    with subprocess.Popen(
        words,
        cwd=place.folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        said: Any = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": begin}
        process.stdin.write(f"no JSON at all\n{json.dumps(said)}\n")
        said = {"jsonrpc": "2.0", "id": 2, "method": "nonsense"}
        process.stdin.write(f"{json.dumps(said)}\n")
        process.stdin.flush()
        answered: set[Any] = set()
        while not {None, 1, 2} <= answered:
            answered.add(json.loads(process.stdout.readline())["id"])
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE)
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
        assert (process.returncode, "Traceback" in errors) == (130, False)


def forgetting(place: Place, state: str | None, able: bool = True, **given: str) -> Any:
    """What `forget_memory` answers to a request that holds a yes."""
    with place.memory() as memory:
        token, _ = Tokens(memory).create(user_id="will")
    said = "Please forget that"
    call: dict[str, Any] = {
        "name": "forget_memory",
        "arguments": {"quote": said, "message": said, **given},
        "inputResponses": {"confirm": {"action": "accept", "content": {}}},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}} if able else {},
        },
    }
    if state is not None:
        call["requestState"] = state
    answer = httpx.post(
        f"{place.url}/mcp",
        headers={
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": "forget_memory",
        },
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
    )
    return answer.json()["result"]


def test_a_yes_counts_only_for_the_question_that_was_put(place: Place) -> None:
    """Nobody says yes before being asked, to another value, twice, or where none can be asked."""
    with place.memory() as memory:
        memory.edit("will", {"interests": ["chess", "tea"]}, by="test")
    chess, tea = {"field": "interests", "value": "chess"}, {"field": "interests", "value": "tea"}
    assert (forgetting(place, None, able=False, **chess))["isError"]
    first = forgetting(place, None, **chess)
    assert first["resultType"] == "input_required"
    state = first["requestState"]
    for wrong in ("", "x", state[:-1], f"0{state}", "0-99999999999-0", "é-9-é"):
        assert "isError" not in forgetting(place, wrong, **chess)
    assert "isError" not in forgetting(place, state, **tea)
    assert (forgetting(place, state, able=False, **chess))["isError"]
    with place.memory() as memory:
        assert memory.recall("will").document["interests"] == ["chess", "tea"]
    assert not (forgetting(place, state, **chess))["isError"]
    with place.memory() as memory:
        assert memory.recall("will").document["interests"] == ["tea"]
        memory.edit("will", {"interests": ["chess", "tea"]}, by="test")
    assert (forgetting(place, state, **chess))["resultType"] == "input_required"
    with place.memory() as memory:
        assert memory.recall("will").document["interests"] == ["chess", "tea"]


async def test_a_rate_holds_over_mcp_too(tmp_path: Path) -> None:
    """A token has one rate, for the API and for MCP."""
    with UserMemory(tmp_path / "m.db", model="offline", worker=False) as memory:
        token, _ = Tokens(memory).create(user_id="will")
        transport = httpx.ASGITransport(app(memory, rate_limit=2))
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as http:
            assert (await http.get("/api/v1/users/will/profile")).status_code == 200
            assert (await http.get("/mcp")).status_code == 405
            answer = await http.get("/mcp")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        for wrong in (0, 0.5, -1, float("nan"), float("inf")):
            with pytest.raises(ConfigurationError, match="requests a minute"):
                app(memory, rate_limit=wrong)
