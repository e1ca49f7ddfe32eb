"""``usermemory demo``: all of it in a minute, without a key."""

from __future__ import annotations

import json as json_text
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from usermemory.cli.common import AsJson, console, count, open_memory, print_json, say
from usermemory.errors import ConfigurationError, ExtractionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from usermemory.choice import Choice
    from usermemory.cli.chat import Conversation
    from usermemory.memory import UserMemory
    from usermemory.records import Event, Outcome


_FIRST_THREAD = (
    "Hi there, I'm will",
    "Sorry Im testing something!",
    "Well it's not that bad i guess!",
    "I'm building long term memory for you! then you can know me",
    "I'm building long term memory for you! then you can know me",
)
_SECOND_THREAD = ("Hi there. guess what i'm working on?",)
_THIRD_THREAD = (
    "I been working! making some progress",
    "Guess what i was working on? Remeber?",
    "HI?",
)

_READING_TIME = 120.0
"""Seconds that a model may take to read the first thread."""

Scene = dict[str, Any]
"""What has happened, as --json prints it; ``scene`` says what kind it is."""


def demo(
    *,
    delay: Annotated[
        float, Option(min=0, metavar="SECONDS", help="Quiet time before it learns.")
    ] = 2.0,
    db: Annotated[
        str | None,
        Option(
            metavar="PATH|URL",
            help="Keep the database, to look at it afterwards.",
            show_default="a temporary file",
        ),
    ] = None,
    user: Annotated[str, Option(metavar="ID", help="Whom it plays.")] = "will",
    model: Annotated[
        str,
        Option(metavar="PROVIDER:NAME", help="A real model, such as anthropic:claude-haiku-4-5."),
    ] = "offline",
    json: AsJson = False,
) -> None:
    """Play a conversation, let it go quiet, show what was learned, and meet again in a new thread.

    Everything is real: the graph, its checkpointer, the database and the worker that reads in the
    background. Only the language model is not, unless you name one: rules stand in for it, so
    that no key and no network are needed.

    Examples:
        usermemory demo
        usermemory demo --db demo.db && usermemory profile history will --db demo.db
        usermemory demo --model openai:gpt-5-mini --delay 5
    """
    from usermemory.choice import choose

    chosen = choose(model)
    with TemporaryDirectory(prefix="usermemory-") as folder:
        scenes = _play(db or str(Path(folder) / "demo.db"), user, chosen, delay)
        if json:
            print_json(list(scenes))
            return
        for scene in scenes:
            _show_scene(scene)
    say()
    console().rule(align="left")
    say("Your turn:   usermemory chat --user you")
    if db is not None:
        say(f"Look at it:  usermemory profile show {user} --db {db}")


def _play(database: str, user: str, chosen: Choice, delay: float) -> Iterator[Scene]:
    """Play the story; each scene is given when it has happened, but the quiet when it begins.

    Args:
        database: A path or URL.
        user: Whom to play: a user whom this database does not know yet.
        chosen: The model.
        delay: Seconds of quiet before the worker reads.

    Raises:
        ConfigurationError: The user is known already, so there would be nothing to see.
        ExtractionError: The model did not read the thread.
    """
    from usermemory.cli.chat import conversing

    outcomes: SimpleQueue[Outcome] = SimpleQueue()

    def follow(event: Event) -> None:
        if event.outcome and event.kind != "rejected":
            outcomes.put(event.outcome)

    with (
        open_memory(database, None, chosen.model, delay=delay, on_event=follow) as memory,
        conversing(memory, chosen.bot(), user, "convo 1") as conversation,
    ):
        if memory.recall(user).revision or conversation.so_far():
            raise ConfigurationError(
                f"this database knows {user!r} already; name another --user, or another --db"
            )
        yield {"scene": "opened", "database": memory.driver.url, "model": chosen.name}
        yield from _play_thread(conversation, "convo 1", "The bot knows nobody.", _FIRST_THREAD)
        job = next(iter(memory.jobs(user_id=user)), None)
        due_at = (job and job.due_at) or time.time()
        pending = job.unread if job else 0
        yield {"scene": "quiet", "seconds": delay, "due_at": due_at, "pending": pending}
        yield _wait_until_learned(memory, user, outcomes)
        again = "A new thread. Nothing of the first is in it but what was learned."
        yield from _play_thread(conversation, "convo 2", again, _SECOND_THREAD)
        yield from _play_thread(conversation, "convo 3", "And another one, later.", _THIRD_THREAD)


def _play_thread(
    conversation: Conversation, thread_id: str, about: str, lines: tuple[str, ...]
) -> Iterator[Scene]:
    conversation.thread_id = thread_id
    yield {"scene": "begun", "thread_id": thread_id, "about": about}
    for line in lines:
        yield {
            "scene": "turn",
            "thread_id": thread_id,
            "user_id": conversation.user_id,
            "said": line,
            "answered": "".join(conversation.say(line)),
        }


def _wait_until_learned(memory: UserMemory, user: str, outcomes: SimpleQueue[Outcome]) -> Scene:
    """Wait for the worker; a long thread may take it more than one batch."""
    from usermemory.changes import patch

    while memory.recall(user).pending:
        try:
            outcome = outcomes.get(timeout=memory.delay + _READING_TIME)
        except Empty:
            raise ExtractionError(f"nothing was read within {_READING_TIME:.0f} s") from None
        if outcome.status == "failed":
            raise ExtractionError(outcome.error or outcome.reason)
    revisions = memory.history(user)[::-1]
    return {
        "scene": "learned",
        "revisions": revisions,
        "patch": patch([change for revision in revisions for change in revision.changes]),
        "profile": memory.recall(user).document,
    }


def _show_scene(scene: Scene) -> None:
    from rich.table import Table
    from rich.text import Text

    match scene:
        case {"scene": "opened", "database": database, "model": model}:
            rules = "no language model: rules stand in for it"
            model = rules if model == "offline" else model
            say("A chatbot that remembers its users across threads", style="bold")
            say(f"database  {database}\nmodel     {model}", style="dim")
        case {"scene": "begun", "thread_id": thread_id, "about": about}:
            _show_title(f"thread {thread_id}", f"{about}\n")
        case {"scene": "turn", "user_id": user_id, "said": said, "answered": answered}:
            lines = Table.grid(padding=(0, 2))
            lines.add_row(Text(user_id, "bold cyan"), said)
            lines.add_row(Text("bot", "bold green"), answered)
            say(lines)
        case {"scene": "quiet"}:
            _show_quiet(scene)
        case _:
            _show_learned(scene)


def _show_title(title: str, about: str) -> None:
    from rich.text import Text

    say()
    console().rule(Text(title, "bold"), align="left")
    say(about, style="dim")


def _show_quiet(quiet: Scene) -> None:
    """Let the time pass where it can be seen; the worker measures it for itself."""
    about = (
        f"Nobody says anything for {quiet['seconds']:g} s, so the worker in the background reads "
        f"the {count(quiet['pending'], 'message')}.\nThe chat did not wait for that, and a new "
        "message would have put it off.\n"
    )
    _show_title("quiet", about)
    with console().status("") as waiting:
        while (left := quiet["due_at"] - time.time()) > 0:
            waiting.update(f"consolidating in {left:.0f} s")
            time.sleep(min(left, 0.2))
        waiting.update("consolidating")


def _show_learned(learned: Scene) -> None:
    from rich.syntax import Syntax
    from rich.text import Text

    from usermemory.cli.show import revision_lines

    console().rule(Text("learned", "bold"), align="left")
    say("Each change names the words it rests on: no quote, no memory.\n", style="dim")
    for revision in learned["revisions"]:
        say(revision_lines(revision))
    say("\nThe same as a JSON patch (RFC 6902):\n", style="dim")
    patch = "\n".join(json_text.dumps(step, ensure_ascii=False) for step in learned["patch"])
    say(Syntax(patch, "json", background_color="default", word_wrap=True))
