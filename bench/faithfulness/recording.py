"""A loopback server that records what a model answers, and answers so again without the model.

It speaks OpenAI's protocol, so that the real provider class and the real request are measured. Each
answer is kept with the digest of what was asked (texts and form): after any change of the prompt it
is an answer to something else, and counts as not recorded.
"""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATHS = {"provider": "/as.openai.com/v1", "server": "/v1"}
"""Where the class thinks it is: at OpenAI itself, or at a server of one's own."""

_PATIENCE = 4_000.0


class Recorder:
    """Passes requests on to a model's server, or answers from its file.

    Args:
        path: The file of answers.
        upstream: The base URL of a server that speaks OpenAI's protocol; None: only replay.
    """

    def __init__(self, path: Path, upstream: str | None = None) -> None:
        self.path = path
        self.upstream = upstream
        self.answers: dict[str, dict[str, Any]] = {}
        self.used: set[str] = set()
        self.missing: list[str] = []
        self._lock = threading.Lock()
        if path.exists():
            self.answers = json.loads(path.read_text("utf-8"))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, kind: str) -> str:
        """The base URL for a chat model class."""
        return f"http://127.0.0.1:{self._server.server_port}{PATHS[kind]}"

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the model answered to this: from the file, else asked now; None if neither."""
        key = digest(body)
        with self._lock:
            self.used.add(key)
            if key in self.answers:
                return self.answers[key]
            if self.upstream is None:
                self.missing.append(key)
                return None
        found = self._asked(body)
        with self._lock:
            self.answers[key] = found
            self.save()
        return found

    def save(self) -> None:
        """Write the file anew."""
        text = json.dumps(self.answers, ensure_ascii=False, indent=0, sort_keys=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(text + "\n", "utf-8")

    def prune(self) -> None:
        """Drop the answers to what nobody asked in this run."""
        self.answers = {key: self.answers[key] for key in self.answers if key in self.used}
        self.save()

    def _asked(self, body: Mapping[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.upstream}/chat/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": "Bearer none"},
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as reply:
            raw = json.load(reply)
        choice, usage = raw["choices"][0], raw["usage"]
        return {
            "content": choice["message"].get("content"),
            "finish_reason": choice["finish_reason"],
            "input": usage["prompt_tokens"],
            "output": usage["completion_tokens"],
        }


def digest(body: Mapping[str, Any]) -> str:
    """Differs wherever a model would be given another text or another form."""
    texts = [_text(message.get("content")) for message in body["messages"]]
    asked = json.dumps([texts, _form(body)], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:20]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", part)) for part in content)
    return str(content)


def _form(body: Mapping[str, Any]) -> Any:
    """The JSON Schema of the answer, wherever the provider's class puts it."""
    form = body.get("response_format") or {}
    if "json_schema" in form:
        return form["json_schema"].get("schema")
    return [tool["function"].get("parameters") for tool in body.get("tools", ())] or form


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body in one piece: apart they wait 40 ms for each other

        def log_message(self, *_: Any) -> None:
            """Nothing is said on the terminal."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found = recorder.answer(body)
            if found is None:
                self._send(400, {"error": {"message": "not recorded", "type": "not_recorded"}})
                return
            message = {"role": "assistant", "content": found["content"]}
            used = {"prompt_tokens": found["input"], "completion_tokens": found["output"]}
            self._send(
                200,
                {
                    "id": "recorded",
                    "object": "chat.completion",
                    "created": 0,
                    "model": body.get("model", ""),
                    "choices": [
                        {"index": 0, "finish_reason": found["finish_reason"], "message": message}
                    ],
                    "usage": used | {"total_tokens": sum(used.values())},
                },
            )

        def _send(self, status: int, answer: Mapping[str, Any]) -> None:
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return Handler
