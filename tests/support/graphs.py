"""A chatbot on a real graph with a real saver, driven in either colour by the same test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph.state import CompiledStateGraph

from usermemory import Event, UserMemory
from usermemory.langgraph import acheckpointer, checkpointer, create_chatbot
from usermemory.testing import FakeClock

COLOURS = ("sync", "async")


@dataclass
class Chat:
    """A memory, a chatbot on it, and how to talk to it."""

    memory: UserMemory
    bot: CompiledStateGraph[Any, Any, Any, Any]
    colour: str
    events: list[Event] = field(default_factory=list)

    async def invoke(
        self, given: Any, thread_id: str = "1", user_id: str = "will", **settings: Any
    ) -> dict[str, Any]:
        """Run the graph; settings go into the run's context."""
        config: Any = {"configurable": {"thread_id": thread_id}}
        context = {"user_id": user_id, **settings}
        if self.colour == "async":
            return await self.bot.ainvoke(given, config, context=context)
        return await asyncio.to_thread(self.bot.invoke, given, config, context=context)

    async def say(self, text: str, *args: Any, **settings: Any) -> str:
        """One turn; the last answer's text."""
        state = await self.invoke({"messages": [("user", text)]}, *args, **settings)
        answer: str = state["messages"][-1].text
        return answer

    async def stream(self, text: str, mode: str, thread_id: str = "1", **options: Any) -> list[Any]:
        """One turn, streamed."""
        given = {"messages": [("user", text)]}
        config: Any = {"configurable": {"thread_id": thread_id}}
        run: Any = {"context": {"user_id": "will"}, "stream_mode": mode, **options}
        if self.colour == "async":
            return [part async for part in self.bot.astream(given, config, **run)]
        return await asyncio.to_thread(lambda: list(self.bot.stream(given, config, **run)))

    def unread(self, user_id: str = "will") -> int:
        """Messages of a user in the inbox."""
        return sum(job.unread for job in self.memory.jobs() if job.user_id == user_id)

    def errors(self) -> list[Event]:
        """What nodes swallowed."""
        return [event for event in self.events if event.kind == "error"]


def memory_in(folder: Path, **options: Any) -> UserMemory:
    """A memory with the offline extractor and no worker."""
    options = {"model": "offline", "worker": False, **options}
    return UserMemory(f"sqlite:///{folder}/memory.db", **options)


@asynccontextmanager
async def chatting(
    folder: Path,
    colour: str,
    model: BaseChatModel,
    saver: Any = None,
    build: Callable[..., Any] = create_chatbot,
    verify: Any = "auto",
    **options: Any,
) -> AsyncIterator[Chat]:
    """What ``build`` makes, whose threads are kept by ``saver`` or in the memory's own file."""
    events = list[Event]()
    with memory_in(folder, clock=FakeClock(), on_event=events.append, verify=verify) as memory:

        def chat(saver: Any) -> Chat:
            bot = build(memory, model, checkpointer=saver, **options)
            return Chat(memory, bot, colour, events)

        if saver is not None:
            yield chat(saver)
        elif colour == "async":
            async with await acheckpointer(memory) as own:
                yield chat(own)
        else:
            with checkpointer(memory) as own:
                yield chat(own)
