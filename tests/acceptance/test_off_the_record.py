"""``remember=False`` and ``pause`` hold on every way by which the memory learns or tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import postgres
from tests.support.graphs import COLOURS, chatting

from usermemory import Extraction, Outcome, Request, UserMemory
from usermemory.testing import FakeClock, ScriptedModel, drain

PRIVATE = "I love zymurgy"
WAYS: dict[str, Callable[[UserMemory], list[Outcome]]] = {
    "trigger": lambda memory: memory.trigger("will"),
    "trigger of a thread": lambda memory: memory.trigger("will", "1"),
    "trigger_all": lambda memory: memory.trigger_all(),
    "run_due": lambda memory: memory.run_due(),
    "retry, then run_due": lambda memory: [memory.retry("will", "1"), memory.run_due()][1],
}


class Reader:
    """Learns nothing, and keeps what it has read; tells when it was asked."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.asked = threading.Event()

    def extract(self, request: Request) -> Extraction:
        self.read += [m.text for m in (*request.context, *request.batch)]
        self.asked.set()
        return Extraction()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "memory.db")
    else:
        with postgres.fresh() as found:
            yield found


def made(url: str, reader: Any, **settings: Any) -> UserMemory:
    settings = {"worker": False, "delay": 0, **settings}
    return UserMemory(url, model=reader, clock=FakeClock(), **settings)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_was_said_while_paused_is_read_by_no_way(
    url: str, way: Callable[[UserMemory], list[Outcome]]
) -> None:
    """Neither during a pause nor after it, not even as context; the tail does not tell it."""
    reader = Reader()
    with made(url, reader) as memory:
        memory.pause("will")
        assert memory.remember("will", "1", [PRIVATE]).due_at is None
        assert way(memory) == []
        assert memory.recall("will", tail=True).tail == ()
        assert memory.recall("will").pending == 0
        memory.resume("will")
        assert way(memory) == []
        memory.remember("will", "1", [PRIVATE, ("assistant", "Beer?"), "I like tea"])
        assert [said.text for said in memory.recall("will", tail=True).tail] == ["I like tea"]
        drain(memory)
    assert reader.read == ["Beer?", "I like tea"]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_waits_when_a_user_is_paused_waits_on(
    url: str, way: Callable[[UserMemory], list[Outcome]]
) -> None:
    """What was said before a pause is read after it, not during it, however it is asked for."""
    reader = Reader()
    with made(url, reader) as memory:
        memory.remember("will", "1", ["I like tea"])
        memory.pause("will")
        assert way(memory) == []
        assert reader.read == []
        memory.resume("will")
        assert len(way(memory)) == 1
    assert reader.read == ["I like tea"]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_a_run_keeps_off_the_record_is_read_by_no_way(
    url: str, way: Callable[[UserMemory], list[Outcome]]
) -> None:
    """With ``keep=False`` nothing is due, the tail is silent, and no later batch sees it."""
    reader = Reader()
    with made(url, reader) as memory:
        assert memory.remember("will", "1", [PRIVATE], keep=False).due_at is None
        assert way(memory) == []
        assert memory.recall("will", tail=True).tail == ()
        memory.remember("will", "1", [PRIVATE, ("assistant", "Beer?"), "I like tea"])
        assert [said.text for said in memory.recall("will", tail=True).tail] == ["I like tea"]
        drain(memory)
    assert reader.read == ["Beer?", "I like tea"]


def test_off_the_record_is_in_no_file(tmp_path: Path) -> None:
    """Of what was said off the record no byte is in the database."""
    with made(str(tmp_path / "memory.db"), Reader()) as memory:
        memory.remember("will", "1", [PRIVATE], keep=False)
        memory.pause("anna")
        memory.remember("anna", "1", [PRIVATE])
        memory.remember("will", "2", ["I like tea"])
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"I like tea" in stored
    assert b"zymurgy" not in stored


def test_a_worker_passes_over_a_paused_user(url: str) -> None:
    """A worker reads whoever is due after a paused user, and not the paused one before."""
    reader = Reader()
    with made(url, reader) as memory:
        memory.remember("will", "1", [PRIVATE])
        memory.pause("will")
    with made(url, reader, worker=True) as memory:
        memory.remember("anna", "1", ["I like tea"])
        assert reader.asked.wait(30)
        memory.close()
    assert reader.read == ["I like tea"]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("paused", [True, False], ids=["paused", "remember=False"])
async def test_a_chatbot_learns_nothing_off_the_record(
    tmp_path: Path, colour: str, paused: bool
) -> None:
    """Nothing of such a run is stored, neither message nor answer; other threads are not told."""
    model = ScriptedModel(replies=lambda _: "Zymurgy is fun.")
    async with chatting(tmp_path, colour, model) as chat:
        if paused:
            chat.memory.pause("will")
        await chat.say(f"{PRIVATE}.", **({} if paused else {"remember": False}))
        assert chat.unread() == 0
        assert drain(chat.memory) == []
        await chat.say("Hello again.", "2")
        assert "zymurgy" not in model.calls[1].messages[0].text
        assert chat.memory.history("will") == []
