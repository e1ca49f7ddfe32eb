"""Forty threads over half a year, through the real graph, with real threads and one file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from usermemory import UserMemory
from usermemory.langgraph import checkpointer, create_chatbot
from usermemory.testing import FakeClock, ScriptedModel

MONTHS = json.loads(
    (Path(__file__).parent / "conversations" / "months.json").read_text(encoding="utf-8")
)
USER, EXPECT = MONTHS["user"], MONTHS["expect"]


def answers() -> list[str]:
    """What the bot says, in order: after each of the user's turns."""
    found: list[str] = []
    for thread in MONTHS["threads"]:
        texts = [turn["text"] for turn in thread["turns"] if turn["role"] == "assistant"]
        users = sum(turn["role"] == "user" for turn in thread["turns"])
        found += (texts + ["Fine."] * users)[:users]
    return found


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[UserMemory, list[Any]]]:
    """The memory after half a year, and the profile as it was after each thread."""
    path = tmp_path_factory.mktemp("months") / "memory.db"
    clock, profiles = FakeClock(), []
    with (
        UserMemory(f"sqlite:///{path}", model="offline", worker=False, clock=clock) as memory,
        checkpointer(memory) as saver,
    ):
        bot = create_chatbot(memory, ScriptedModel(replies=answers()), checkpointer=saver)
        for thread in MONTHS["threads"]:
            noon = datetime.fromisoformat(f"{thread['date']}T12:00:00+00:00").timestamp()
            clock.advance(max(0.0, noon - clock.now()))
            config: Any = {"configurable": {"user_id": USER, "thread_id": thread["id"]}}
            for turn in thread["turns"]:
                if turn["role"] == "user":
                    bot.invoke({"messages": [("user", turn["text"])]}, config)
                    clock.advance(20)
            clock.advance(60)
            memory.run_due()
            profiles.append(memory.recall(USER).document)
        yield memory, profiles


def test_the_end_state(lived: tuple[UserMemory, list[Any]]) -> None:
    """What the user said of themself and did not take back is known, and nothing else."""
    document = lived[1][-1]
    assert (document["name"], document["age"]) == (EXPECT["name"], EXPECT["age"])
    assert set(document["interests"]) == set(EXPECT["interests"]["present"])
    for pattern in EXPECT["core_memories"]:
        assert any(re.search(pattern, memory) for memory in document["core_memories"]), pattern
    for pattern in EXPECT["gone"]:
        assert not any(re.search(pattern, memory) for memory in document["core_memories"]), pattern


def test_never(lived: tuple[UserMemory, list[Any]]) -> None:
    """At no time did the profile hold what was joked, pasted, quoted or claimed by the bot."""
    for document in lived[1]:
        text = json.dumps(document, ensure_ascii=False)
        assert [pattern for pattern in EXPECT["never"] if re.search(pattern, text)] == []


def test_every_item_shows_its_words(lived: tuple[UserMemory, list[Any]]) -> None:
    """Every value names a quote that stands in a message of the user."""
    memory, profiles = lived
    said = [
        turn["text"] for t in MONTHS["threads"] for turn in t["turns"] if turn["role"] == "user"
    ]
    for field in ("interests", "core_memories"):
        for item in profiles[-1][field]:
            evidence = memory.why(USER, field, item)
            assert evidence, item
            assert all(any(e.quote in text for text in said) for e in evidence), item


def test_nothing_waits(lived: tuple[UserMemory, list[Any]]) -> None:
    """Each thread was read once it went quiet, and none failed."""
    memory, _ = lived
    assert memory.jobs() == []
    numbers = [revision.number for revision in memory.history(USER)]
    assert numbers == list(range(len(numbers), 0, -1))
