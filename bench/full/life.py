"""What becomes of what was said when things go wrong: usermemory, each row in fresh processes.

A row is told by the drinks that the user names and by those that the profile holds in the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.full.outcome import told
from bench.full.peers import ROOT

from usermemory import UserMemory
from usermemory.batch import Batch
from usermemory.errors import ProviderError
from usermemory.extract import Extraction
from usermemory.records import Change
from usermemory.testing import FakeClock

LIST = "core_memories"


class Notes:
    """An extractor that notes every drink that a batch names, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.before: Callable[[], object] = lambda: None

    def extract(self, batch: Batch) -> Extraction:
        """One addition for each message."""
        self.calls += 1
        self.before()
        return Extraction(
            tuple(
                Change(LIST, "add", one.text.removeprefix("I like "), quote=one.text)
                for one in batch.batch
                if one.author == "user"
            )
        )


def _memory(path: Path, notes: Notes, **settings: object) -> UserMemory:
    return UserMemory(path, model=notes, **{"worker": False, "delay": 3600.0, **settings})  # type: ignore[arg-type]


def _say(memory: UserMemory, drink: str, user: str = "ann", thread: str = "monday") -> None:
    memory.remember(user, thread, [("user", f"I like {drink}")])


def _held(memory: UserMemory, user: str = "ann") -> list[str]:
    return list(memory.recall(user).document[LIST])


def killed(folder: Path, when: str) -> str:
    """A process is killed while a message waits, or while it is read; another one goes on."""
    path = folder / f"{when}.db"
    command = [sys.executable, "-m", "bench.full.life", when, str(path)]
    ended = subprocess.run(command, cwd=ROOT, check=False).returncode
    if ended != -signal.SIGKILL:
        raise RuntimeError(f"the process that was to be killed ended with {ended}")
    notes = Notes()
    with _memory(path, notes) as memory:
        memory.consolidator.driver.open()
        for user in ("ann",):
            _free(memory)
            memory.trigger(user)
        return told(["tea"], _held(memory))


def _free(memory: UserMemory) -> None:
    """Give back what the dead process held, as a worker does at its next look."""
    from usermemory.worker import Worker

    Worker(memory.consolidator, memory.clock, memory.emit)._free_dead()


def provider_errors(folder: Path) -> str:
    """The provider fails twice, then answers."""
    notes, failures = Notes(), iter([True, True])

    def fail() -> None:
        if next(failures, False):
            raise ProviderError("the provider is down", "unavailable")

    notes.before = fail
    with _memory(folder / "errors.db", notes) as memory:
        _say(memory, "tea")
        while not _held(memory):
            memory.trigger("ann")
        return told(["tea"], _held(memory))


def outage(folder: Path) -> str:
    """The provider is away for ten minutes of the clock, while three users speak."""
    clock, notes, over = FakeClock(1_700_000_000.0), Notes(), 1_700_000_600.0
    users = ["ann", "bob", "eve"]

    def away() -> None:
        if clock.now() < over:
            raise ProviderError("the provider is down", "unavailable")

    notes.before = away
    events: list[str] = []
    with _memory(
        folder / "outage.db",
        notes,
        clock=clock,
        delay=5.0,
        on_event=lambda event: events.append(event.outcome.status if event.outcome else event.kind),
    ) as memory:
        for at in range(120):  # a look each ten seconds, for twice as long
            if at < len(users):
                _say(memory, "tea", users[at])
            memory.run_due()
            clock.advance(10)
        ends = [told(["tea"], _held(memory, user)) for user in users]
        dead = sum(job.state == "dead" for job in memory.jobs())
    what = ends[0] if len(set(ends)) == 1 else "; ".join(ends)
    failed = events.count("failed")
    return f"{what} for each of {len(users)}, {dead} given up, {notes.calls} calls, told {failed} x"


def two_threads(folder: Path) -> str:
    """Two threads of one user are read at once, by two processes' worth of memories."""
    import threading

    path = folder / "two.db"
    with _memory(path, Notes()) as one, _memory(path, Notes()) as other:
        _say(one, "tea", thread="monday")
        _say(other, "coffee", thread="tuesday")
        reading = [
            threading.Thread(target=memory.trigger, args=("ann", thread))
            for memory, thread in ((one, "monday"), (other, "tuesday"))
        ]
        for thread in reading:
            thread.start()
        for thread in reading:
            thread.join()
        return told(["tea", "coffee"], _held(one))


def same_thread_id(folder: Path) -> str:
    """Two users whose threads are called the same."""
    with _memory(folder / "same.db", Notes()) as memory:
        _say(memory, "tea", "ann", "main")
        _say(memory, "coffee", "bob", "main")
        memory.trigger_all()
        ann, bob = told(["tea"], _held(memory)), told(["coffee"], _held(memory, "bob"))
        return ann if ann == bob else f"{ann}; {bob}"


def five_in_a_row(folder: Path) -> str:
    """Five messages of a thread, one after the other: how many calls they cost."""
    notes = Notes()
    drinks = ["tea", "coffee", "cocoa", "milk", "water"]
    with _memory(folder / "five.db", notes) as memory:
        for drink in drinks:
            _say(memory, drink)
        memory.trigger("ann")
        return told(drinks, _held(memory), notes.calls)


def shut_down(folder: Path) -> str:
    """The program ends in order while a message waits; the next one goes on."""
    path = folder / "down.db"
    with _memory(path, Notes(), worker=True) as memory:
        _say(memory, "tea")
    with _memory(path, Notes()) as memory:
        memory.trigger("ann")
        return told(["tea"], _held(memory))


def emptied(folder: Path) -> str:
    """A reading would take everything away, which the user did not say."""

    class Emptying(Notes):
        def extract(self, batch: Batch) -> Extraction:
            quote = batch.batch[-1].text
            held = batch.document[LIST]
            return Extraction(tuple(Change(LIST, "remove", one, quote=quote) for one in held))

    drinks = [f"drink number {number}" for number in range(12)]
    path = folder / "emptied.db"
    with _memory(path, Emptying()) as memory:
        memory.edit("ann", {LIST: drinks}, by="bench")
        memory.remember("ann", "monday", [("user", "I like tea")])
        (outcome, *_) = memory.trigger("ann")
        return f"{told(drinks, _held(memory))}; the reading says {outcome.status!r}"


ROWS: dict[str, Callable[[Path], str]] = {
    "killed while a message waits": lambda folder: killed(folder, "waiting"),
    "killed while it is read": lambda folder: killed(folder, "reading"),
    "the provider fails twice": provider_errors,
    "an outage of ten minutes": outage,
    "two threads of a user at once": two_threads,
    "the same thread id for two users": same_thread_id,
    "five messages in a row": five_in_a_row,
    "shut down while a message waits": shut_down,
    "a reading that would empty the store": emptied,
}


def _die(when: str, path: Path) -> None:
    notes = Notes()
    notes.before = lambda: os.kill(os.getpid(), signal.SIGKILL)
    memory = _memory(path, notes).open()
    _say(memory, "tea")
    if when == "reading":
        memory.trigger("ann")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _die(sys.argv[1], Path(sys.argv[2]))
