"""A loopback server that answers like OpenAI's, Anthropic's and Ollama's chat APIs.

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
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.provider_reply import Json, Reply, cut, hang, refusal, status, text, tool
from tests.support.provider_rules import (
    refusal_of_anthropic,
    refusal_of_ollama,
    refusal_of_openai,
)
from tests.support.provider_wire import AnthropicWire, GoogleWire, OllamaWire, OpenAIWire

__all__ = [
    "ProviderServer",
    "Reply",
    "Seen",
    "cut",
    "hang",
    "refusal",
    "status",
    "text",
    "tool",
]


_APIS: dict[str, tuple[Callable[[Json], str], Any]] = {
    "/chat/completions": (refusal_of_openai, OpenAIWire),
    "/responses": (lambda _: "", OpenAIWire),  # for what is no answer
    "/v1/messages": (refusal_of_anthropic, AnthropicWire),
    "/api/chat": (refusal_of_ollama, OllamaWire),
    ":generateContent": (lambda _: "", GoogleWire),  # whose rules nobody has written down
}


def _api(path: str) -> tuple[Callable[[Json], str], Any]:
    """Whose rules and whose wire a path belongs to."""
    return next(api for end, api in _APIS.items() if path.partition("?")[0].endswith(end))


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Json


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # the default of 5 turns away some of those who connect at once

    def __init__(self, *arguments: Any) -> None:
        self._lines = set[Any]()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._lines.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._lines.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Hang up too: packages keep their lines, and the port may be the next server's."""
        super().server_close()
        for line in [*self._lines]:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class ProviderServer:
    """The server; a context manager that listens on a free port of the loopback interface.

    Args:
        port: Listen on this one.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Seen] = []
        self.closing = threading.Event()
        self._next: deque[Reply] = deque()
        self._always: Callable[[Json], Reply] = lambda _: text("ok")
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = _Http(("127.0.0.1", port), handler)
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
    def port(self) -> int:
        """Where it listens."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The base URL that Anthropic's and Ollama's classes want."""
        return f"http://127.0.0.1:{self.port}"

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
            refused = _api(seen.path)[0](seen.body)
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
        wire = _api(self.path)[1]
        if reply.hang:
            self.owner.closing.wait(30)
            self.close_connection = True
        elif isinstance(reply.body, str):
            self._send(reply.body.encode(), reply, "text/html; charset=utf-8")
        elif reply.body is not None:
            self._send(json.dumps(reply.body).encode(), reply)
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
        half = len(content) // 2
        self.wfile.write(content[:half])
        whole = not reply.cut and (reply.halfway is None or reply.halfway.wait(30))
        if whole:
            self.wfile.write(content[half:])
        self.close_connection = self.close_connection or not whole
