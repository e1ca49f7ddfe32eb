"""A turn of the chatbot, against the same bot without memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from bench.quick.sides import Side, Target, processor
from bench.table import Figure
from langchain_core.messages import AIMessage, SystemMessage, ToolCall, ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from usermemory import UserMemory
from usermemory.langgraph import create_chatbot
from usermemory.langgraph.chatbot import PROMPT
from usermemory.langgraph.nodes import Node
from usermemory.testing import ScriptedModel

_TURNS_OF_A_THREAD = 10
_FACTS = [f"Something that was said of an evening, number {number}" for number in range(20)]


def figures(folder: Path) -> list[Figure]:
    """Processor time of a turn, and of one with a call of a tool."""
    with memory_of(folder / "memory.db") as memory:
        return [
            processor(
                f"a turn of the chatbot{what} / the bot alone",
                turns(bot_with(memory, folder / f"ours{tools}.db", tools=tools)),
                turns(bot_alone(folder / f"alone{tools}.db", tools=tools)),
                Target(target),
                rounds=21,
                times=_TURNS_OF_A_THREAD,
            )
            for what, tools, target in ((", sync", False, 1.6), (" with a tool call", True, 1.5))
        ]


def memory_of(database: Path | str) -> UserMemory:
    """A memory that knows the user, and has no worker."""
    memory = UserMemory(database, model="offline", worker=False, delay=3600).open()
    known = {"name": "Will", "age": 34, "interests": ["climbing"], "core_memories": _FACTS}
    memory.edit("u", known, by="bench")
    return memory


def turns(bot: Any) -> Side:
    """A side that says something to a bot; after ten turns in another thread."""

    def turn(number: int) -> None:
        thread = f"thread-{number // _TURNS_OF_A_THREAD}"
        said = {"messages": [("user", f"I went climbing with Anna, for the {number}. time.")]}
        bot.invoke(said, {"configurable": {"user_id": "u", "thread_id": thread}})

    return turn


def bot_with(memory: UserMemory, path: Path, *, tools: bool = False) -> Any:
    """Our chatbot, with a checkpointer on a file of its own."""
    given = [weather] if tools else []
    return create_chatbot(memory, model(tools=tools), tools=given, checkpointer=saver(path))


def bot_alone(path: Path, *, tools: bool = False) -> Any:
    """The same graph without memory."""
    return alone(saver(path), tools=tools)


def alone(checkpointer: Any, *, tools: bool = False) -> Any:
    """The same graph without memory, with any checkpointer; it runs in both colours."""
    asked: Any = model(tools=tools)
    if tools:
        asked = asked.bind_tools([weather])

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [asked.invoke([SystemMessage(PROMPT), *state["messages"]])]}

    async def aask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await asked.ainvoke([SystemMessage(PROMPT), *state["messages"]])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node(
        "model", Node("model", lambda state, _: ask(state), lambda state, _: aask(state))
    )
    graph.add_edge(START, "model")
    if tools:
        graph.add_node("tools", ToolNode([weather]))
        graph.add_conditional_edges("model", tools_condition, {"tools": "tools", END: END})
        graph.add_edge("tools", "model")
    else:
        graph.add_edge("model", END)
    return graph.compile(checkpointer=checkpointer)


def model(*, tools: bool) -> ScriptedModel:
    """A model that answers at once; with tools it calls one first."""

    def reply(messages: list[Any]) -> Any:
        if tools and not isinstance(messages[-1], ToolMessage):
            return AIMessage(
                "",
                tool_calls=[
                    ToolCall(name="weather", args={"place": "Bern"}, id=f"c{len(messages)}")
                ],
            )
        return "I see."

    return ScriptedModel(replies=reply)


def _call(number: int) -> AIMessage:
    call = ToolCall(name="weather", args={"place": "Bern"}, id=f"call-{number}")
    return AIMessage("", tool_calls=[call])


def weather(place: str) -> str:
    """The weather of a place."""
    return f"Sunny in {place}."


def saver(path: Path) -> SqliteSaver:
    """LangGraph's checkpointer on a file of its own."""
    return SqliteSaver(sqlite3.connect(path, check_same_thread=False))
