"""The story that the demo plays, scene by scene, in a real graph with a real worker."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from usermemory.changes import patch
from usermemory.cli.conversation import Conversation, conversing
from usermemory.cli.opening import opened
from usermemory.errors import ConfigurationError, ExtractionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from usermemory.choice import Choice
    from usermemory.events import Event
    from usermemory.memory import UserMemory
    from usermemory.records import Outcome, Revision

FIRST = (
    "Hi there, I'm will",
    "Sorry Im testing something!",
    "Well it's not that bad i guess!",
    "I'm building long term memory for you! then you can know me",
    "I'm building long term memory for you! then you can know me",
)
SECOND = ("Hi there. guess what i'm working on?",)
THIRD = ("I been working! making some progress", "Guess what i was working on? Remeber?", "HI?")

_PATIENCE = 120.0
"""Seconds that a model may take to read the first thread."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The stage is set."""

    database: str
    model: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A thread begins."""

    thread_id: str
    about: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The user said something and the bot answered."""

    thread_id: str
    user_id: str
    said: str
    answered: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is said any more; the thread is due when it has been quiet for so long."""

    seconds: float
    due_at: float
    pending: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What the worker made of the thread: as a rule one revision."""

    revisions: list[Revision]
    patch: list[dict[str, Any]]
    profile: dict[str, Any]


Scene = Opened | Begun | Turn | Quiet | Learned


def told(scene: Scene) -> dict[str, Any]:
    """A scene as JSON."""
    return {"scene": type(scene).__name__.lower(), **asdict(scene)}


def play(database: str, user: str, chosen: Choice, delay: float) -> Iterator[Scene]:
    """Play the story; each scene is given when it has happened, but the quiet when it begins.

    Args:
        database: A path or URL.
        user: Whom to play: somebody whom this database does not know yet.
        chosen: The model.
        delay: Seconds of quiet before the worker reads.

    Raises:
        ConfigurationError: The user is known already, so there would be nothing to see.
        ExtractionError: The model did not read the thread.
    """
    outcomes: SimpleQueue[Outcome] = SimpleQueue()

    def follow(event: Event) -> None:
        if event.outcome and event.kind != "rejected":
            outcomes.put(event.outcome)

    with (
        opened(database, None, chosen.model, delay=delay, on_event=follow) as memory,
        conversing(memory, chosen.bot(), user, "convo 1") as conversation,
    ):
        if memory.recall(user).revision or conversation.so_far():
            raise ConfigurationError(
                f"this database knows {user!r} already; name another --user, or another --db"
            )
        yield Opened(memory.driver.url, chosen.name)
        yield from _thread(conversation, "convo 1", "The bot knows nobody.", FIRST)
        yield _quiet(memory, user)
        yield _learned(memory, user, outcomes)
        again = "A new thread. Nothing of the first is in it but what was learned."
        yield from _thread(conversation, "convo 2", again, SECOND)
        yield from _thread(conversation, "convo 3", "And another one, later.", THIRD)


def _thread(
    conversation: Conversation, thread_id: str, about: str, lines: tuple[str, ...]
) -> Iterator[Scene]:
    conversation.thread_id = thread_id
    yield Begun(thread_id, about)
    for line in lines:
        yield Turn(thread_id, conversation.user_id, line, "".join(conversation.say(line)))


def _quiet(memory: UserMemory, user: str) -> Quiet:
    job = next((job for job in memory.jobs() if job.user_id == user), None)
    due_at = job.due_at if job else None
    return Quiet(memory.delay, due_at or time.time(), job.unread if job else 0)


def _learned(memory: UserMemory, user: str, outcomes: SimpleQueue[Outcome]) -> Learned:
    """Wait for the worker; a long thread may take it more than one batch."""
    while memory.recall(user).pending:
        try:
            outcome = outcomes.get(timeout=memory.delay + _PATIENCE)
        except Empty:
            raise ExtractionError(f"nothing was read within {_PATIENCE:.0f} s") from None
        if outcome.status == "failed":
            raise ExtractionError(outcome.error or outcome.reason)
    revisions = memory.history(user)[::-1]
    changes = [change for revision in revisions for change in revision.changes]
    return Learned(revisions, patch(changes), dict(memory.recall(user).document))
