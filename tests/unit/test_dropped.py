"""A memory that nobody closed and nobody refers to any more."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.command_line import PATIENCE
from tests.support.postgres import fresh
from tests.support.until import until

from usermemory import UserMemory
from usermemory.extract import Extraction, Request
from usermemory.gate import gate_of
from usermemory.records import Author, Event, Message


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/memory.db"
        return
    with fresh() as address:
        yield address


def held() -> tuple[int, int]:
    """Threads of ours, and open files."""
    ours = [one for one in threading.enumerate() if one.name.startswith("usermemory")]
    return len(ours), len([*Path("/proc/self/fd").iterdir()])


def use(url: str) -> None:
    memory = UserMemory(url, model="offline")
    memory.remember("will", "1", ["I like chess"])
    memory.recall("will")


def drop(url: str) -> None:
    """Use a memory and let go of it."""
    with pytest.warns(ResourceWarning, match="dropped without close"):
        _dropped(url)


def _dropped(url: str) -> None:
    use(url)
    gc.collect()


def test_a_dropped_memory_frees_its_threads_and_files(url: str) -> None:
    """With a warning that says what to do; what was remembered is there for the next one."""
    before = held()
    for _ in range(3):
        drop(url)
    until(lambda: held() <= before, "threads and files are freed")
    with UserMemory(url, model="offline", worker=False) as memory:
        assert memory.jobs()[0].unread == 1


class Bot:
    """An application whose hooks are methods of what holds the memory."""

    def __init__(self, url: str) -> None:
        self.memory = UserMemory(
            url,
            model=self,
            gate=gate_of(self.gate),
            author=self.author,
            on_event=self.heard,
            delay=0.0,
        )
        self.read = threading.Event()

    def gate(self, batch: Sequence[Message]) -> bool:
        del batch
        return True

    def author(self, message: object) -> Author | None:
        del message
        return None

    def heard(self, event: Event) -> None:
        if event.kind == "consolidated":
            self.read.set()

    def extract(self, request: Request) -> Extraction:
        del request
        return Extraction(())


def test_an_application_that_is_its_own_hooks(url: str) -> None:
    """A memory does not live by its worker, whose gate and model lead back to it."""

    def dropped() -> None:
        bot = Bot(url)
        bot.memory.remember("will", "1", ["I like chess"])
        assert bot.read.wait(PATIENCE)

    before = held()
    dropped()
    with pytest.warns(ResourceWarning, match="dropped without close"):
        until(lambda: bool(gc.collect() + 1) and held() <= before, "threads and files are freed")


def test_an_async_saver_that_is_dropped_says_nothing_to_a_closed_loop(tmp_path: Path) -> None:
    """Nothing but warnings comes of one that nobody closed, loop after loop."""
    program = """
import asyncio, gc, sys
from usermemory import UserMemory
from usermemory.langgraph import acheckpointer

async def main():
    memory = UserMemory(sys.argv[1], model="offline", worker=False)
    saver = await acheckpointer(memory)
    await saver.aget({"configurable": {"thread_id": "1"}})
    del saver

for _ in range(15):
    asyncio.run(main())
    gc.collect()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "memory.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_fork_ends(url: str) -> None:
    """Whatever locks threads of the parent held: a child that ends waits for none of them."""
    program = """
import os, sys
from usermemory import UserMemory

memory = UserMemory(sys.argv[1], model="offline")
memory.remember("will", "1", ["I like chess"])
running = memory._background
locks = [running._worker._lock, running._starting, memory.driver._gate]
for lock in locks:
    lock.acquire()
child = os.fork()
if not child:
    sys.exit(0)
for lock in locks:
    lock.release()
memory.close()
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    command = [sys.executable, "-c", program, url]
    assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0


def test_a_closed_memory_warns_of_nothing(url: str, recwarn: pytest.WarningsRecorder) -> None:
    """Whoever closes a memory, or never opened it, is told nothing."""
    with UserMemory(url, model="offline") as memory:
        memory.recall("will")
    UserMemory(url, model="offline")
    del memory
    gc.collect()
    assert [one for one in recwarn if one.category is ResourceWarning] == []
