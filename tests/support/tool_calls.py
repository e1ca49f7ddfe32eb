"""A model that calls the tools of a memory, in an agent or in our own chatbot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolMessage

from usermemory import UserMemory
from usermemory.langgraph import UserMemoryMiddleware, create_chatbot, memory_tools
from usermemory.testing import ScriptedModel


def calling(name: str, **args: Any) -> AIMessage:
    """A message of the model that calls one tool."""
    call: Any = {"name": name, "args": args, "id": f"call-{name}", "type": "tool_call"}
    return AIMessage("", tool_calls=[call])


def saving(quote: str, field: str, value: Any, action: str = "add", **more: Any) -> AIMessage:
    """A call of ``save_memory`` with one change."""
    change = {"quote": quote, "who": "user", "field": field, "action": action, "value": value}
    return calling("save_memory", changes=[change | more])


def forgetting(quote: str, field: str, value: Any = None) -> AIMessage:
    """A call of ``forget_memory``."""
    return calling("forget_memory", quote=quote, field=field, value=value)


def script(*replies: Any) -> ScriptedModel:
    """The replies, and "Done." for whatever comes after them."""
    given = iter(replies)
    return ScriptedModel(replies=lambda _: next(given, "Done."))


def agent_with_tools(
    memory: UserMemory,
    model: Any,
    checkpointer: Any = None,
    tools: Sequence[Any] = (),
    **options: Any,
) -> Any:
    """An agent of ``create_agent`` with middleware and tools."""
    return create_agent(
        model,
        [*memory_tools(memory, **options), *tools],
        middleware=[UserMemoryMiddleware(memory, **options)],
        checkpointer=checkpointer,
    )


def bot_with_tools(
    memory: UserMemory,
    model: Any,
    checkpointer: Any = None,
    tools: Sequence[Any] = (),
    **options: Any,
) -> Any:
    """Our own chatbot with the same tools."""
    given = [*memory_tools(memory, **options), *tools]
    return create_chatbot(memory, model, checkpointer=checkpointer, tools=given, **options)


def told(state: Any) -> list[tuple[str, str]]:
    """Status and text of what the tools answered in the newest turn."""
    found: list[tuple[str, str]] = []
    for message in reversed(state["messages"]):
        if message.type == "human":
            break
        if isinstance(message, ToolMessage):
            found.append((message.status, message.text))
    return found[::-1]
