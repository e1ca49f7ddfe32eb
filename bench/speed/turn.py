"""Figure 3: a turn of the chatbot, against the same graph without memory and the bot alone."""

from __future__ import annotations

import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench.table import Figure, median_ratio
from langchain_core.messages import AIMessage, SystemMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from usermemory import UserMemory
from usermemory.langgraph import acheckpointer, create_chatbot
from usermemory.langgraph.chatbot import PROMPT
from usermemory.testing import ScriptedModel

_THREADS = 15
_TURNS = 10
_CONTEXT = {"user_id": "will"}
_NODES = ("remember", "recall", "model", "remember_answer")


async def figures(folder: Path) -> list[Figure]:
    """Times of one turn with an instant model and a checkpointer on the memory's own file."""
    model = ScriptedModel(replies=lambda _: "I see.")
    async with AsyncExitStack() as stack:

        async def memory_and_saver(name: str) -> tuple[UserMemory, Any]:
            memory = UserMemory(str(folder / f"{name}.db"), model="offline", delay=3600)
            await stack.enter_async_context(memory)
            return memory, await stack.enter_async_context(await acheckpointer(memory))

        memory, saver = await memory_and_saver("chatbot")
        bots = [
            create_chatbot(memory, model, checkpointer=saver),
            _without_memory(model, ("model",), (await memory_and_saver("alone"))[1]),
            _without_memory(model, _NODES, (await memory_and_saver("empty"))[1]),
        ]
        times = [await _thread(bots, number) for number in range(_THREADS)]
    chatbot, alone, empty = zip(*times, strict=True)
    return [
        _figure("a turn / with empty recall and remember nodes", chatbot, empty, 1.2),
        _figure("a turn / the bot alone", chatbot, alone, None),
    ]


def _figure(
    name: str, ours: tuple[float, ...], other: tuple[float, ...], target: float | None
) -> Figure:
    first, second = (f"{statistics.median(times) * 1_000:.1f} ms" for times in (ours, other))
    return Figure(name, first, second, median_ratio(ours, other), target, "<=")


def _without_memory(model: ScriptedModel, nodes: tuple[str, ...], saver: Any) -> Any:
    """The chatbot's graph, or a part of it, in which nothing but the model does anything."""

    async def nothing(_: MessagesState) -> dict[str, Any]:
        return {}

    async def ask(state: MessagesState) -> dict[str, list[AIMessage]]:
        return {"messages": [await model.ainvoke([SystemMessage(PROMPT), *state["messages"]])]}

    graph: Any = StateGraph(MessagesState)
    for node in nodes:
        graph.add_node(node, ask if node == "model" else nothing)
    for before, after in zip((START, *nodes), (*nodes, END), strict=True):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=saver)


async def _thread(bots: list[Any], number: int) -> list[float]:
    """The median seconds of a turn of each bot, turn about in threads that grow alike."""
    times: list[list[float]] = [[] for _ in bots]
    config = {"configurable": {"thread_id": f"thread-{number}"}}
    for turn in range(_TURNS):
        said = {"messages": [("user", f"I went climbing with Anna, for the {turn}. time.")]}
        for bot, taken in zip(bots, times, strict=True):
            begin = time.perf_counter()
            await bot.ainvoke(said, config, context=_CONTEXT)
            taken.append(time.perf_counter() - begin)
    return [statistics.median(taken) for taken in times]
