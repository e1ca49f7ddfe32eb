"""What a process that serves a memory does with what an earlier one left."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.serve.browsing import anonymous
from tests.support.command_line import COMMAND, environment
from tests.support.until import until

from usermemory import UserMemory
from usermemory.serve import app


def left_behind(path: Path) -> None:
    """A message that is due, by a process that is gone."""
    with UserMemory(path, model="offline", worker=False, delay=0) as memory:
        memory.remember("will", "t", [("user", "I like tea.")])


def is_read(path: Path) -> bool:
    with UserMemory(path, model="offline", worker=False) as memory:
        return "tea" in memory.recall("will").document["interests"]


async def test_a_served_memory_reads_what_is_due_once_it_is_asked(tmp_path: Path) -> None:
    """Any request has the worker look; building the app starts none, since a server may fork."""
    left_behind(tmp_path / "m.db")
    with UserMemory(tmp_path / "m.db", model="offline") as memory:
        served = app(memory)
        assert memory.jobs()
        async with anonymous(served) as browser:
            await browser.get("/enter")
        until(lambda: is_read(tmp_path / "m.db"), "what was due")


def test_a_server_reads_what_is_due_by_itself(tmp_path: Path) -> None:
    """Started anew it reads what was due before, though nobody opens a page."""
    left_behind(tmp_path / "m.db")
    command = [COMMAND, "serve", "--db", str(tmp_path / "m.db"), "--port", "0", "--worker"]
    with subprocess.Popen(
        [*command, "--model", "offline"], stdout=subprocess.DEVNULL, env=environment()
    ) as server:
        try:
            until(lambda: is_read(tmp_path / "m.db"), "what was due")
        finally:
            server.kill()
