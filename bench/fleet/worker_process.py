"""A worker whose model takes 200 ms.

Usage: worker_process.py URL THREADS
"""

from __future__ import annotations

import re
import sys
import threading
from typing import Any

from langchain_core.messages import BaseMessage

from usermemory import UserMemory
from usermemory.testing import ScriptedModel
from usermemory.worker import Worker

_SECONDS = 0.2


def answer(messages: list[BaseMessage]) -> dict[str, Any]:
    """What the user said last they like, learned."""
    threading.Event().wait(_SECONDS)
    quote, thing = re.findall(r"(I like (thing\d+))", messages[-1].text)[-1]
    change = {"field": "interests", "action": "add", "value": thing, "quote": quote, "who": "user"}
    return {"changes": [change]}


def main() -> None:
    url, threads = sys.argv[1], int(sys.argv[2])
    memory = UserMemory(url, model=ScriptedModel(replies=answer), worker=False)
    memory.open()
    worker = Worker(memory.consolidator, memory.clock, memory.emit, threads=threads)
    print("ready", flush=True)
    sys.stdin.readline()
    worker.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
