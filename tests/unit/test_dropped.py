"""A memory that nobody closed and nobody refers to any more."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.postgres import fresh
from tests.support.until import until

from usermemory import UserMemory


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


def test_a_closed_memory_warns_of_nothing(url: str, recwarn: pytest.WarningsRecorder) -> None:
    """Whoever closes a memory, or never opened it, is told nothing."""
    with UserMemory(url, model="offline") as memory:
        memory.recall("will")
    UserMemory(url, model="offline")
    del memory
    gc.collect()
    assert [one for one in recwarn if one.category is ResourceWarning] == []
