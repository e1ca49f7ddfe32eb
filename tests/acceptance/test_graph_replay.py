"""Whose words they are, where a run goes on from an earlier point or is traced under an id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from usermemory import UserMemory
from usermemory.langgraph import create_chatbot
from usermemory.testing import FakeClock, ScriptedModel


def run_of(user: str, **more: Any) -> Any:
    return {"configurable": {"thread_id": "room", "user_id": user, **more}}


def said(text: str) -> Any:
    return {"messages": [("user", text)]}


@pytest.fixture
def memory(tmp_path: Path) -> UserMemory:
    return UserMemory(tmp_path / "m.db", model="offline", worker=False, clock=FakeClock())


def test_another_users_turn_is_replayed(memory: UserMemory) -> None:
    """Will replays what Mallory said: it stays hers."""
    with memory:
        bot = create_chatbot(
            memory, ScriptedModel(replies=lambda _: "ok"), checkpointer=InMemorySaver()
        )
        bot.invoke(said("I love spam."), run_of("mallory"))
        bot.invoke(said("I'm Will."), run_of("will"))
        first = list(bot.get_state_history(run_of("will")))[-1]
        at: Any = first.config["configurable"]
        bot.invoke(None, run_of("will", checkpoint_id=at["checkpoint_id"]))
        memory.trigger_all()
        assert memory.recall("will").document["interests"] == []
        assert memory.recall("mallory").document["interests"] == ["spam"]


def test_tracing_has_ids_of_its_own(memory: UserMemory) -> None:
    """An id in the run's metadata, as tracing wants it, keeps nobody from being heard."""
    with memory:
        bot = create_chatbot(
            memory, ScriptedModel(replies=lambda _: "ok"), checkpointer=InMemorySaver()
        )
        for text in ("I'm Will.", "I love chess."):
            traced = {**run_of("u-17"), "metadata": {"user_id": "will@example.com"}}
            bot.invoke(said(text), traced)
        memory.trigger_all()
        known = memory.recall("u-17").document
        assert (known["name"], known["interests"]) == ("Will", ["chess"])
