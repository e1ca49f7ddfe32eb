"""One user's memory over MCP: tools, a resource and a prompt, by stdio and by HTTP.

The user is bound when the server is made, by the token or by the command line. Nothing that a
client sends names one: an argument that tries to is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as wire
from langchain_core.tools import ToolException
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from usermemory.errors import ProviderError, StoreError, UserMemoryError
from usermemory.langgraph import tool_answers as answers
from usermemory.langgraph.tools import (
    Erasure,
    forget_arguments,
    read_changes,
    read_erasure,
    read_search,
    refuse_others,
    save_arguments,
)
from usermemory.prompt.batch import asked_fields, described, fill, prompt_text
from usermemory.records import Refused
from usermemory.store.flows import access

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from usermemory.memory import UserMemory

THREAD = "mcp"
"""The thread in which the words count as said that a change over MCP rests on."""

PROFILE = "memory://profile"
PROMPT = "what_you_know"

_SAID = """

message: the user's newest message, whole, exactly as they wrote it: the quotes are looked up in it
question: what you had asked right before, where the message is a short answer to it"""

_ABOUT = " about: what it is wanted for; what matters to that comes first."

_ANSWERED_WITHIN = 600.0
"""Seconds that a user has for an answer."""

_BODY = 1_000_000
"""Bytes of a request; the app around it may have a lower limit."""

Answer = str | wire.InputRequiredResult


class _Asked:
    """Questions that clients were told to put to a user: each is answered once, and soon.

    Args:
        memory: Whose database signs them and knows which were answered.
        user_id: Who is asked.
    """

    def __init__(self, memory: UserMemory, user_id: str) -> None:
        self._memory = memory
        self._user_id = user_id

    async def put(self, question: str) -> str:
        """What a client has to send back with the answer to this question."""
        until = int(self._memory.clock.now() + _ANSWERED_WITHIN)
        number = f"{secrets.token_hex(8)}-{until}"
        return f"{number}-{await self._signed(number, question)}"

    async def is_answered(self, state: str, question: str) -> bool:
        """Whether a client sends back what it got with this very question, and for the first time.

        The question names the field and the value.
        """
        number, _, signature = state.rpartition("-")
        signed = await self._signed(number, question)
        if not hmac.compare_digest(signed.encode(), signature.encode("utf-8", "replace")):
            return False
        once, _, until = number.partition("-")
        if int(until) <= self._memory.clock.now():
            return False
        write = self._memory.driver.awrite
        return await write(access.begin_reply, f"mcp-{once}", self._user_id, "") is None

    async def _signed(self, number: str, question: str) -> str:
        key = await self._memory.driver.awrite(access.signing_key, secrets.token_hex(32))
        text = f"mcp\n{self._user_id}\n{number}\n{question}".encode("utf-8", "replace")
        return hmac.new(bytes.fromhex(key), text, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a tool: its arguments, and the way back to the client."""

    given: dict[str, Any]
    context: Any
    params: wire.CallToolRequestParams

    async def confirmed(
        self, question: str, asked: _Asked
    ) -> bool | wire.InputRequiredResult | None:
        """Whether the user says yes; None where the client cannot ask, else what it has to ask.

        Args:
            question: For the user.
            asked: What was put to this client before: an answer counts only for that.
        """
        able = wire.ClientCapabilities(elicitation=wire.ElicitationCapability())
        session = self.context.session
        form: wire.ElicitRequestedSchema = {"type": "object", "properties": {}}
        if not session.check_client_capability(able):
            return None
        if self.context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            answered = (self.params.input_responses or {}).get("confirm")
            if isinstance(answered, wire.ElicitResult):
                if answered.action != "accept":
                    return False
                if await asked.is_answered(self.params.request_state or "", question):
                    return True
            put = wire.ElicitRequestFormParams(message=question, requested_schema=form)
            return wire.InputRequiredResult(
                input_requests={"confirm": wire.ElicitRequest(params=put)},
                request_state=await asked.put(question),
            )
        if not session.can_send_request:
            return None
        done = await session.elicit_form(question, form, self.context.request_id)
        return bool(done.action == "accept")


@dataclass(frozen=True, slots=True)
class _Tool:
    """What a client is told about a tool, and what the tool does."""

    description: str
    arguments: Mapping[str, Any]
    run: Callable[[_Call], Awaitable[Answer]]
    writes: bool = False

    def listed(self, name: str) -> wire.Tool:
        """As a client sees it."""
        hints = wire.ToolAnnotations(
            read_only_hint=not self.writes,
            destructive_hint=name == "forget_memory",
            open_world_hint=False,
        )
        return wire.Tool(
            name=name,
            description=self.description,
            input_schema=dict(self.arguments),
            annotations=hints,
        )


class _OneUser:
    """What a client may see and do: of one user, whom it cannot choose."""

    def __init__(self, memory: UserMemory, user_id: str, *, read_only: bool) -> None:
        self._memory = memory
        self._user_id = user_id
        self._asked = _Asked(memory, user_id)
        schema = memory.schema
        text = {"type": "string"}
        saves, forgets = save_arguments(schema), forget_arguments(schema)
        names = ", ".join(field.name for field in asked_fields(schema))
        said = {"message": text, "question": text}
        tools = {
            "read_profile": _Tool(
                prompt_text("read-profile-1") + _ABOUT, _object({"about": text}), self._read
            ),
            "search_memory": _Tool(
                prompt_text("search-memory-1"),
                _object(dict.fromkeys(("query", "since", "until"), text), "query"),
                self._search,
            ),
            "propose_change": _Tool(
                fill(prompt_text("save-memory-2"), fields=described(schema)) + _SAID,
                _object({**saves["properties"], **said}, "changes", "message"),
                self._propose,
                writes=True,
            ),
            "forget_memory": _Tool(
                fill(prompt_text("forget-memory-1"), fields=names) + _SAID,
                _object({**forgets["properties"], **said}, "quote", "field", "message"),
                self._forget,
                writes=True,
            ),
        }
        self._all = tools
        self._tools = {name: one for name, one in tools.items() if not (read_only and one.writes)}

    async def list_tools(self, _: Any, __: Any) -> wire.ListToolsResult:
        """Those that this client may call."""
        return wire.ListToolsResult(tools=[one.listed(name) for name, one in self._tools.items()])

    async def call_tool(
        self, context: Any, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult | wire.InputRequiredResult:
        """Do what is asked; what cannot be done is said to the model."""
        try:
            tool = self._allowed(params.name)
            given = params.arguments or {}
            refuse_others(params.name, given, tool.arguments["properties"])
            done = await tool.run(_Call(given, context, params))
        except ToolException as error:
            return _told(str(error), is_error=True)
        except ProviderError:
            told = "nothing was erased: the model that looks twice cannot be reached now"
            return _told(told, is_error=True)
        except StoreError:  # its text may name files
            return _told(answers.UNREACHABLE, is_error=True)
        except UserMemoryError as error:
            return _told(f"nothing was done: {error}", is_error=True)
        return _told(done) if isinstance(done, str) else done

    async def list_resources(self, _: Any, __: Any) -> wire.ListResourcesResult:
        """The profile alone."""
        told = "What is known about the user from earlier conversations."
        one = wire.Resource(uri=PROFILE, name="profile", description=told, mime_type="text/plain")
        return wire.ListResourcesResult(resources=[one])

    async def read_resource(
        self, _: Any, params: wire.ReadResourceRequestParams
    ) -> wire.ReadResourceResult:
        """The profile's text."""
        if params.uri != PROFILE:
            raise MCPError(wire.INVALID_PARAMS, f"there is only {PROFILE}, of one user")
        text = await self._profile()
        held = wire.TextResourceContents(uri=PROFILE, mime_type="text/plain", text=text)
        return wire.ReadResourceResult(contents=[held])

    async def list_prompts(self, _: Any, __: Any) -> wire.ListPromptsResult:
        """One, without arguments."""
        told = "Begin with what is known about the user."
        return wire.ListPromptsResult(prompts=[wire.Prompt(name=PROMPT, description=told)])

    async def get_prompt(self, _: Any, params: wire.GetPromptRequestParams) -> wire.GetPromptResult:
        """The profile, as the beginning of a conversation."""
        if params.name != PROMPT or params.arguments:
            raise MCPError(wire.INVALID_PARAMS, f"there is only {PROMPT}, without arguments")
        content = wire.TextContent(type="text", text=await self._profile())
        return wire.GetPromptResult(messages=[wire.PromptMessage(role="user", content=content)])

    def _allowed(self, name: str) -> _Tool:
        if name in self._tools:
            return self._tools[name]
        if name in self._all:
            raise ToolException("nothing was done: this client may only read")
        raise ToolException(f"there is no such tool, only {', '.join(self._tools)}")

    async def _profile(self, about: str = "") -> str:
        try:
            found = await self._memory.arecall(self._user_id, about=about)
            return await asyncio.to_thread(found.render) or answers.NOTHING_KNOWN
        except StoreError as error:
            raise MCPError(wire.INTERNAL_ERROR, answers.UNREACHABLE) from error

    async def _read(self, call: _Call) -> Answer:
        return await self._profile(_text(call.given, "about"))

    async def _search(self, call: _Call) -> Answer:
        return answers.hits(await self._memory.asearch(self._user_id, **read_search(call.given)))

    async def _propose(self, call: _Call) -> Answer:
        changes, unreadable = read_changes({"changes": call.given.get("changes")})
        made = await self._memory.apropose(
            self._user_id, THREAD, changes, _said(call.given), by="mcp"
        )
        return answers.saved(made, unreadable)

    async def _forget(self, call: _Call) -> Answer:
        given = {name: call.given.get(name) for name in ("field", "value", "quote")}
        wanted = read_erasure(given, self._memory.schema)
        asked = (self._user_id, THREAD, wanted.field, wanted.value, wanted.quote, _said(call.given))
        would = await self._memory.apropose_erasure(*asked, confirmed=True, dry_run=True)
        if isinstance(would, Refused):  # nobody is asked about what cannot be done
            raise answers.not_erased(would)
        confirmed = await call.confirmed(_question(wanted), self._asked)
        if isinstance(confirmed, wire.InputRequiredResult):
            return confirmed
        if confirmed is False:
            raise ToolException(answers.NOT_CONFIRMED)
        made = await self._memory.apropose_erasure(*asked, confirmed=bool(confirmed))
        if isinstance(made, Refused):
            raise answers.not_erased(made)
        return answers.erased(wanted, made)


def mcp_server(memory: UserMemory, user_id: str, *, read_only: bool = False) -> Server[Any]:
    """A server that reaches one user's memory and nobody else's."""
    from usermemory import __version__

    one = _OneUser(memory, user_id, read_only=read_only)
    made: Server[Any] = Server(
        "usermemory",
        version=__version__,
        on_list_tools=one.list_tools,
        on_call_tool=one.call_tool,
        on_list_resources=one.list_resources,
        on_read_resource=one.read_resource,
        on_list_prompts=one.list_prompts,
        on_get_prompt=one.get_prompt,
    )
    made.middleware.clear()  # its spans would hold names that clients send
    return made


async def serve_stdio(memory: UserMemory, user_id: str, *, read_only: bool = False) -> None:
    """Serve one user's memory on standard input and output, until the input ends."""
    made = mcp_server(memory, user_id, read_only=read_only)
    async with stdio_server() as (received, sent), anyio.create_task_group() as tasks:
        passing, passed = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        tasks.start_soon(_pass_messages, received, passing, sent)
        await made.run(passed, sent, made.create_initialization_options())


async def _pass_messages(received: Any, passing: Any, sent: Any) -> None:
    """Hand messages on, and answer lines that are none: the SDK leaves those without an answer."""
    told = wire.ErrorData(code=wire.PARSE_ERROR, message="this line is no JSON-RPC message")
    async with passing:
        async for one in received:
            if isinstance(one, Exception):
                answer = wire.JSONRPCError(jsonrpc="2.0", id=None, error=told)
                await sent.send(SessionMessage(answer))
            else:
                await passing.send(one)


async def answer_request(server: Server[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one HTTP request, which stands by itself: no session, and no lifespan of a host."""
    manager = StreamableHTTPSessionManager(
        server, stateless=True, json_response=True, max_request_body_size=_BODY
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    form: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    return {**form, "required": list(required), "additionalProperties": False}


def _told(text: str, *, is_error: bool = False) -> wire.CallToolResult:
    content: list[wire.ContentBlock] = [wire.TextContent(type="text", text=text)]
    return wire.CallToolResult(content=content, is_error=is_error)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise ToolException(f"{name} is a text")
    return value or ""


def _said(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was said, as messages: the user's own, after the question that it answers."""
    question, message = _text(given, "question"), _text(given, "message")
    if not message.strip():
        raise ToolException("nothing was done: message holds what the user said, in their words")
    return [*([("assistant", question)] if question else []), ("user", message)]


def _question(wanted: Erasure) -> str:
    what = "all of it" if wanted.value is None else json.dumps(wanted.value, ensure_ascii=False)
    return f"Forget for good what is known as {wanted.field}: {what}?"
