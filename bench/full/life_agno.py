"""The same rows for agno, as its documentation has it: an agent with ``update_memory_on_run``.

Its memory manager asks the model after each run which memories to add, as calls of tools. A
loopback server answers for the model. Prints an outcome as JSON.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agno.agent import Agent
from agno.db.sqlite import SqliteDb
from agno.models.openai import OpenAIChat
from bench.full.outcome import told

_LIKES = re.compile(r"I like (\w+)")


class Provider:
    """A server that adds a memory for each drink; ``before`` is called for each such answer."""

    def __init__(self, before: Callable[[], bool] = lambda: True) -> None:
        self.calls = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                answers, message = provider.answer(sent, before)
                data = json.dumps(_completion(message) if answers else {"error": {}}).encode()
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

    def answer(self, sent: dict[str, Any], before: Callable[[], bool]) -> tuple[bool, Any]:
        """Whether a request is answered, and with which message."""
        names = {tool["function"]["name"] for tool in sent.get("tools") or ()}
        if "add_memory" not in names or sent["messages"][-1]["role"] == "tool":
            return True, {"role": "assistant", "content": "Noted."}
        self.calls += 1
        if not before():
            return False, None
        said = [str(one["content"]) for one in sent["messages"] if one["role"] == "user"]
        return True, adding(list(dict.fromkeys(_LIKES.findall(" ".join(said)))))


def adding(memories: list[str]) -> dict[str, Any]:
    """A message that adds each of these."""
    calls = [
        {
            "id": f"call-{at}",
            "type": "function",
            "function": {
                "name": "add_memory",
                "arguments": json.dumps({"memory": memory}, ensure_ascii=False),
            },
        }
        for at, memory in enumerate(memories)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _completion(message: Any) -> dict[str, Any]:
    ends = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": ends}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head = {"id": "x", "object": "chat.completion", "created": 0, "model": "fake"}
    return {**head, "choices": [choice], "usage": usage}


def _agent(folder: Path, name: str, provider: Provider) -> Any:
    settings = {"db": database_in(folder, name), "telemetry": False}
    return Agent(model=model_of(provider), update_memory_on_run=True, **settings)


def model_of(provider: Provider) -> Any:
    """A model that a provider answers for."""
    return OpenAIChat(id="fake", api_key="none", base_url=provider.url)


def database_in(folder: Path, name: str) -> Any:
    """A database in a folder."""
    return SqliteDb(db_file=str(folder / f"{name}.db"))


def _say(agent: Any, drink: str, user: str = "ann", thread: str = "monday") -> None:
    agent.run(f"I like {drink}", user_id=user, session_id=thread)


def _held(agent: Any, user: str = "ann") -> list[str]:
    return [one.memory for one in agent.get_user_memories(user_id=user) or ()]


def _killed(folder: Path) -> str:
    command = [sys.executable, "-m", "bench.full.life_agno", "die", str(folder)]
    ended = subprocess.run(command, check=False).returncode
    if ended != -signal.SIGKILL:
        raise RuntimeError(f"the process that was to be killed ended with {ended}")
    agent = _agent(folder, "killed", Provider())
    _say(agent, "nothing more", thread="tuesday")  # the next run of the same user
    return told(["tea"], _held(agent))


def _provider_errors(folder: Path) -> str:
    failures = iter([True, True])
    agent = _agent(folder, "errors", Provider(lambda: not next(failures, False)))
    _say(agent, "tea")
    return told(["tea"], _held(agent))


def _two_threads(folder: Path) -> str:
    agent = _agent(folder, "two", Provider())
    each = [("tea", "ann", "monday"), ("coffee", "ann", "tuesday")]
    saying = [threading.Thread(target=_say, args=(agent, *one)) for one in each]
    for thread in saying:
        thread.start()
    for thread in saying:
        thread.join()
    return told(["tea", "coffee"], _held(agent))


def _same_thread_id(folder: Path) -> str:
    agent = _agent(folder, "same", Provider())
    _say(agent, "tea", "ann", "main")
    _say(agent, "coffee", "bob", "main")
    ann, bob = told(["tea"], _held(agent)), told(["coffee"], _held(agent, "bob"))
    return ann if ann == bob else f"{ann}; {bob}"


def _five_in_a_row(folder: Path) -> str:
    provider = Provider()
    agent = _agent(folder, "five", provider)
    drinks = ["tea", "coffee", "cocoa", "milk", "water"]
    for drink in drinks:
        _say(agent, drink)
    return told(drinks, _held(agent), provider.calls)


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
        _say(_agent(Path(sys.argv[2]), "killed", Provider(_die)), "tea")
    else:
        print(json.dumps(ROWS[sys.argv[1]](Path(sys.argv[2]))), flush=True)
        os._exit(0)
