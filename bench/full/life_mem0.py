"""The same rows for mem0, as its quickstart has it: ``add`` after each turn, which reads at once.

A loopback server answers for the model, and for the embeddings: those are vectors drawn from the
text's hash, which is enough where nothing is looked for by meaning. Prints an outcome as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.full.outcome import told
from mem0 import Memory

_DIMENSIONS = 64
_NEW = re.compile(r"(?i)new messages?(.*)", re.DOTALL)
_LIKES = re.compile(r"I like (\w+)")


class Provider:
    """A server that notes the drinks of the new messages; ``before`` is called for each answer."""

    def __init__(self, before: Callable[[], bool] = lambda: True) -> None:
        self.calls = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                embeds = self.path.endswith("/embeddings")
                answers = embeds or provider.may_answer(before)
                body = provider.vectors(sent) if embeds else provider.notes(sent)
                data = json.dumps(body if answers else {"error": {"message": "down"}}).encode()
                self.send_response(200 if answers else 503)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing is logged."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/v1"

    def may_answer(self, before: Callable[[], bool]) -> bool:
        """Count a call of the model, and see whether it is answered."""
        self.calls += 1
        return before()

    def notes(self, sent: dict[str, Any]) -> dict[str, Any]:
        """What a model would have extracted."""
        asked = str(sent["messages"][-1]["content"])
        new = _NEW.search(asked)
        drinks = dict.fromkeys(_LIKES.findall(new.group(1) if new else asked))
        found = [{"id": str(at), "text": drink} for at, drink in enumerate(drinks)]
        return self.completed(json.dumps({"memory": found}))

    def completed(self, answer: str) -> dict[str, Any]:
        """A completion with this text."""
        message = {"role": "assistant", "content": answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "x", "object": "chat.completion", "created": 0, "model": "fake"}
        return {**head, "choices": [choice], "usage": usage}

    def vectors(self, sent: dict[str, Any]) -> dict[str, Any]:
        """A vector for each text, the same for the same text."""
        given = sent["input"]
        texts = [given] if isinstance(given, str) else given
        data = [
            {"object": "embedding", "index": at, "embedding": _vector(str(text))}
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return {"object": "list", "data": data, "model": "fake", "usage": usage}


def _vector(text: str) -> list[float]:
    draw = random.Random(hashlib.sha256(text.encode()).digest())
    return [draw.gauss(0, 1) for _ in range(_DIMENSIONS)]


def memory_in(folder: Path, name: str, provider: Provider) -> Any:
    """A memory whose files lie in a folder, and whose model is a provider's."""
    common = {"api_key": "none", "openai_base_url": provider.url}
    stored = {"collection_name": name, "embedding_model_dims": _DIMENSIONS, "on_disk": True}
    embedder = {"model": "fake", "embedding_dims": _DIMENSIONS, **common}
    return Memory.from_config(
        {
            "llm": {"provider": "openai", "config": {"model": "fake", **common}},
            "embedder": {"provider": "openai", "config": embedder},
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": str(folder / f"{name}-qdrant"), **stored},
            },
            "history_db_path": str(folder / f"{name}-history.db"),
        }
    )


def _say(memory: Any, drink: str, user: str = "ann", thread: str = "monday") -> None:
    memory.add([{"role": "user", "content": f"I like {drink}"}], user_id=user, run_id=thread)


def _held(memory: Any, user: str = "ann") -> list[str]:
    return [one["memory"] for one in memory.get_all(filters={"user_id": user})["results"]]


def _killed(folder: Path) -> str:
    command = [sys.executable, "-m", "bench.full.life_mem0", "die", str(folder)]
    ended = subprocess.run(command, check=False).returncode
    if ended != -signal.SIGKILL:
        raise RuntimeError(f"the process that was to be killed ended with {ended}")
    return told(["tea"], _held(memory_in(folder, "killed", Provider())))


def _provider_errors(folder: Path) -> str:
    failures = iter([True, True])
    memory = memory_in(folder, "errors", Provider(lambda: not next(failures, False)))
    _say(memory, "tea")
    return told(["tea"], _held(memory))


def _two_threads(folder: Path) -> str:
    memory = memory_in(folder, "two", Provider())
    each = [("tea", "ann", "monday"), ("coffee", "ann", "tuesday")]
    saying = [threading.Thread(target=_say, args=(memory, *one)) for one in each]
    for thread in saying:
        thread.start()
    for thread in saying:
        thread.join()
    return told(["tea", "coffee"], _held(memory))


def _same_thread_id(folder: Path) -> str:
    memory = memory_in(folder, "same", Provider())
    _say(memory, "tea", "ann", "main")
    _say(memory, "coffee", "bob", "main")
    ann, bob = told(["tea"], _held(memory)), told(["coffee"], _held(memory, "bob"))
    return ann if ann == bob else f"{ann}; {bob}"


def _five_in_a_row(folder: Path) -> str:
    provider = Provider()
    memory = memory_in(folder, "five", provider)
    drinks = ["tea", "coffee", "cocoa", "milk", "water"]
    for drink in drinks:
        _say(memory, drink)
    return told(drinks, _held(memory), provider.calls)


ROWS: dict[str, Callable[[Path], str]] = {
    "killed while it is read": _killed,
    "the provider fails twice": _provider_errors,
    "two threads of a user at once": _two_threads,
    "the same thread id for two users": _same_thread_id,
    "five messages in a row": _five_in_a_row,
}


def _die() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return False


if __name__ == "__main__":
    if sys.argv[1] == "die":
        _say(memory_in(Path(sys.argv[2]), "killed", Provider(_die)), "tea")
    else:
        print(json.dumps(ROWS[sys.argv[1]](Path(sys.argv[2]))), flush=True)
        os._exit(0)
