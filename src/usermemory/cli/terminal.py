"""The chat's line of input, with the status below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def typed(status: Callable[[], str], commands: Iterable[str]) -> Iterator[str]:
    """The lines that the user types, until Ctrl-D.

    Args:
        status: What to say below the line; asked each second.
        commands: What Tab completes at the beginning of a line.

    Raises:
        KeyboardInterrupt: Ctrl-C on an empty line; on any other it clears the line.
    """
    session: PromptSession[str] = PromptSession(
        message=[("bold", "you: ")],
        bottom_toolbar=status,
        refresh_interval=1.0,
        completer=WordCompleter(list(commands), sentence=True),
        complete_while_typing=False,
        key_bindings=_keys(),
    )
    while True:
        try:
            line = session.prompt().strip()
        except EOFError:
            return
        if line:
            yield line


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    return keys
