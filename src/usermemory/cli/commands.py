"""What a person can type in a chat besides talking."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from usermemory.cli.conversation import Conversation, new_thread
from usermemory.cli.output import clean, count
from usermemory.cli.show import profile_table, quoted
from usermemory.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from usermemory.memory import UserMemory


class Commands:
    """The slash commands of one chat.

    Args:
        memory: The memory of the bot.
        conversation: Whose thread ``/new`` changes.
        out: Where answers go.
        aside: Where remarks go.
    """

    def __init__(
        self, memory: UserMemory, conversation: Conversation, out: Console, aside: Console
    ) -> None:
        self._memory = memory
        self._conversation = conversation
        self._out = out
        self._aside = aside
        self.by_name: Mapping[str, tuple[Callable[[str], None], str]] = {
            "/new": (self._new, "a new thread; with a name, that one: /new [THREAD]"),
            "/profile": (self._profile, "what is known about you"),
            "/why": (
                self._why,
                "your words behind a field, or a value of it: /why [FIELD [VALUE]]",
            ),
            "/remember": (self._remember, "read now what is pending, instead of when it is quiet"),
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

    def _remember(self, _: str) -> None:
        with self._out.status("reading"):
            outcomes = self._memory.trigger(self._conversation.user_id)
        if not outcomes:  # else the status line's news says what came of it
            self.tell("Nothing was pending.")

    def _help(self, _: str) -> None:
        for name, (_do, text) in self.by_name.items():
            self.tell(f"{name:10} {text}")

    def _quit(self, _: str) -> None:
        raise EOFError
