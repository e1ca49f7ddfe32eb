"""Which memories stood in the prompt of an answer: stored with it by every way into a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from tests.support.agents import agent, answering
from tests.support.graphs import COLOURS, Chat, chatting, memory_in

from usermemory import UserMemory
from usermemory.langgraph import UserInfo, create_chatbot, recall_node, remember_node
from usermemory.testing import FakeClock, ScriptedModel

pytestmark = pytest.mark.parametrize("colour", COLOURS)


class _State(MessagesState):
    user_info: UserInfo


def nodes(memory: UserMemory, model: Any, *, checkpointer: Any) -> Any:
    """A graph of one's own, with the two nodes; a turn is remembered before and after the model."""
    recall, remember = recall_node(memory), remember_node(memory)

    def ask(state: _State) -> dict[str, Any]:
        return {"messages": [model.invoke([("system", recall.text(state)), *state["messages"]])]}

    graph = StateGraph(_State)
    steps = {"first": remember, "recall": recall, "model": ask, "last": remember}
    before = START
    for name, step in steps.items():
        graph.add_node(name, step)
        graph.add_edge(before, name)
        before = name
    return graph.compile(checkpointer=checkpointer)


WAYS = {"chatbot": create_chatbot, "agent": agent, "nodes": nodes}


async def answer_to(chat: Chat, text: str, *args: Any, **settings: Any) -> str:
    """Say something; the answer's id."""
    state = await chat.invoke({"messages": [("user", text)]}, *args, **settings)
    name: str = state["messages"][-1].id
    return name


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_knows_what_was_shown(tmp_path: Path, colour: str, way: str) -> None:
    """Of each answer its own: nothing before anything was learned, and all of it after a reload."""
    async with chatting(tmp_path, colour, answering(), build=WAYS[way]) as chat:
        first = await answer_to(chat, "My name is Will and I love zymurgy.")
        chat.memory.trigger("will")
        second = await answer_to(chat, "Hello again", "2")
        third = await answer_to(chat, "And again", "2")
        other = await answer_to(chat, "Hello", "3", user_id="ana")
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        assert memory.shown("will", first) == []
        for name in (second, third):
            told = [(one.field, one.value, one.holds) for one in memory.shown("will", name)]
            assert told == [("name", "Will", True), ("interests", "zymurgy", True)]
        assert memory.shown("ana", other) == []
        assert memory.shown("ana", second) == []


@pytest.mark.parametrize("way", ["chatbot", "agent"])
async def test_after_a_tool(tmp_path: Path, colour: str, way: str) -> None:
    """The answer behind a tool's result has it; the call of the tool is no answer."""

    def weather(city: str) -> str:
        """Tell the weather."""
        return f"Rain in {city}."

    call = {"name": "weather", "args": {"city": "Lyon"}, "id": "c1"}
    model = ScriptedModel(replies=[AIMessage("", id="calls", tool_calls=[call]), "It rains."])
    async with chatting(tmp_path, colour, model, build=WAYS[way], tools=[weather]) as chat:
        chat.memory.edit("will", {"name": "Will"}, by="eve")
        answered = await answer_to(chat, "What is the weather?")
        assert [one.value for one in chat.memory.shown("will", answered)] == ["Will"]
        assert chat.memory.shown("will", "calls") == []


async def test_off_the_record(tmp_path: Path, colour: str) -> None:
    """A run that is not to be remembered leaves nothing of what it was shown."""
    async with chatting(tmp_path, colour, answering()) as chat:
        chat.memory.edit("will", {"name": "Will"}, by="eve")
        answered = await answer_to(chat, "Hello", remember=False)
        assert chat.memory.shown("will", answered) == []


async def test_a_turn_has_as_many_transactions_as_before(tmp_path: Path, colour: str) -> None:
    """One statement recalls, and what was shown is in the transaction that stores the answer."""
    async with chatting(tmp_path, colour, answering()) as chat:
        chat.memory.edit("will", {"name": "Will"}, by="eve")
        await answer_to(chat, "Hello")
        calls = list[tuple[str, str]]()

        def hook(stage: str, flow: str, statement: str) -> None:
            if stage == "before":
                calls.append((flow, statement))

        chat.memory.driver.hook = hook
        await answer_to(chat, "Hello again")
        chat.memory.driver.hook = None
    flows = [flow for flow, statement in calls if statement in {"lock_user", "recall_beside"}]
    assert flows == ["recall", "remember", "remember"]
    assert [statement for flow, statement in calls if flow == "recall"] == ["recall_beside"]
    assert [flow for flow, statement in calls if statement == "add_shown"] == ["remember"]
