"""What the conformance tests are written with: one memory, called in either colour."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from usermemory.extract import Extraction, Request
from usermemory.memory import UserMemory
from usermemory.records import Action, Change, Usage
from usermemory.testing import FakeClock

Colour = Literal["sync", "async"]

_PATTERNS: Mapping[Action, re.Pattern[str]] = {
    "add": re.compile(r"^I like (.+?)\.?$"),
    "remove": re.compile(r"^I gave up (.+?)\.?$"),
}


class Listener:
    """Learns every "I like …" and "I gave up …" of the user, and can be made to wait or fail.

    Attributes:
        read: The texts of each batch that it was given, in order.
        before: The texts that each of them came with as context.
        failing: An error to raise instead of answering.
        refusing: Gives such an error for the texts of a batch, or None.
    """

    def __init__(self) -> None:
        self.read: list[list[str]] = []
        self.before: list[list[str]] = []
        self.failing: BaseException | None = None
        self.refusing: Callable[[list[str]], Exception | None] = lambda _: None
        self._meanwhile: Callable[[], object] | None = None

    def meanwhile(self, action: Callable[[], object]) -> None:
        """Do this once, while the next batch is being read."""
        self._meanwhile = action

    def extract(self, request: Request) -> Extraction:
        """Learn what the user likes."""
        self.read.append([message.text for message in request.batch])
        self.before.append([message.text for message in request.context])
        action, self._meanwhile = self._meanwhile, None
        if action is not None:
            action()
        failure = self.failing or self.refusing(self.read[-1])
        if failure is not None:
            raise failure
        changes = [
            Change("interests", action, said[1], quote=message.text)
            for message in request.batch
            for action, pattern in _PATTERNS.items()
            if message.author == "user" and (said := pattern.match(message.text))
        ]
        return Extraction(tuple(changes), usage=Usage(1, 9, 1), model="listener")

    @property
    def texts(self) -> list[str]:
        """Every text that was read, in the order of reading."""
        return [text for batch in self.read for text in batch]


class Verbs:
    """A memory's verbs in one colour: ``verbs.recall("will")`` calls `recall` or `arecall`.

    In the async colour each call runs in an event loop of its own, as in an application that is
    called from several.
    """

    def __init__(self, memory: UserMemory, colour: Colour) -> None:
        self.memory = memory
        self._colour = colour

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._colour == "sync":
            plain: Callable[..., Any] = getattr(self.memory, name)
            return plain
        twin = getattr(self.memory, f"a{name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            return asyncio.run(twin(*args, **kwargs))

        return call


class Bench:
    """A memory under test, with everything that a test turns: clock, extractor, verbs."""

    def __init__(self, url: str, colour: Colour, **settings: Any) -> None:
        self.clock = FakeClock()
        self.listener = Listener()
        self.url = url
        self.colour: Colour = colour
        self.memories: list[UserMemory] = []
        self.verbs = self.another(**settings)

    def another(self, **settings: Any) -> Verbs:
        """One more memory on the same database, as another process would have."""
        given: dict[str, Any] = {"model": self.listener, "worker": False, "clock": self.clock}
        memory = UserMemory(self.url, **given | settings)
        self.memories.append(memory)
        return Verbs(memory, self.colour)

    def interests(self, user_id: str) -> list[str]:
        """What is known that this user likes."""
        found: list[str] = self.verbs.recall(user_id).document["interests"]
        return found

    def close(self) -> None:
        """Close every memory."""
        for memory in self.memories:
            memory.close()


@contextmanager
def background(action: Callable[[], object]) -> Generator[threading.Thread]:
    """Run something in a thread, and see to it that it ended."""
    thread = threading.Thread(target=action)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)
        if thread.is_alive():
            raise AssertionError("a background action did not end")


def wait_at(reached: threading.Event, go_on: threading.Event) -> None:
    """Say that a place is reached, and go on when told to."""
    reached.set()
    if not go_on.wait(30):
        raise AssertionError("nobody said to go on")
