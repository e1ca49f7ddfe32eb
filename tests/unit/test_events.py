"""Each event is told where it is documented, whoever does the work, and nowhere else."""

from __future__ import annotations

import dataclasses
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from usermemory import Change, Event, Extraction, Request, UserMemory
from usermemory.errors import ProviderError
from usermemory.langgraph import create_chatbot
from usermemory.testing import FakeClock, ScriptedModel

ENDS = {"consolidated", "held", "failed"}


class Saying:
    """Proposes what it was told to, or raises it."""

    def __init__(self, *says: Change | Exception) -> None:
        self.says = says

    def extract(self, request: Request) -> Extraction:
        for say in self.says:
            if isinstance(say, Exception):
                raise say
        return Extraction(tuple(say for say in self.says if isinstance(say, Change)))


CHESS = Change("interests", "add", "chess", "I like chess")
WRONG = Change("name", "set", "Bob", "My name is Bob")


class Hook:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: queue.Queue[Event] = queue.Queue()
        self.clock = FakeClock()

    def events(self) -> list[Event]:
        return [self.told.get() for _ in range(self.told.qsize())]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events()]


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture(params=["worker", "trigger", "trigger_all", "run_due"])
def by(request: pytest.FixtureRequest) -> str:
    """Who does the work."""
    return str(request.param)


def events_of(path: Path, hook: Hook, by: str, extractor: Any, **settings: Any) -> list[Event]:
    """What is told about one batch, without how it was scheduled."""
    memory = UserMemory(
        str(path / "m.db"),
        model=extractor,
        worker=by == "worker",
        delay=0,
        clock=hook.clock,
        on_event=hook.told.put,
        **settings,
    )
    with memory:
        memory.remember("will", "t", ["I like chess"])
        if by == "worker":
            told = [hook.told.get(timeout=30)]
            while told[-1].kind not in ENDS:
                told.append(hook.told.get(timeout=30))
        else:
            arguments = ("will",) if by == "trigger" else ()
            getattr(memory, by)(*arguments)
            told = []
    told += hook.events()
    assert [event.kind for event in told].count("scheduled") == 1
    return [event for event in told if event.kind != "scheduled"]


@pytest.mark.parametrize(
    ("extractor", "settings", "kinds", "status"),
    [
        (Saying(CHESS), {}, ["claimed", "consolidated"], "changed"),
        (Saying(), {}, ["claimed", "consolidated"], "unchanged"),
        (Saying(CHESS, WRONG), {}, ["claimed", "consolidated", "rejected"], "changed"),
        (Saying(WRONG), {}, ["claimed", "consolidated", "rejected"], "unchanged"),
        (Saying(), {"daily_tokens": 0}, ["claimed", "held"], "held"),
        (Saying(ProviderError("503")), {}, ["claimed", "failed"], "failed"),
        (Saying(ZeroDivisionError()), {}, ["claimed", "failed"], "failed"),
    ],
    ids=["changed", "unchanged", "some refused", "all refused", "held", "provider", "extractor"],
)
def test_a_batch(
    tmp_path: Path,
    hook: Hook,
    by: str,
    extractor: Saying,
    settings: dict[str, Any],
    kinds: list[str],
    status: str,
) -> None:
    """A batch is claimed and ends in one way, told with its outcome, whoever does the work."""
    told = events_of(tmp_path, hook, by, extractor, **settings)
    assert [event.kind for event in told] == kinds
    assert {(event.user_id, event.thread_id, event.at) for event in told} == {
        ("will", "t", hook.clock.now())
    }
    assert told[0].outcome is None
    for event in told[1:]:
        assert event.outcome is not None
        assert event.outcome.status == status
        assert event.error is None
    if "rejected" in kinds:
        assert told[-1].outcome is told[-2].outcome
        assert [refused.change for refused in told[-1].outcome.rejections] == [WRONG]  # type: ignore[union-attr]


@pytest.fixture
def memory(tmp_path: Path, hook: Hook) -> Iterator[UserMemory]:
    with UserMemory(
        str(tmp_path / "m.db"),
        model=Saying(CHESS),
        worker=False,
        clock=hook.clock,
        on_event=hook.told.put,
    ) as memory:
        yield memory


async def test_what_a_chat_does(memory: UserMemory, hook: Hook) -> None:
    """Each remember is told, with what was new; each recall is, in both colours."""
    memory.remember("will", "t", ["I like chess"])
    await memory.aremember("will", "t", ["I like chess"])
    memory.recall("will")
    await memory.arecall("will", tail=True)
    told = hook.events()
    assert [event.kind for event in told] == ["scheduled", "scheduled", "recalled", "recalled"]
    assert [event.scheduled.new for event in told if event.scheduled] == [1, 0]
    assert {event.user_id for event in told} == {"will"}
    assert [event.thread_id for event in told] == ["t", "t", "", ""]


async def test_looking_is_no_recall(memory: UserMemory, hook: Hook) -> None:
    """Who looks at histories, reasons or jobs recalls nothing."""
    memory.remember("will", "t", ["I like chess"])
    memory.trigger("will")
    hook.events()
    assert memory.why("will", "/interests/0")
    assert await memory.awhy("will", "interests")
    memory.history("will")
    memory.jobs()
    assert hook.kinds() == []


def test_an_error_that_a_node_swallows(memory: UserMemory, hook: Hook) -> None:
    """A chat that goes on without its memory is told, with the error, once for each node."""
    memory.close()
    run: Any = {"configurable": {"user_id": "will", "thread_id": "t"}}
    bot = create_chatbot(memory, ScriptedModel(replies=["Hello."]))
    assert bot.invoke({"messages": [("user", "Hi")]}, run)["messages"][-1].text == "Hello."
    told = hook.events()
    assert [event.kind for event in told] == ["error"] * 3, "remember, recall, remember"
    assert {(event.user_id, event.thread_id) for event in told} == {("will", "t")}
    assert all("closed" in str(event.error) for event in told)


def test_an_event_cannot_be_changed() -> None:
    """A hook cannot change what the next one sees."""
    event = Event("recalled", "will")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.user_id = "eve"  # type: ignore[misc]
