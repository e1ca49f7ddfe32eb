"""What a person can type in a chat besides talking, and the status line below."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

import typer

from usermemory.cli.chat import Conversation, new_thread
from usermemory.cli.common import console, count, listed, printable, say
from usermemory.cli.erase import PENDING, reach_lines, thread_names
from usermemory.cli.show import (
    changes_line,
    hit_text,
    profile_table,
    quoted,
    refused_lines,
    refused_text,
    undone_text,
)
from usermemory.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from usermemory.records import Event, Job, Outcome

_REFUSED_SHOWN = 20
"""Refused changes that are shown, the newest."""


class ChatStatus:
    """What a chat's status line says, and what happened in the background and is untold.

    Events come from the worker's threads, reads from the chat's.

    Args:
        user_id: Whose events.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._latest = ""
        self._news: SimpleQueue[str] = SimpleQueue()

    def on_event(self, event: Event) -> None:
        """Take in one event of the memory."""
        if event.kind == "error":
            self._add(f"memory: {event.error}")
        elif event.outcome and event.user_id == self._user_id:
            if event.kind == "rejected":
                for line in refused_lines(event.outcome.rejections, self._user_id):
                    self._news.put(line)
            else:
                self._add(_outcome_line(event.outcome))

    def _add(self, news: str) -> None:
        self.note(news)
        self._news.put(self._latest)

    def note(self, text: str) -> None:
        """Show this as the last thing that happened, to people who know of it already."""
        self._latest = printable(text)

    def line(self, jobs: Iterable[Job]) -> str:
        """What is going on, with the user's threads that wait to be read."""
        jobs = [job for job in jobs if job.unread]
        waiting = ""
        if jobs:
            waiting = f"{count(sum(job.unread for job in jobs), 'message')} pending"
            due = min((job.due_at for job in jobs if job.due_at is not None), default=None)
            if any(job.running for job in jobs):
                waiting += ", consolidating"
            elif due is not None:
                waiting += f", consolidating in {max(0.0, due - time.time()):.0f} s"
        return "  ·  ".join(filter(None, (waiting, self._latest)))

    def has_news(self) -> bool:
        """Whether something happened that was not asked for yet."""
        return not self._news.empty()

    def unsaid(self) -> list[str]:
        """What happened since this was asked last."""
        news: list[str] = []
        while not self._news.empty():
            news.append(self._news.get())
        return news


def _outcome_line(outcome: Outcome) -> str:
    if outcome.revision:
        return f"learned: {changes_line(outcome.revision.changes)}"
    if outcome.status == "held":
        return f"not read yet: {outcome.reason}"
    if outcome.status == "failed":
        then = "tried again soon" if outcome.retry_at else "see usermemory jobs list"
        return f"not learned: {outcome.error or outcome.reason} ({then})"
    return "read; nothing new to learn"


class ChatCommands:
    """The slash commands of one chat.

    Args:
        conversation: Whose thread ``/new`` changes.
        status: What the status line shows.
        piped: Whether standard output is for answers only, and remarks go to standard error.
    """

    def __init__(
        self, conversation: Conversation, status: ChatStatus, *, piped: bool = False
    ) -> None:
        self._memory = conversation.memory
        self._user_id = conversation.user_id
        self._conversation = conversation
        self._status = status
        self._piped = piped
        self.by_name: Mapping[str, tuple[Callable[[str], None], str]] = {
            "/new": (self._new, "a new thread; with a name, that one: /new [THREAD]"),
            "/profile": (self._profile, "what is known about you"),
            "/why": (
                self._why,
                "your words behind a field, or a value of it: /why [FIELD [VALUE]]",
            ),
            "/search": (self._search, "what you told, by words and time: /search WORDS"),
            "/refused": (
                self._refused,
                "what was proposed for your profile and not made, and why: /refused [FIELD]",
            ),
            "/remember": (self._remember, "read now what is pending, instead of when it is quiet"),
            "/undo": (self._undo, "take back what was learned last: /undo [REVISION]"),
            "/forget": (
                self._forget,
                "erase a field, a value of it, or all of you: /forget [FIELD [VALUE]]",
            ),
            "/help": (self._help, "this list"),
            "/quit": (self._quit, "leave; nothing is lost (Ctrl-D does the same)"),
        }

    def run(self, line: str) -> None:
        """Carry out one line that begins with a slash.

        Raises:
            InvalidInput: There is no such command, or it cannot do that.
            EOFError: The user wants to leave.
        """
        name, _, rest = line.strip().partition(" ")
        if name not in self.by_name:
            raise InvalidInput(f"there is no {name}; /help lists what there is")
        self.by_name[name][0](rest.strip())

    def tell(self, text: str) -> None:
        """Say something that is neither the user's nor the bot's."""
        say(text, stderr=self._piped, style="dim")

    def greet(self) -> None:
        """Say which thread this is, and what was said in it last."""
        messages = self._conversation.so_far()
        begun = "Thread" if not messages else "Going on with thread"
        self.tell(f"{begun} {self._conversation.thread_id}. /help lists what you can do here.")
        for message in messages[-4:]:
            self.tell(f"{'you' if message.type == 'human' else 'bot'}: {message.text}")

    def farewell(self) -> None:
        """Say what is still unread, and that nothing is lost."""
        with suppress(StoreError, OSError):  # the terminal may be gone
            if pending := self._memory.recall(self._user_id).pending:
                self.tell(
                    f"{count(pending, 'message')} pending: kept, and read when a chat or a worker "
                    f"runs next (usermemory jobs trigger {self._user_id} does it now)."
                )

    def _new(self, name: str) -> None:
        before = self._conversation.thread_id
        self._conversation.thread_id = name or new_thread()
        try:
            self.greet()
        except InvalidInput:
            self._conversation.thread_id = before
            raise

    def _profile(self, _: str) -> None:
        known = self._memory.recall(self._user_id)
        past = self._memory.history(self._user_id)
        told = self._memory.schema.without_defaults(known.document, known.times)
        if rows := profile_table(told, past, known.dates):
            say(rows)
        else:
            self.tell("Nothing is known about you yet.")

    def _why(self, what: str) -> None:
        field, _, value = what.partition(" ")
        if not field:
            self._profile("")
            return
        evidence = self._memory.why(self._user_id, field, value.strip() or None)
        for one in evidence:
            say(quoted(one))
        if not evidence:
            self.tell("No words of yours stand behind that.")

    def _refused(self, field: str) -> None:
        refused = self._memory.refused(self._user_id, field or None, _REFUSED_SHOWN)
        for one in refused:
            say(refused_text(one), soft_wrap=True)
        if not refused:
            self.tell("Nothing that was proposed was refused.")

    def _search(self, words: str) -> None:
        if not words:
            raise InvalidInput("/search: say what to look for, such as /search flat in Lisbon")
        hits = self._memory.search(self._user_id, words)
        for hit in hits:
            say(hit_text(hit))
        if not hits:
            self.tell("Nothing that you told is about that.")

    def _remember(self, _: str) -> None:
        with console().status("reading"):
            outcomes = self._memory.trigger(self._user_id)
        if not outcomes:  # else the status line's news says what came of it
            self.tell("Nothing was pending.")

    def _undo(self, number: str) -> None:
        if number and not number.isdecimal():
            raise InvalidInput(f"/undo {number}: write the number of a revision, or nothing")
        history = self._memory.history(self._user_id)
        undone = self._memory.undo(self._user_id, int(number) if number else None)
        say(undone_text(undone, history, self._memory.schema))
        if undone.revision:
            self._status.note(f"took back: {changes_line(undone.revision.changes)}")

    def _forget(self, what: str) -> None:
        field, _, value = what.partition(" ")
        if field:
            erase = partial(self._memory.forget, self._user_id, field, value.strip() or None)
        else:
            erase = partial(self._memory.forget_user, self._user_id)
        reach = erase(dry_run=True)
        for line in reach_lines(reach, done=False):
            self.tell(line)
        if not self._asked(f"Erase {what or 'all that is known about you'}? There is no undo"):
            self.tell("It stays.")
            return
        from usermemory.langgraph.threads import OwnThreads

        threads = OwnThreads(self._conversation.graph.checkpointer, self._user_id)
        held = threads.held(reach.threads)
        holds = f"The conversation still holds it: {thread_names(held)}. Delete it, whole?"
        whole = held and self._asked(holds)
        done = erase(checkpointer=threads if whole else None)
        reached = " ".join(reach_lines(done, done=True))
        self._status.note(reached)  # the line may have shown what is erased
        self.tell(reached)
        if held and not whole:
            self.tell(f"The conversation still holds it: {listed(held)}.")
        if threads.deleted:
            self.tell(f"Deleted: {thread_names(threads.deleted)}.")
        if done.pending:
            self.tell(PENDING)
        if self._conversation.thread_id in threads.deleted:
            self._new("")

    def _asked(self, question: str) -> bool:
        """Whether the user says yes; Ctrl-C and the end of the input say no."""
        try:
            return typer.confirm(printable(question), err=self._piped)
        except typer.Abort:
            return False

    def _help(self, _: str) -> None:
        for name, (_do, text) in self.by_name.items():
            self.tell(f"{name:10} {text}")

    def _quit(self, _: str) -> None:
        raise EOFError
