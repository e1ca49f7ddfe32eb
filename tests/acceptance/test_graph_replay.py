"""Whose words they are, where a run goes on from an earlier point or is traced under an id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from usermemory import UserMemory
from usermemory.langgraph import (
    UserMemoryMiddleware,
    checkpointer,
    create_chatbot,
    remember_node,
)
from usermemory.testing import FakeClock, ScriptedModel


def run_of(user: str, **more: Any) -> Any:
    return {"configurable": {"thread_id": "room", "user_id": user, **more}}


def said(text: str) -> Any:
    return {"messages": [("user", text)]}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    path = tmp_path / "m.db"
    with UserMemory(path, model="offline", worker=False, clock=FakeClock()) as made:
        yield made


def model() -> Any:
    return ScriptedModel(replies=lambda _: "ok")


def chatbot(memory: UserMemory, saver: Any) -> Any:
    return create_chatbot(memory, model(), checkpointer=saver)


def agent(memory: UserMemory, saver: Any) -> Any:
    return create_agent(model(), middleware=[UserMemoryMiddleware(memory)], checkpointer=saver)


def nodes(memory: UserMemory, saver: Any) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("remember", remember_node(memory))
    graph.add_node("answer", lambda state: {"messages": model().invoke(state["messages"])})
    graph.add_edge(START, "remember")
    graph.add_edge("remember", "answer")
    return graph.compile(checkpointer=saver)


Build = Callable[[UserMemory, Any], Any]


@pytest.mark.parametrize("build", [chatbot, agent, nodes])
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("of", ["mallory", "will"])
def test_another_users_turn_is_replayed(
    memory: UserMemory, build: Build, colour: str, of: str
) -> None:
    """Whoever replays a turn, and however often: it stays the words of who spoke there."""
    bot = build(memory, InMemorySaver())

    def run(given: Any, config: Any) -> None:
        if colour == "sync":
            bot.invoke(given, config)
        else:
            asyncio.run(bot.ainvoke(given, config))

    run(said("I love spam."), run_of("mallory"))
    run(said("I love tea."), run_of("will"))
    starts = [
        one for one in bot.get_state_history(run_of("will")) if one.metadata["source"] == "input"
    ]
    at: Any = starts[-1 if of == "mallory" else 0].config["configurable"]
    other = "will" if of == "mallory" else "mallory"
    for _ in range(2):
        run(None, run_of(other, checkpoint_id=at["checkpoint_id"]))
    memory.trigger_all()
    assert memory.recall("will").document["interests"] == ["tea"]
    assert memory.recall("mallory").document["interests"] == ["spam"]


def test_a_replay_on_a_file(memory: UserMemory) -> None:
    """So it is where the checkpoints are in a database."""
    with checkpointer(memory) as saver:
        bot = chatbot(memory, saver)
        bot.invoke(said("I love spam."), run_of("mallory"))
        bot.invoke(said("I love tea."), run_of("will"))
        first = list(bot.get_state_history(run_of("will")))[-1]
        at: Any = first.config["configurable"]
        bot.invoke(None, run_of("will", checkpoint_id=at["checkpoint_id"]))
    memory.trigger_all()
    assert memory.recall("will").document["interests"] == ["tea"]


@pytest.mark.parametrize("name", ["user_id", "langgraph_auth_user_id"])
@pytest.mark.parametrize("build", [chatbot, agent, nodes])
def test_tracing_has_ids_of_its_own(memory: UserMemory, build: Build, name: str) -> None:
    """An id in the run's metadata, as tracing wants it, keeps nobody from being heard."""
    bot = build(memory, InMemorySaver())
    for text in ("I'm Will.", "I love chess."):
        bot.invoke(said(text), {**run_of("u-17"), "metadata": {name: "will@example.com"}})
    memory.trigger_all()
    known = memory.recall("u-17").document
    assert (known["name"], known["interests"]) == ("Will", ["chess"])
