"""A person talking to the bot in one thread after another, through the real graph."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from usermemory.errors import IdentityError
from usermemory.extract.provider_errors import ProviderErrors

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from langchain_core.language_models import BaseChatModel

    from usermemory.memory import UserMemory


def new_thread() -> str:
    """A name for a thread that says when it began."""
    return f"{datetime.now(tz=UTC).astimezone():%Y-%m-%d-%H%M}-{secrets.token_hex(2)}"


@dataclass
class Conversation:
    """One user's side of a chatbot.

    Attributes:
        memory: What the bot remembers with.
        graph: The compiled chatbot.
        user_id: Who talks.
        thread_id: In which thread.
    """

    memory: UserMemory
    graph: Any
    user_id: str
    thread_id: str = field(default_factory=new_thread)
    _last: HumanMessage | None = None

    def say(self, text: str) -> Iterator[str]:
        """The pieces of the bot's reply, as they come.

        Raises:
            ProviderError: The model could not be asked; what was said is remembered.
            ExtractionError: Its answer could not be used.
        """
        self._last = HumanMessage(text, id=str(uuid4()))
        return self._reply(self._last)

    def keep(self) -> None:
        """Remember what was said last, also where the graph was stopped before it could."""
        if self._last:
            self.memory.remember(self.user_id, self.thread_id, [self._last])

    def _reply(self, message: HumanMessage) -> Iterator[str]:
        inputs = {"messages": [message]}
        with ProviderErrors():
            stream = self.graph.stream(inputs, self._config, stream_mode="messages")
            for piece, _ in _leavable(stream):
                if isinstance(piece, AIMessage):
                    yield str(piece.text)

    def so_far(self) -> list[BaseMessage]:
        """What was said in this thread before.

        Raises:
            IdentityError: Somebody else said it: a checkpointer knows threads, not users.
        """
        state = self.graph.get_state(self._config)
        metadata: dict[str, Any] = state.metadata or {}
        owner = metadata.get("user_id", self.user_id)
        if owner != self.user_id:
            raise IdentityError(
                f"thread {self.thread_id!r} belongs to {owner!r}, not to {self.user_id!r}; "
                "name another"
            )
        messages: list[BaseMessage] = state.values.get("messages", [])
        return messages

    @property
    def _config(self) -> dict[str, Any]:
        return {"configurable": {"user_id": self.user_id, "thread_id": self.thread_id}}


_LOOK = 0.2
"""Seconds between looks for an interrupt."""


def _leavable(stream: Iterator[Any]) -> Iterator[Any]:
    """The same items, from a thread that can be left alone with them.

    Whoever stops LangGraph's stream waits until the model has answered, and Ctrl-C is pressed just
    because it does not.
    """
    items: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    left = Event()

    def run() -> None:
        end: BaseException = StopIteration()
        try:
            for item in stream:
                if left.is_set():
                    break
                items.put((item, None))
        except BaseException as error:  # noqa: BLE001 - raised where the items are awaited
            end = error
        items.put((None, end))

    Thread(target=run, daemon=True).start()
    try:
        while True:
            try:
                # Not for ever: an interrupt is noticed between two looks, whichever thread gets it.
                item, end = items.get(timeout=_LOOK)
            except Empty:
                continue
            if isinstance(end, StopIteration):
                return
            if end is not None:
                raise end
            yield item
    finally:
        left.set()


@contextmanager
def conversing(
    memory: UserMemory, bot: BaseChatModel, user_id: str, thread_id: str | None = None
) -> Generator[Conversation]:
    """A conversation whose threads are kept in the memory's own database file.

    Args:
        memory: What the bot remembers with.
        bot: The chat model that talks.
        user_id: Who talks.
        thread_id: A thread to go on with; None for a new one.
    """
    from usermemory.langgraph import checkpointer, create_chatbot

    with checkpointer(memory) as saver:
        graph = create_chatbot(memory, bot, checkpointer=saver)
        yield Conversation(memory, graph, user_id, thread_id or new_thread())
