"""A loopback server that answers as Ollama does, as far as we ask it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Json = dict[str, Any]


def listed(name: str, family: str = "qwen3", **more: Any) -> Json:
    """One entry of ``/api/tags`` (github.com/ollama/ollama, docs/api.md, read 2025-11)."""
    return {"name": name, "model": name, "size": 1, "details": {"family": family}, **more}


class OllamaServer:
    """The server; a context manager that listens on a free port of the loopback interface.

    Args:
        models: What ``/api/tags`` lists.
        says: What every chat is answered with.
        tags: The body of ``/api/tags`` where it is something else; ``b""`` never answers.
        status: The HTTP status of ``/api/tags``.
        path: Where its models are listed instead.
    """

    def __init__(
        self,
        models: Sequence[Json] = (),
        says: str = "Hello from Ollama.",
        tags: bytes | None = None,
        status: int = 200,
        path: str = "/api/tags",
    ) -> None:
        self.path = path
        self.says = says
        self.status = status
        self.tags = json.dumps({"models": list(models)}).encode() if tags is None else tags
        self.asked: list[Json] = []
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
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
        port: int = self._http.server_address[1]
        return port

    @property
    def host(self) -> str:
        """What ``OLLAMA_HOST`` has to be."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of whoever shall find it."""
        return {"OLLAMA_HOST": self.host}


class _Handler(BaseHTTPRequestHandler):
    owner: OllamaServer

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error."""

    def do_GET(self) -> None:
        assert self.path == self.owner.path, self.path
        if not self.owner.tags:
            self.owner.closing.wait(30)
            return
        self._send(self.owner.tags, self.owner.status)

    def do_POST(self) -> None:
        assert self.path == "/api/chat", self.path
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.owner.asked.append(body)
        head = {"model": body["model"], "created_at": "2025-11-25T12:00:00Z"}
        said = {**head, "message": {"role": "assistant", "content": self.owner.says}, "done": False}
        end = {
            **head,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 120,
            "eval_count": 30,
        }
        lines = [said, end] if body.get("stream", True) else [{**end, "message": said["message"]}]
        self._send("".join(json.dumps(line) + "\n" for line in lines).encode(), 200)

    def _send(self, content: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
