"""Two users' runs in one thread at the same moment, and runs whose checkpoints name another user.

Each run has its own line of checkpoints. What lies beside it, and what tracing writes over the
user's id, never makes one user's words another's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command, interrupt
from tests.support.graphs import COLOURS, memory_in
from tests.support.room import (
    BOTS,
    CONFIGURABLE,
    CONTEXT,
    IDENTITIES,
    Room,
    chatbot,
    nodes,
    noted,
)

from usermemory import UserMemory
from usermemory.langgraph import acheckpointer, checkpointer, recall_node, remember_node
from usermemory.testing import FakeClock, ScriptedModel


@asynccontextmanager
async def saver_of(memory: UserMemory, kept: str, colour: str) -> AsyncIterator[Any]:
    """A checkpointer in memory, or on the memory's file."""
    if kept == "memory":
        yield InMemorySaver()
    elif colour == "async":
        async with await acheckpointer(memory) as asynchronous:
            yield asynchronous
    else:
        with checkpointer(memory) as saver:
            yield saver


def meet(saver: Any, colour: str, runs: int) -> None:
    """Let no run of the first ones save its second checkpoint before all have saved their first."""
    met: Any = asyncio.Barrier(runs) if colour == "async" else threading.Barrier(runs, timeout=20)
    left = {"input": runs}
    put = saver.aput if colour == "async" else saver.put

    async def aput(*given: Any, **named: Any) -> Any:
        kept = await put(*given, **named)
        if given[2]["source"] == "input" and left["input"]:
            left["input"] -= 1
            await met.wait()
        return kept

    def put_here(*given: Any, **named: Any) -> Any:
        kept = put(*given, **named)
        if given[2]["source"] == "input" and left["input"]:
            left["input"] -= 1
            met.wait()
        return kept

    if colour == "async":
        saver.aput = aput
    else:
        saver.put = put_here


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("durability", ["sync", "async"])
@pytest.mark.parametrize("kept", ["memory", "file"])
@pytest.mark.parametrize("build", BOTS)
async def test_two_speak_at_once(
    tmp_path: Path,
    build: Callable[..., Any],
    kept: str,
    durability: str,
    identity: str,
    colour: str,
) -> None:
    """Ana and Bob speak in the same moment: each is heard, and for their own words only."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        async with saver_of(memory, kept, colour) as saver:
            meet(saver, colour, runs=2)
            room = Room(memory, build(memory, saver, noted()), colour, identity, durability)
            await asyncio.gather(
                room.say("ana", "I love kayaking."), room.say("bob", "I love chess.")
            )
            await room.say("ana", "I love tea.")
            await room.say("bob", "I love jazz.")
        assert [room.loves(who) for who in ("ana", "bob")] == [
            ["kayaking", "tea"],
            ["chess", "jazz"],
        ]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("build", BOTS)
async def test_runs_that_save_at_their_end(
    tmp_path: Path, build: Callable[..., Any], again: bool, identity: str, colour: str
) -> None:
    """Two runs fail and leave a checkpoint each: Ana takes hers up, and Bob's words stay his."""
    saver = InMemorySaver()
    failing = ScriptedModel(
        replies=[TimeoutError("slow"), TimeoutError("slow"), "Noted.", "Noted."]
    )
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, saver, failing), colour, identity, "exit")
        for who, what in (("bob", "chess"), ("ana", "kayaking")):
            with pytest.raises(TimeoutError):
                await room.say(who, f"I love {what}.")
        if not again:
            await room.run("ana", None)
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, saver, noted()), colour, identity, "exit")
        if again:
            await room.run("ana", None)
        assert "chess" not in room.loves("ana")
        assert room.loves("ana") == ["kayaking"] or (identity, build) == (CONTEXT, nodes)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize(
    ("build", "fails"),
    # Of a run that failed before a node of ours, nothing but its checkpoint knows.
    [(build, fails) for build in BOTS for fails in (True, False) if not (build is nodes and fails)],
)
async def test_metadata_that_names_another(
    tmp_path: Path, build: Callable[..., Any], fails: bool, restart: bool, colour: str
) -> None:
    """Tracing wrote Will's id over Mallory's in one run: what she said there stays hers."""
    saver = InMemorySaver()
    first = ScriptedModel(replies=[TimeoutError("slow") if fails else "Noted.", "Noted."])

    async def say(bot: Any, who: str, text: str, **metadata: Any) -> None:
        config = {"configurable": {"thread_id": "room", "user_id": who}, "metadata": metadata}
        given = {"messages": [HumanMessage(text)]}
        if colour == "async":
            await bot.ainvoke(given, config)
        else:
            await asyncio.to_thread(bot.invoke, given, config)

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = build(memory, saver, first)
        try:
            await say(bot, "mallory", "I love spam.", user_id="will")
        except TimeoutError:
            assert fails
        if not restart:
            await say(bot, "will", "I love tea.")
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = build(memory, saver, noted())
        await say(bot, "will", "I love chess.")
        memory.trigger_all()
        loved = memory.recall("will").document["interests"]
    assert loved == (["chess"] if restart else ["tea", "chess"])


def test_metadata_that_names_another_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says once what such an id in a run's metadata costs."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = nodes(memory, InMemorySaver(), noted())
        for text in ("I love tea.", "I love chess."):
            configurable = {"thread_id": "room", "user_id": "u-17"}
            config: Any = {
                "configurable": configurable,
                "metadata": {"user_id": "will@example.com"},
            }
            bot.invoke({"messages": [HumanMessage(text)]}, config)
    assert caplog.text.count("under a name of its own") == 1
    assert "will@example.com" not in caplog.text


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("restart", [True, False])
async def test_a_node_that_writes_another_text(
    tmp_path: Path, restart: bool, identity: str, colour: str
) -> None:
    """A node of Bob's run takes something out of what Ana said: the rest is still not Bob's."""
    saver = InMemorySaver()

    def redact(state: MessagesState) -> Any:
        changed = [one for one in state["messages"] if "Rue" in one.text]
        return {
            "messages": [
                HumanMessage(one.text.replace("Rue", "[street]"), id=one.id) for one in changed
            ]
        }

    def build(memory: UserMemory, redacting: bool) -> Any:
        graph = StateGraph(MessagesState)
        graph.add_node("redact", redact if redacting else lambda _: {})
        graph.add_node("remember", remember_node(memory))
        graph.add_edge(START, "redact")
        graph.add_edge("redact", "remember")
        return graph.compile(checkpointer=saver)

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, redacting=False), colour, identity)
        await room.say("ana", "I love Rue Kafka.")
        if not restart:
            room = Room(memory, build(memory, redacting=True), colour, identity)
            await room.say("bob", "I love chess.")
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, redacting=True), colour, identity)
        await room.say("bob", "I love tea.")
        assert room.loves("bob") == (["tea"] if restart else ["chess", "tea"])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("restart", [True, False])
async def test_a_node_that_puts_messages_in_again(
    tmp_path: Path, restart: bool, fresh: bool, identity: str, colour: str
) -> None:
    """A node takes all out and puts the last ones in again, under other ids: nobody said them."""
    saver = InMemorySaver()

    def trim(state: MessagesState) -> Any:
        kept = [one.model_copy(update={"id": None} if fresh else {}) for one in state["messages"]]
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept[-5:]]}

    def build(memory: UserMemory) -> Any:
        graph = StateGraph(MessagesState)
        graph.add_node("trim", trim)
        graph.add_node("remember", remember_node(memory))
        graph.add_node("answer", lambda _: {"messages": [AIMessage("Noted.")]})
        graph.add_edge(START, "trim")
        graph.add_edge("trim", "remember")
        graph.add_edge("remember", "answer")
        return graph.compile(checkpointer=saver)

    heard: dict[str, list[str]] = {"ana": [], "bob": []}
    for who, what in (("ana", "spam"), ("bob", "chess"), ("bob", "tea"), ("ana", "eggs")):
        with memory_in(tmp_path, clock=FakeClock()) as memory:
            await Room(memory, build(memory), colour, identity).say(who, f"I love {what}.")
            heard[who].append(what)
            if not restart:
                room = Room(memory, build(memory), colour, identity)
                await room.say("ana", "I love golf.")
                await room.say("bob", "I love jazz.")
                break
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        memory.trigger_all()
        loved = {who: memory.recall(who).document["interests"] for who in heard}
    given = heard if restart else {"ana": ["spam", "golf"], "bob": ["jazz"]}
    # Whose context is in no checkpoint may be nobody's under another id, but nobody else's.
    assert loved == given or (
        identity == CONTEXT and all({*loved[w]} <= {*given[w]} for w in given)
    )


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
async def test_an_update_that_a_failed_run_brought(
    tmp_path: Path, identity: str, colour: str
) -> None:
    """What Ana's ``Command(update=…)`` left beside a checkpoint is not Bob's, who goes on there."""
    saver = InMemorySaver()
    failing = ScriptedModel(replies=["Noted.", TimeoutError("slow")])

    def update(what: str) -> Any:
        return Command(update={"messages": [HumanMessage(f"I love {what}.")]}, goto="model")

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, chatbot(memory, saver, failing), colour, identity)
        await room.say("bob", "I love chess.")
        with pytest.raises(TimeoutError):
            await room.run("ana", update("spam"))
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, chatbot(memory, saver, noted()), colour, identity)
        await room.run("bob", None)
        await room.run("bob", update("tea"))
        assert (room.loves("bob"), room.loves("ana")) == (["chess", "tea"], ["spam"])


class Plain(InMemorySaver):
    """A checkpointer that gives single checkpoints only."""

    def list(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def alist(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("build", BOTS)
async def test_a_saver_that_cannot_list(
    tmp_path: Path, build: Callable[..., Any], durability: str, identity: str, colour: str
) -> None:
    """Its checkpoints are found by their parents: each user is heard, in the next process too."""
    saver = Plain()
    for who, what in (("ana", "spam"), ("bob", "chess"), ("bob", "tea"), ("ana", "eggs")):
        with memory_in(tmp_path, clock=FakeClock()) as memory:
            room = Room(memory, build(memory, saver, noted()), colour, identity, durability)
            await room.say(who, f"I love {what}.")
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        memory.trigger_all()
        loved = [memory.recall(who).document["interests"] for who in ("ana", "bob")]
    assert loved == [["spam", "eggs"], ["chess", "tea"]]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("recalling", [True, False])
async def test_who_takes_up_a_run_by_its_context(
    tmp_path: Path, recalling: bool, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Who takes up a run did not say what it began with; if nobody saw who did, it is nobody's."""

    def approve(_: Any) -> Any:
        interrupt("Really?")
        return {}

    class State(MessagesState):
        user_info: str

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        graph = StateGraph(State)
        graph.add_node("recall", recall_node(memory) if recalling else lambda _: {"user_info": ""})
        graph.add_node("approve", approve)
        graph.add_node("remember", remember_node(memory))
        graph.add_edge(START, "recall")
        graph.add_edge("recall", "approve")
        graph.add_edge("approve", "remember")
        room = Room(memory, graph.compile(checkpointer=InMemorySaver()), colour, CONTEXT)
        await room.say("ana", "I love kayaking.")
        await room.run("bob", Command(resume="yes"))
        assert room.loves("bob") == []
        await room.say("ana", "I love tea.")
        await room.run("ana", Command(resume="yes"))
        # Bob's run gave the messages on as somebody else's; Ana's own are hers.
        assert room.loves("ana") == (["kayaking", "tea"] if recalling else [])
        assert ("nobody's" in caplog.text) is not recalling


async def test_a_persons_answer_is_theirs(tmp_path: Path) -> None:
    """What a user answers to an interrupt is theirs who answers, however the run names them."""

    def ask(_: Any) -> Any:
        return {"messages": [HumanMessage(interrupt("What do you love?"))]}

    for identity in (CONFIGURABLE, CONTEXT):
        folder = tmp_path / identity
        folder.mkdir()
        with memory_in(folder, clock=FakeClock()) as memory:
            graph = StateGraph(MessagesState)
            graph.add_node("ask", ask)
            graph.add_node("remember", remember_node(memory))
            graph.add_edge(START, "ask")
            graph.add_edge("ask", "remember")
            room = Room(memory, graph.compile(checkpointer=InMemorySaver()), "sync", identity)
            await room.say("ana", "Hello.")
            await room.run("bob", Command(resume="I love jazz."))
            assert (room.loves("bob"), room.loves("ana")) == (["jazz"], [])
