"""An agent inside another graph hears the user where the outer graph was given the user's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from tests.support.graphs import COLOURS, memory_in

from usermemory import UserMemory
from usermemory.langgraph import (
    UserMemoryMiddleware,
    create_chatbot,
    memory_tools,
    remember_node,
)
from usermemory.testing import FakeClock, ScriptedModel

SAID = "Please remember that I love bouldering."
ORDER = "The user asks to remember that I love bouldering."
CONFIG: Any = {"configurable": {"thread_id": "1", "user_id": "will"}}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    """Where nothing is known yet."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        yield memory


def saving(memory: UserMemory, **options: Any) -> Any:
    """An agent that saves what it is asked to."""
    change = {
        "quote": "remember that I love bouldering",
        "field": "interests",
        "action": "add",
        "value": "bouldering",
    }
    model = ScriptedModel(
        replies=lambda said: "Done." if said[-1].type == "tool" else {"changes": [change]}
    )
    tools = memory_tools(memory, **options)
    return create_agent(model, tools, middleware=[UserMemoryMiddleware(memory, **options)])


async def run(bot: Any, given: Any, colour: str) -> Any:
    """One run."""
    if colour == "async":
        return await bot.ainvoke(given, CONFIG)
    return await asyncio.to_thread(bot.invoke, given, CONFIG)


def routed(agent: Any, saver: Any = None, before: Any = None) -> Any:
    """A graph that sends the user's message on to an agent."""
    graph = StateGraph(MessagesState)
    graph.add_node("route", before or (lambda _: {}))
    graph.add_node("agent", agent)
    graph.add_edge(START, "route")
    graph.add_conditional_edges("route", lambda _: "agent", ["agent"])
    return graph.compile(checkpointer=saver)


def supervised(agent: Any, saver: Any = None, before: Any = None, order: str = ORDER) -> Any:
    """A graph whose node gives an agent orders, as a rule in words of its own."""

    def supervise(_: Any) -> Any:
        agent.invoke({"messages": [("user", order)]})
        return {}

    return routed(supervise, saver, before)


def heard(memory: UserMemory) -> list[str]:
    """What a tool saved."""
    found: list[str] = memory.recall("will").document["interests"]
    return found


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("way", ["remembered", "saved", "said so"])
async def test_a_routers_agent_hears_the_user(memory: UserMemory, way: str, colour: str) -> None:
    """By what an outer node remembered, or the checkpointer holds, or the application says."""
    agent = saving(memory, hears_user=True if way == "said so" else None)
    saver = InMemorySaver() if way == "saved" else None
    before = remember_node(memory) if way == "remembered" else None
    await run(routed(agent, saver, before), {"messages": [("user", SAID)]}, colour)
    assert heard(memory) == ["bouldering"]
    job = memory.jobs()[0]
    assert (job.thread_id, job.unread) == ("1", 2)  # once, and what the agent said


@pytest.mark.parametrize("colour", COLOURS)
async def test_the_users_own_words_may_be_handed_on(memory: UserMemory, colour: str) -> None:
    """A node that gives an agent what the user said gives it the user's words; they count once."""
    bot = supervised(saving(memory), before=remember_node(memory), order=SAID)
    await run(bot, {"messages": [("user", SAID)]}, colour)
    assert heard(memory) == ["bouldering"]
    assert [job.unread for job in memory.jobs()] == [1]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("way", ["remembered", "saved", "neither", "said so"])
async def test_a_supervisors_words_are_not_the_users(
    memory: UserMemory, way: str, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An order in a supervisor's own words saves nothing and is no message; it is said once."""
    agent = saving(memory, hears_user=False if way == "said so" else None)
    bot = supervised(
        agent,
        InMemorySaver() if way == "saved" else None,
        remember_node(memory) if way == "remembered" else None,
    )
    with caplog.at_level(logging.WARNING):
        for text in ("What do I love?", "And now?"):
            await run(bot, {"messages": [("user", text)]}, colour)
    assert heard(memory) == []
    assert [job.unread for job in memory.jobs()] == ([2] if way == "remembered" else [])
    told = [record.message for record in caplog.records if "hears_user=True" in record.message]
    assert len(told) == 1
    assert "'agent'" in told[0]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("in_task", [True, False])
async def test_an_entrypoint_is_given_the_users_words(
    memory: UserMemory, in_task: bool, saved: bool, colour: str
) -> None:
    """`create_chatbot` in an ``@entrypoint``, or in its ``@task``, reads what the user says."""
    bot = create_chatbot(memory, ScriptedModel(replies=lambda _: "Noted."))

    def said(text: str) -> Any:
        return {"messages": [("user", text)]}

    @task
    def answer(text: str) -> str:
        return str(bot.invoke(said(text))["messages"][-1].text)

    @task
    async def aanswer(text: str) -> str:
        return str((await bot.ainvoke(said(text)))["messages"][-1].text)

    saver = InMemorySaver() if saved else None

    @entrypoint(checkpointer=saver)
    def flow(text: str) -> str:
        return answer(text).result() if in_task else answer.func(text)  # type: ignore[attr-defined]

    @entrypoint(checkpointer=saver)
    async def aflow(text: str) -> str:
        if in_task:
            return await aanswer(text)
        return str(await aanswer.func(text))  # type: ignore[attr-defined]

    chosen: Any = aflow if colour == "async" else flow
    for text in ("I love chess.", "I love tea."):
        assert await run(chosen, text, colour) == "Noted."
    assert [job.unread for job in memory.jobs()] == [4]
    memory.trigger("will")
    assert heard(memory) == ["chess", "tea"]


async def test_an_entrypoints_own_words_are_not_the_users(memory: UserMemory) -> None:
    """What an ``@entrypoint`` with a checkpointer makes up for an agent is nobody's."""
    bot = create_chatbot(memory, ScriptedModel(replies=lambda _: "Noted."))

    @entrypoint(checkpointer=InMemorySaver())
    async def flow(text: str) -> int:
        given: Any = {"messages": [HumanMessage(f"I love orders. They said: {text}")]}
        return len((await bot.ainvoke(given))["messages"])

    await flow.ainvoke("I love tea.", CONFIG)
    assert memory.jobs() == []


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize(
    ("order", "policy", "learned"),
    [
        (HumanMessage("I love orders."), False, ["tea", "orders"]),
        (
            HumanMessage("I love orders.", additional_kwargs={"usermemory_user": "boss"}),
            False,
            ["tea", "orders"],
        ),
        (HumanMessage("I love orders.", name="supervisor"), False, ["tea"]),
        (HumanMessage("I love orders."), True, ["tea"]),
        (AIMessage("I love orders."), False, ["tea"]),
        (SystemMessage("I love orders."), False, ["tea"]),
    ],
)
async def test_a_supervisors_message_in_a_top_graph(
    tmp_path: Path, order: Any, policy: bool, learned: list[str], saved: bool, colour: str
) -> None:
    """It is the user's, unless it bears a name, is of another kind, or ``author=`` says so."""

    def author(message: Any) -> Any:
        return "other" if policy and "orders" in message.text else None

    with memory_in(tmp_path, clock=FakeClock(), author=author) as memory:
        graph = StateGraph(MessagesState)
        graph.add_node("supervise", lambda _: {"messages": [order]})
        graph.add_node("remember", remember_node(memory))
        graph.add_edge(START, "supervise")
        graph.add_edge("supervise", "remember")
        bot = graph.compile(checkpointer=InMemorySaver() if saved else None)
        await run(bot, {"messages": [("user", "I love tea.")]}, colour)
        memory.trigger("will")
        assert heard(memory) == learned
