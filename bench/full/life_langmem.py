"""The same rows for LangMem's executor, as its page on delayed processing has it.

The reflector notes every drink that it is given in LangGraph's store, so that what is lost is the
executor's doing and no model's. Prints a row's outcome as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.full.outcome import told
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.store.sqlite import SqliteStore
from langmem import ReflectionExecutor
from langmem.utils import NamespaceTemplate

_SOON = 0.2
_LONG = 60.0
_calls: list[list[str]] = []


class Reflector(RunnableLambda[Any, Any]):
    """What the executor runs; it asks for a namespace, as LangMem's managers have one."""

    namespace: Any = None


class Executor:
    """An executor on a store in a file."""

    def __init__(self, path: Path, before: Callable[[], object] = lambda: None) -> None:
        self._context = SqliteStore.from_conn_string(str(path))
        self.store = self._context.__enter__()
        self.store.setup()

        def note(given: dict[str, Any], config: RunnableConfig) -> None:
            before()
            user = config["configurable"]["user_id"]
            held = drinks(self.store, user)
            said = [one["content"].removeprefix("I like ") for one in given["messages"]]
            _calls.append(said)
            new = [*held, *(one for one in said if one not in held)]
            self.store.put(("memories", user), "profile", {"drinks": new})

        reflector = Reflector(note)
        reflector.namespace = NamespaceTemplate(("memories", "{user_id}"))
        self.executor = ReflectionExecutor(reflector, store=self.store)

    def say(
        self, said: list[str], user: str = "ann", thread: str = "monday", after: float = _SOON
    ) -> None:
        """Submit a conversation so far."""
        messages = [{"role": "user", "content": f"I like {one}"} for one in said]
        config = {"configurable": {"user_id": user, "thread_id": thread}}
        self.executor.submit({"messages": messages}, config=config, after_seconds=after)


def drinks(store: Any, user: str = "ann") -> list[str]:
    """What the store holds of a user."""
    item = store.get(("memories", user), "profile")
    return list(item.value["drinks"]) if item else []


def _killed(folder: Path, when: str) -> str:
    path = folder / f"langmem-{when}.db"
    command = [sys.executable, "-m", "bench.full.life_langmem", "die", when, str(path)]
    subprocess.run(command, check=False)
    again = Executor(path)
    time.sleep(5 * _SOON)  # the next process has nothing to submit: it only looks
    return told(["tea"], drinks(again.store))


def _provider_errors(folder: Path) -> str:
    failures = iter([True, True])

    def fail() -> None:
        if next(failures, False):
            raise ConnectionError("the provider is down")

    one = Executor(folder / "errors.db", fail)
    one.say(["tea"])
    time.sleep(10 * _SOON)
    return told(["tea"], drinks(one.store))


def _two_threads(folder: Path) -> str:
    """Both read the profile before either writes it, as two model calls at once do."""
    together = threading.Barrier(2)

    def wait() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(3)

    one = Executor(folder / "two.db", wait)
    one.say(["tea"], thread="monday")
    one.say(["coffee"], thread="tuesday")
    time.sleep(7)
    return told(["tea", "coffee"], drinks(one.store))


def _same_thread_id(folder: Path) -> str:
    one = Executor(folder / "same.db")
    one.say(["tea"], "ann", "main")
    one.say(["coffee"], "bob", "main")
    time.sleep(10 * _SOON)
    ann, bob = told(["tea"], drinks(one.store)), told(["coffee"], drinks(one.store, "bob"))
    return ann if ann == bob else f"{ann}; {bob}"


def _five_in_a_row(folder: Path) -> str:
    one = Executor(folder / "five.db")
    said = ["tea", "coffee", "cocoa", "milk", "water"]
    for count in range(1, 6):
        one.say(said[:count], after=1.0)
        time.sleep(0.05)
    time.sleep(4)
    return told(said, drinks(one.store), len(_calls))


def _shut_down(folder: Path) -> str:
    path = folder / "down.db"
    one = Executor(path)
    one.say(["tea"], after=_LONG)
    ending = threading.Thread(target=one.executor.shutdown, daemon=True)
    ending.start()
    ending.join(5)
    hangs = ending.is_alive()
    again = Executor(path)
    time.sleep(5 * _SOON)
    return told(["tea"], drinks(again.store)) + (", the shut-down hangs" if hangs else "")


ROWS: dict[str, Callable[[Path], str]] = {
    "killed while a message waits": lambda folder: _killed(folder, "waiting"),
    "killed while it is read": lambda folder: _killed(folder, "reading"),
    "the provider fails twice": _provider_errors,
    "two threads of a user at once": _two_threads,
    "the same thread id for two users": _same_thread_id,
    "five messages in a row": _five_in_a_row,
    "shut down while a message waits": _shut_down,
}


def _die(when: str, path: Path) -> None:
    one = Executor(path, lambda: os.kill(os.getpid(), signal.SIGKILL))
    one.say(["tea"], after=_SOON if when == "reading" else _LONG)
    time.sleep(3 if when == "reading" else _SOON)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "die":
        _die(sys.argv[2], Path(sys.argv[3]))
    else:
        print(json.dumps(ROWS[sys.argv[1]](Path(sys.argv[2]))), flush=True)
        os._exit(0)
