"""Where messages are read that are passed on an event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from usermemory import UserMemory


class Told:
    """A message that notes in which threads it is read."""

    role = "user"

    def __init__(self, text: str) -> None:
        self.text = text
        self.readers: set[int] = set()

    @property
    def content(self) -> str:
        self.readers.add(threading.get_ident())
        return self.text


def coming(message: Told) -> Iterator[Told]:
    message.readers.add(threading.get_ident())
    yield message


def of_user(_: Any) -> None:
    """Decides nothing."""


@pytest.mark.parametrize("policy", [None, of_user])
async def test_what_takes_time_is_read_in_a_thread(tmp_path: Path, policy: Any) -> None:
    """The loop reads a list of short texts; a generator, long texts and a policy have a thread."""
    here = threading.get_ident()
    async with UserMemory(
        tmp_path / "memory.db", model="offline", worker=False, author=policy
    ) as memory:
        await memory.aremember("will", "t", ["the first time"])
        short, later, long = Told("I like tea"), Told("I like chess"), Told("I like it " * 1_000)
        assert (await memory.aremember("will", "t", [short])).new == 1
        assert (await memory.aremember("will", "t", coming(later))).new == 1
        assert (await memory.aremember("will", "t", [long])).new == 1
    assert (short.readers == {here}) == (policy is None)
    assert here not in later.readers
    assert long.readers - {here}
