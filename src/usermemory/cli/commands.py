"""What a person can type in a chat besides talking."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import typer

from usermemory.cli.conflict import undone_text
from usermemory.cli.conversation import Conversation, new_thread
from usermemory.cli.output import clean, count, listed, plural
from usermemory.cli.reach import PENDING, reach_lines
from usermemory.cli.refused import refused_text
from usermemory.cli.show import changes_line, profile_table, quoted
from usermemory.cli.threads import OwnThreads
from usermemory.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from usermemory.cli.status import Status
    from usermemory.memory import UserMemory
    from usermemory.records import Forgotten

_REFUSED = 20
"""Refused changes that are shown, the newest."""


class Commands:
    """The slash commands of one chat.

    Args:
        memory: The memory of the bot.
        conversation: Whose thread ``/new`` changes.
        status: What the status line shows.
        out: Where answers go.
        aside: Where remarks go.
    """

    def __init__(
        self,
        memory: UserMemory,
        conversation: Conversation,
        status: Status,
        out: Console,
        aside: Console,
    ) -> None:
        self._memory = memory
        self._conversation = conversation
        self._status = status
        self._out = out
        self._aside = aside
        self.by_name: Mapping[str, tuple[Callable[[str], None], str]] = {
            "/new": (self._new, "a new thread; with a name, that one: /new [THREAD]"),
            "/profile": (self._profile, "what is known about you"),
            "/why": (
                self._why,
                "your words behind a field, or a value of it: /why [FIELD [VALUE]]",
            ),
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
        self._aside.print(clean(text), style="dim", markup=False)

    def greet(self) -> None:
        """Say which thread this is, and what was said in it last."""
        messages = self._conversation.so_far()
        begun = "Thread" if not messages else "Going on with thread"
        self.tell(f"{begun} {self._conversation.thread_id}. /help lists what you can do here.")
        for message in messages[-4:]:
            self.tell(f"{'you' if message.type == 'human' else 'bot'}: {message.text}")

    def farewell(self) -> None:
        """Say what is still unread, and that nothing is lost."""
        user = self._conversation.user_id
        with suppress(StoreError, OSError):  # the terminal may be gone
            if pending := self._memory.recall(user).pending:
                self.tell(
                    f"{count(pending, 'message')} pending: kept, and read when a chat or a worker "
                    f"runs next (usermemory jobs trigger {user} does it now)."
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
        user = self._conversation.user_id
        table = profile_table(self._memory.recall(user).document, self._memory.history(user))
        if table:
            self._out.print(table)
        else:
            self.tell("Nothing is known about you yet.")

    def _why(self, what: str) -> None:
        field, _, value = what.partition(" ")
        if not field:
            self._profile("")
            return
        found = self._memory.why(self._conversation.user_id, field, value.strip() or None)
        for item in found:
            self._out.print(quoted(item))
        if not found:
            self.tell("No words of yours stand behind that.")

    def _refused(self, field: str) -> None:
        found = self._memory.refused(self._conversation.user_id, field or None, _REFUSED)
        for one in found:
            self._out.print(refused_text(one), soft_wrap=True)
        if not found:
            self.tell("Nothing that was proposed was refused.")

    def _remember(self, _: str) -> None:
        with self._out.status("reading"):
            outcomes = self._memory.trigger(self._conversation.user_id)
        if not outcomes:  # else the status line's news says what came of it
            self.tell("Nothing was pending.")

    def _undo(self, number: str) -> None:
        if number and not number.isdecimal():
            raise InvalidInput(f"/undo {number}: write the number of a revision, or nothing")
        user = self._conversation.user_id
        history = self._memory.history(user)
        undone = self._memory.undo(user, int(number) if number else None)
        self._out.print(undone_text(undone, history, self._memory.schema))
        if undone.revision:
            self._status.note(f"took back: {changes_line(undone.revision.changes)}")

    def _forget(self, what: str) -> None:
        user = self._conversation.user_id
        field, _, value = what.partition(" ")
        erase = partial(self._memory.forget_user, user)
        if field:
            erase = partial(self._memory.forget, user, field, value.strip() or None)
        reach = erase(dry_run=True)
        for line in reach_lines(reach, done=False):
            self.tell(line)
        if not self._asked(f"Erase {what or 'all that is known about you'}? There is no undo"):
            self.tell("It stays.")
            return
        threads = OwnThreads(self._conversation.graph.checkpointer, user)
        held = threads.held(reach.threads)
        named = f"{plural(len(held), 'thread')} {listed(held)}"
        whole = held and self._asked(f"The conversation still holds it: {named}. Delete it, whole?")
        done = erase(checkpointer=threads if whole else None)
        self._erased(done, held if not whole else [], threads.deleted)

    def _erased(self, done: Forgotten, held: list[str], deleted: list[str]) -> None:
        """Say what became of it, on the status line too, which may have shown what is erased."""
        reached = " ".join(reach_lines(done, done=True))
        self._status.follow(self._memory.jobs(user_id=self._conversation.user_id))
        self._status.note(reached)
        self.tell(reached)
        if held:
            self.tell(f"The conversation still holds it: {listed(held)}.")
        if deleted:
            self.tell(f"Deleted: {plural(len(deleted), 'thread')} {listed(deleted)}.")
        if done.pending:
            self.tell(PENDING)
        if self._conversation.thread_id in deleted:
            self._new("")

    def _asked(self, question: str) -> bool:
        """Whether the user says yes; Ctrl-C and the end of the input say no."""
        try:
            return typer.confirm(clean(question), err=self._aside.stderr)
        except typer.Abort:
            return False

    def _help(self, _: str) -> None:
        for name, (_do, text) in self.by_name.items():
            self.tell(f"{name:10} {text}")

    def _quit(self, _: str) -> None:
        raise EOFError
