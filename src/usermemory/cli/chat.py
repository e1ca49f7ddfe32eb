"""``usermemory chat``: talk to a bot that remembers, through the real graph."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from typer import Option

from usermemory.cli.common import (
    DATABASE,
    BaseUrl,
    Database,
    Model,
    SchemaName,
    open_memory,
    printable,
)
from usermemory.errors import IdentityError, UserMemoryError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage, HumanMessage
    from prompt_toolkit.key_binding import KeyPressEvent

    from usermemory.cli.chat_commands import ChatCommands, ChatStatus
    from usermemory.memory import UserMemory


_DAY = 86_400.0

_LOOK_SECONDS = 0.2
"""Seconds between looks for an interrupt, and for what happened in the background."""


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
        from langchain_core.messages import HumanMessage

        self._last = HumanMessage(text, id=str(uuid4()))
        return self._reply(self._last)

    def _reply(self, message: HumanMessage) -> Iterator[str]:
        from langchain_core.messages import AIMessage

        from usermemory.extract.provider_errors import ProviderErrors

        inputs = {"messages": [message]}
        with ProviderErrors():
            stream = self.graph.stream(inputs, self._config, stream_mode="messages")
            for piece, _ in _leavable(stream):
                if isinstance(piece, AIMessage):
                    yield str(piece.text)

    def keep(self) -> None:
        """Remember what was said last, also where the graph was stopped before it could."""
        if self._last:
            self.memory.remember(self.user_id, self.thread_id, [self._last])

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
                item, end = items.get(timeout=_LOOK_SECONDS)
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


def chat(
    *,
    user: Annotated[
        str, Option(envvar="USERMEMORY_USER", metavar="ID", help="Who you are.")
    ] = "me",
    thread: Annotated[
        str | None, Option(metavar="ID", help="A thread to go on with.", show_default="a new one")
    ] = None,
    delay: Annotated[
        float, Option(min=0, metavar="SECONDS", help="Quiet time before it learns.")
    ] = 60.0,
    keep_messages: Annotated[
        float | None,
        Option(min=0, metavar="DAYS", help="Keep what is said for so long, for /search."),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
) -> None:
    """Talk to a bot that remembers you, in the terminal; without one, a line of input is a turn.

    It learns in the background, once you have been quiet for a while. /new begins another thread,
    in which it still knows you; /help lists what else there is. Ctrl-C, Ctrl-D and a closed
    terminal lose nothing.

    Examples:
        usermemory chat --user will
        usermemory chat --user will --thread monday --delay 10
        usermemory chat --model anthropic:claude-haiku-4-5
        usermemory chat --model qwen --base-url http://localhost:8080/v1
        echo "Hi, I'm Will" | usermemory chat --user will
    """
    from usermemory.choice import choose
    from usermemory.cli.chat_commands import ChatCommands, ChatStatus

    _leave_on_signals()
    # What goes wrong is shown in the chat; log lines would run through what is being typed.
    logging.getLogger("usermemory").addHandler(logging.NullHandler())
    chosen = choose(model, base_url, look=True)
    bot = chosen.bot()
    status = ChatStatus(user)
    settings: dict[str, Any] = {
        "delay": delay,
        "on_event": status.on_event,
        "keep_messages": keep_messages and keep_messages * _DAY,
    }
    with (
        open_memory(db, schema, chosen.model, **settings) as memory,
        conversing(memory, bot, user, thread) as conversation,
    ):
        commands = ChatCommands(conversation, status, piped=not _interactive())
        commands.tell(chosen.notice or f"You are talking to {chosen.name}.")
        commands.greet()
        try:
            _take_turns(conversation, commands, status)
        finally:
            commands.farewell()


def _take_turns(conversation: Conversation, commands: ChatCommands, status: ChatStatus) -> None:
    """Turn after turn, until the user leaves."""
    if _interactive():
        lines = _typed_lines(conversation, commands, status)
    else:
        lines = (line.strip() for line in sys.stdin if line.strip())
    for line in lines:
        try:
            if line.startswith("/"):
                commands.run(line)
            else:
                _print_reply(conversation, line)
        except UserMemoryError as error:
            commands.tell(str(error))
        except KeyboardInterrupt:
            commands.tell("\nInterrupted; what you said is remembered. Once more to leave.")
        except EOFError:
            return
        _tell_news(commands, status)


def _tell_news(commands: ChatCommands, status: ChatStatus) -> None:
    for news in status.unsaid():
        commands.tell(news)


async def _tell_as_it_happens(commands: ChatCommands, status: ChatStatus) -> None:
    """Tell the news above the line that is being typed, until it is entered."""
    from prompt_toolkit.application import run_in_terminal

    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if status.has_news():
            await run_in_terminal(partial(_tell_news, commands, status))


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _print_reply(conversation: Conversation, line: str) -> None:
    """Print the reply to a line as it comes; whoever stops it has said the line all the same."""
    pieces = conversation.say(line)
    try:
        typer.echo("bot: ", nl=False)
        for piece in pieces:
            typer.echo(printable(piece), nl=False)
    except (KeyboardInterrupt, SystemExit):
        conversation.keep()
        raise
    finally:
        typer.echo()


def _typed_lines(
    conversation: Conversation, commands: ChatCommands, status: ChatStatus
) -> Iterable[str]:
    """The lines that the user types, until Ctrl-D; the status stands below, Tab completes commands.

    What happens in the background meanwhile is told above the line.

    Raises:
        KeyboardInterrupt: Ctrl-C on an empty line; on any other it clears the line.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    def below() -> str:
        try:
            return status.line(conversation.memory.jobs(user_id=conversation.user_id))
        except UserMemoryError as error:
            return f"the memory cannot be read: {error}"

    def begin() -> None:
        get_app().create_background_task(_tell_as_it_happens(commands, status))

    session: PromptSession[str] = PromptSession(
        message=[("bold", "you: ")],
        bottom_toolbar=below,
        refresh_interval=1.0,
        completer=WordCompleter(list(commands.by_name), sentence=True),
        complete_while_typing=False,
        key_bindings=keys,
    )
    while True:
        try:
            line = session.prompt(pre_run=begin).strip()
        except EOFError:
            return
        if line:
            yield line


def _leave_on_signals() -> None:
    """A closed terminal or a polite kill ends the chat as ``/quit`` does."""

    def leave(number: int, _frame: object) -> None:
        if number != signal.SIGTERM:
            # The terminal is gone, and what is still written to it must not fail.
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
        raise SystemExit(128 + number)

    # Whoever started us in the background may have had Ctrl-C ignored; a chat answers to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, leave)
