"""An agent of LangChain's own, with our middleware among others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from tests.support.graphs import Chat, chatting

from usermemory import UserMemory
from usermemory.langgraph import UserMemoryMiddleware
from usermemory.testing import ScriptedModel

PROMPT = "Be nice."


def agent(
    memory: UserMemory,
    model: Any,
    *,
    tools: Sequence[Any] = (),
    others: Sequence[AgentMiddleware[Any, Any, Any]] = (),
    prompt: Any = PROMPT,
    checkpointer: Any = None,
    ours_first: bool = False,
    **options: Any,
) -> Any:
    """An agent whose last middleware is ours, or its first."""
    ours = UserMemoryMiddleware(memory, **options)
    return create_agent(
        model,
        list(tools),
        system_prompt=prompt,
        middleware=[ours, *others] if ours_first else [*others, ours],
        checkpointer=checkpointer,
    )


def chatting_agent(
    folder: Path, colour: str, model: Any, **options: Any
) -> AbstractAsyncContextManager[Chat]:
    """As `chatting`, with an agent."""
    return chatting(folder, colour, model, build=agent, **options)


def answering(text: str = "Noted.") -> ScriptedModel:
    """A model that always says the same, and keeps what it was asked."""
    return ScriptedModel(replies=lambda _: text)


def systems(model: ScriptedModel) -> list[str]:
    """The system message of each call; empty where there is none."""
    firsts = [call.messages[0] for call in model.calls]
    return [first.text if first.type == "system" else "" for first in firsts]
