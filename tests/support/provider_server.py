"""A loopback server that answers like OpenAI's and Anthropic's chat APIs, for the real classes.

It refuses what the real ones document as refused (`provider_rules`), keeps every request for
snapshots, and can be told to fail in all the ways in which providers fail:

    with ProviderServer() as server:
        model = ChatOpenAI(base_url=server.openai_url, api_key="x", model="gpt-test")
        server.reply(text("hello"))             # the next answer
        server.always(tool({"changes": []}))    # every answer after that
        server.reply(status(429, {"retry-after": "7"}))
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.provider_rules import refusal_of_anthropic, refusal_of_openai

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        content: Text; or, with ``arguments``, ignored.
        arguments: The arguments of a tool call to the first tool of the request; where the request
            has no tools, they are the text, as JSON.
        stop: OpenAI's ``finish_reason``; translated for Anthropic.
        refusal: What OpenAI puts into ``refusal``.
        code: An HTTP status other than 200.
        headers: Further headers.
        error: The body of an error.
        cut: Close the connection in the middle of the answer.
        hang: Do not answer until the server is closed.
    """

    content: str = ""
    arguments: Any = None
    stop: str = "stop"
    refusal: str | None = None
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Json | None = None
    cut: bool = False
    hang: bool = False


def text(content: str, stop: str = "stop") -> Reply:
    """An answer in words."""
    return Reply(content, stop=stop)


def tool(arguments: Any, stop: str = "stop") -> Reply:
    """An answer in the form that was asked for: a tool call, or JSON where there is no tool."""
    return Reply(arguments=arguments, stop=stop)


def refusal(words: str = "I can't help with that.") -> Reply:
    """The model declines."""
    return Reply(stop="refusal", refusal=words)


def status(code: int, headers: Mapping[str, str] | None = None, /, **error: Any) -> Reply:
    """An HTTP error; keywords go into the error's body (``message=``, ``code=``, ``type=``)."""
    return Reply(code=code, headers=headers or {}, error=error or {"message": f"HTTP {code}"})


def cut() -> Reply:
    """A connection that ends in the middle of an answer."""
    return Reply("never finished", cut=True)


def hang() -> Reply:
    """No answer at all: the client's time-out decides."""
    return Reply(hang=True)


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Json


class ProviderServer:
    """The server; a context manager that listens on a free port of the loopback interface."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.closing = threading.Event()
        self._next: deque[Reply] = deque()
        self._always: Callable[[Json], Reply] = lambda _: text("ok")
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        # A short poll, or every test would wait half a second for its server to stop.
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL that Anthropic's class wants."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def openai_url(self) -> str:
        """The base URL that OpenAI's class wants."""
        return f"{self.url}/v1"

    def reply(self, *replies: Reply) -> None:
        """Answer the next requests with these, in order."""
        self._next.extend(replies)

    def always(self, reply: Reply | Callable[[Json], Reply]) -> None:
        """Answer all other requests with this, or with what it makes of the request's body."""
        self._always = reply if callable(reply) else lambda _: reply

    def answer(self, seen: Seen) -> Reply:
        """Keep the request, refuse it if the real API would, else say what comes next."""
        with self._lock:
            self.requests.append(seen)
            openai = seen.path.endswith("/chat/completions")
            refused = (refusal_of_openai if openai else refusal_of_anthropic)(seen.body)
            if refused:
                return status(400, message=refused, type="invalid_request_error")
            return self._next.popleft() if self._next else self._always(seen.body)


class _Handler(BaseHTTPRequestHandler):
    owner: ProviderServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply = self.owner.answer(Seen(self.path, dict(self.headers), body))
        wire = _OpenAI if self.path.endswith("/chat/completions") else _Anthropic
        if reply.hang:
            self.owner.closing.wait(30)
            self.close_connection = True
        elif reply.code != 200:
            self._send(json.dumps(wire.error(reply)).encode(), reply)
        elif body.get("stream"):
            self._send(b"".join(wire.events(reply, body)), reply, "text/event-stream")
        else:
            self._send(json.dumps(wire.message(reply, body)).encode(), reply)

    def _send(self, content: bytes, reply: Reply, kind: str = "application/json") -> None:
        self.send_response(reply.code)
        for name, value in {**reply.headers, "content-type": kind}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if reply.cut else content)
        self.close_connection = self.close_connection or reply.cut


def _filled(reply: Reply, tools: list[Any] | None) -> Reply:
    """Arguments as text where the request offers no tool to call."""
    if reply.arguments is None or tools:
        return reply
    given = reply.arguments
    return replace(reply, content=given if isinstance(given, str) else json.dumps(given))


def _words(content: str) -> list[str]:
    return [piece for piece in content.replace(" ", " \0").split("\0") if piece]


class _OpenAI:
    """platform.openai.com/docs/api-reference/chat (read 2025-11)."""

    @staticmethod
    def error(reply: Reply) -> Json:
        return {"error": {"type": "error", "code": None, "param": None, **(reply.error or {})}}

    @staticmethod
    def message(reply: Reply, body: Json) -> Json:
        reply = _filled(reply, body.get("tools"))
        answer: Json = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
        if reply.arguments is not None and body.get("tools"):
            answer |= {"content": None, "tool_calls": [_OpenAI._call(reply, body)]}
        stop = "stop" if reply.refusal else reply.stop
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "message": answer, "finish_reason": stop, "logprobs": None}],
            "usage": _OpenAI._usage(),
        }

    @staticmethod
    def events(reply: Reply, body: Json) -> Iterator[bytes]:
        reply = _filled(reply, body.get("tools"))
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000}
        head["model"] = body["model"]

        def event(delta: Json, stop: str | None = None, **more: Any) -> bytes:
            choices = [{"index": 0, "delta": delta, "finish_reason": stop, "logprobs": None}]
            data = {**head, "choices": choices, **more}
            return f"data: {json.dumps(data)}\n\n".encode()

        yield event({"role": "assistant", "content": ""})
        if reply.arguments is not None and body.get("tools"):
            yield event({"tool_calls": [{"index": 0, **_OpenAI._call(reply, body)}]})
        for word in _words(reply.content):
            yield event({"content": word})
        yield event({}, reply.stop)
        if (body.get("stream_options") or {}).get("include_usage"):
            data = {**head, "choices": [], "usage": _OpenAI._usage()}
            yield f"data: {json.dumps(data)}\n\n".encode()
        yield b"data: [DONE]\n\n"

    @staticmethod
    def _call(reply: Reply, body: Json) -> Json:
        given = reply.arguments
        arguments = given if isinstance(given, str) else json.dumps(given)
        name = body["tools"][0]["function"]["name"]
        call = {"name": name, "arguments": arguments}
        return {"id": "call_1", "type": "function", "function": call}

    @staticmethod
    def _usage() -> Json:
        return {
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 100},
        }


_ANTHROPIC_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


class _Anthropic:
    """platform.claude.com/docs/en/api/messages (read 2025-11)."""

    @staticmethod
    def error(reply: Reply) -> Json:
        return {"type": "error", "error": {"type": "api_error", **(reply.error or {})}}

    @staticmethod
    def message(reply: Reply, body: Json) -> Json:
        object_given = isinstance(reply.arguments, dict)  # a tool's input is never anything else
        reply = _filled(reply, body.get("tools") if object_given else None)
        stop = _ANTHROPIC_STOPS.get(reply.stop, reply.stop)
        block = _Anthropic._block(reply, body)
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [block] if block else [],
            "stop_reason": "tool_use" if stop == "end_turn" and reply.arguments else stop,
            "stop_sequence": None,
            "usage": _Anthropic._usage(),
        }

    @staticmethod
    def events(reply: Reply, body: Json) -> Iterator[bytes]:
        def event(kind: str, **data: Any) -> bytes:
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()

        whole = _Anthropic.message(reply, body)
        block = (whole["content"] or [{"type": "text", "text": ""}])[0]
        yield event("message_start", message={**whole, "content": [], "stop_reason": None})
        if block["type"] == "text":
            start = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": word} for word in _words(block["text"])]
        else:
            start = {**block, "input": {}}
            given = json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": given}]
        yield event("content_block_start", index=0, content_block=start)
        for delta in deltas:
            yield event("content_block_delta", index=0, delta=delta)
        yield event("content_block_stop", index=0)
        end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield event("message_delta", delta=end, usage={"output_tokens": 30})
        yield event("message_stop")

    @staticmethod
    def _block(reply: Reply, body: Json) -> Json | None:
        if isinstance(reply.arguments, dict) and body.get("tools"):
            name = body["tools"][0]["name"]
            return {"type": "tool_use", "id": "toolu_1", "name": name, "input": reply.arguments}
        return {"type": "text", "text": reply.content} if reply.content else None

    @staticmethod
    def _usage() -> Json:
        return {
            "input_tokens": 20,
            "output_tokens": 30,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 0,
        }
