"""``usermemory chat``: talk to a bot that remembers."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, BaseUrl, Database, Model, SchemaName, examples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from usermemory.cli.commands import Commands
    from usermemory.cli.conversation import Conversation
    from usermemory.cli.status import Status
    from usermemory.memory import UserMemory


EXAMPLES = examples(
    "usermemory chat --user will",
    "usermemory chat --user will --thread monday --delay 10",
    "usermemory chat --model anthropic:claude-haiku-4-5",
    "usermemory chat --model qwen --base-url http://localhost:8080/v1",
    'echo "Hi, I\'m Will" | usermemory chat --user will',
)


def chat(
    *,
    user: Annotated[
        str, typer.Option(envvar="USERMEMORY_USER", metavar="ID", help="Who you are.")
    ] = "me",
    thread: Annotated[
        str | None,
        typer.Option(metavar="ID", help="A thread to go on with.", show_default="a new one"),
    ] = None,
    delay: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Quiet time before it learns.")
    ] = 60.0,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
) -> None:
    """Talk to a bot that remembers you, in the terminal; without one, a line of input is a turn.

    It learns in the background, once you have been quiet for a while. /new begins another thread,
    in which it still knows you; /help lists what else there is. Ctrl-C, Ctrl-D and a closed
    terminal lose nothing.
    """
    from usermemory.choice import choose
    from usermemory.cli.commands import Commands
    from usermemory.cli.conversation import conversing
    from usermemory.cli.opening import opened
    from usermemory.cli.output import console
    from usermemory.cli.status import Status

    _leave_on_signals()
    # What goes wrong is told in the chat; log lines would run through what is being typed.
    logging.getLogger("usermemory").addHandler(logging.NullHandler())
    chosen = choose(model, base_url, look=True)
    bot = chosen.bot()
    status = Status(user)
    with (
        opened(db, schema, chosen.model, delay=delay, on_event=status.on_event) as memory,
        conversing(memory, bot, user, thread) as conversation,
    ):
        status.follow(memory.jobs(user_id=user))
        aside = console(stderr=not _interactive())
        commands = Commands(memory, conversation, status, console(), aside)
        commands.tell(chosen.notice or f"You are talking to {chosen.name}.")
        commands.greet()
        try:
            _talk(memory, conversation, commands, status)
        finally:
            commands.farewell()


def _talk(
    memory: UserMemory, conversation: Conversation, commands: Commands, status: Status
) -> None:
    """Turn after turn, until the user leaves."""
    from usermemory.errors import UserMemoryError

    for line in _lines(memory, commands, status):
        try:
            if line.startswith("/"):
                commands.run(line)
            else:
                _answer(conversation, line)
        except UserMemoryError as error:
            commands.tell(str(error))
        except KeyboardInterrupt:
            commands.tell("\nInterrupted; what you said is remembered. Once more to leave.")
        except EOFError:
            return
        for news in status.unsaid():
            commands.tell(news)


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _lines(memory: UserMemory, commands: Commands, status: Status) -> Iterable[str]:
    if not _interactive():
        return (line.strip() for line in sys.stdin if line.strip())
    from usermemory.cli.terminal import typed

    return typed(lambda: _status_line(memory, status), commands.by_name)


def _status_line(memory: UserMemory, status: Status) -> str:
    from usermemory.errors import UserMemoryError

    try:
        return status.line(memory.recall(status.user_id).pending)
    except UserMemoryError as error:
        return f"the memory cannot be read: {error}"


def _answer(conversation: Conversation, line: str) -> None:
    """Print the reply to a line as it comes; whoever stops it has said the line all the same."""
    from usermemory.cli.output import clean

    pieces = conversation.say(line)
    try:
        typer.echo("bot: ", nl=False)
        for piece in pieces:
            typer.echo(clean(piece), nl=False)
    except (KeyboardInterrupt, SystemExit):
        conversation.keep()
        raise
    finally:
        typer.echo()


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
