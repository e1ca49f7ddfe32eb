"""What the memory asks its model inside a run is in none of the run's streams and callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from tests.support.graphs import memory_in
from tests.support.room import agent, chatbot, noted

from usermemory import Extraction, UserMemory
from usermemory.langgraph import memory_tools, remember_node
from usermemory.testing import FakeClock, ScriptedModel

LEARNED = {
    "changes": [{"quote": "I love tea", "field": "interests", "action": "add", "value": "tea"}]
}
SAID: Any = {"messages": [("user", "I love tea. Forget my name.")]}
CONFIG: Any = {"configurable": {"user_id": "will", "thread_id": "1"}}


def answered(messages: list[Any]) -> Any:
    """As both of the memory's questions want it: a list of changes, or of verdicts."""
    asked = messages[-1].text
    return {"verdicts": [{"change": 1, "verdict": "said"}]} if "Changes\n" in asked else LEARNED


class Own:
    """An extractor of the application's own, which asks a model in its own way."""

    def __init__(self, model: ScriptedModel) -> None:
        self.model = model

    def extract(self, _: Any) -> Extraction:
        """Propose nothing."""
        self.model.invoke("What did they say?")
        return Extraction()


class Heard(BaseCallbackHandler):
    """Counts the models that a run's callbacks are told of."""

    def __init__(self) -> None:
        self.models = 0

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        """Called for each."""
        self.models += 1


@pytest.fixture(params=["ours", "own"])
def memory(tmp_path: Path, request: Any) -> Iterator[UserMemory]:
    """A memory that reads with a model, asked by us or by an extractor of one's own."""
    model = ScriptedModel(replies=answered)
    reads: Any = model if request.param == "ours" else Own(model)
    with memory_in(tmp_path, model=reads, verify=model, clock=FakeClock()) as memory:
        memory.edit("will", {"name": "Will", "interests": ["chess"]}, by="test")
        yield memory
    assert model.calls  # it was asked


def learning(memory: UserMemory, way: str) -> Any:
    """A graph that remembers, and has it read at once in a node."""

    def learn(_: Any) -> None:
        memory.trigger("will")

    async def alearn(_: Any) -> None:
        await memory.atrigger("will")

    def due(_: Any) -> None:
        memory.trigger_all()

    async def adue(_: Any) -> None:
        await memory.atrigger_all()

    ways: dict[str, Any] = {
        "trigger": RunnableLambda(learn, alearn),
        "trigger_all": RunnableLambda(due, adue),
    }
    graph = StateGraph(MessagesState)
    graph.add_node("remember", remember_node(memory))
    graph.add_node("learn", ways[way])
    graph.add_edge(START, "remember")
    graph.add_edge("remember", "learn")
    return graph.compile()


async def shown(bot: Any, given: Any, colour: str, heard: Heard) -> list[Any]:
    """What a client sees of models in a run."""
    config: Any = {**CONFIG, "callbacks": [heard]}
    if colour == "sync":
        run = await asyncio.to_thread(
            lambda: list(bot.stream(given, config, stream_mode="messages"))
        )
    elif colour == "async":
        run = [part async for part in bot.astream(given, config, stream_mode="messages")]
    else:
        events = [event async for event in bot.astream_events(given, config, version="v2")]
        run = [event for event in events if "chat_model" in event["event"]]
    return [part for part in run if not (isinstance(part, tuple) and part[0].type == "tool")]


@pytest.mark.parametrize("colour", ["sync", "async", "events"])
@pytest.mark.parametrize("way", ["trigger", "trigger_all"])
async def test_what_is_read_in_a_node_does_not_stream(
    memory: UserMemory, colour: str, way: str
) -> None:
    """`trigger` at the end of a chat asks a model, and the client sees nothing of it."""
    heard = Heard()
    assert await shown(learning(memory, way), SAID, colour, heard) == []
    assert heard.models == 0
    assert memory.recall("will").pending == 0


@pytest.mark.parametrize("colour", ["sync", "async", "events"])
async def test_the_second_look_of_a_tool_does_not_stream(tmp_path: Path, colour: str) -> None:
    """An erasure by a tool is looked at by a model, of which the client sees nothing."""
    model = ScriptedModel(replies=answered)
    clock = FakeClock()
    with memory_in(tmp_path, model=model, clock=clock) as memory:
        memory.edit("will", {"name": "Will"}, by="test")
        clock.advance(60)
        call: Any = {
            "name": "forget_memory",
            "args": {"quote": "Forget my name", "field": "name", "value": None},
            "id": "1",
        }
        graph = StateGraph(MessagesState)
        graph.add_node("tools", ToolNode(memory_tools(memory)))
        graph.add_edge(START, "tools")
        given = {"messages": [*SAID["messages"], AIMessage("", tool_calls=[call])]}
        heard = Heard()
        assert await shown(graph.compile(), given, colour, heard) == []
        assert heard.models == 0
        assert len(model.calls) == 1
        assert memory.recall("will").document["name"] is None


@pytest.mark.parametrize("build", [chatbot, agent])
async def test_only_what_a_model_is_given_tells_the_profile(tmp_path: Path, build: Any) -> None:
    """Of LangChain's events two name it, as the documentation says: a model's start and end."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        memory.edit("will", {"name": "Wilhelmina"}, by="test")
        bot = build(memory, InMemorySaver(), noted())
        given = {"messages": [("user", "Hello.")]}
        events = [event async for event in bot.astream_events(given, CONFIG, version="v2")]
        telling = {event["event"] for event in events if "Wilhelmina" in str(event)}
        assert telling == {"on_chat_model_start", "on_chat_model_end"}
