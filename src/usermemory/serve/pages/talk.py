"""Try it: talk to a bot, and watch its memory form."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usermemory.memory import UserMemory


class Talk:
    """The bot of *Try it*; it is made when somebody first talks.

    Args:
        memory: What it remembers with.
        bot: The chat model; None for rules.
        notice: What the page says of the model.
    """

    def __init__(self, memory: UserMemory, bot: Any, notice: str) -> None:
        self.memory = memory
        self.notice = notice
        self._bot = bot
        self._lock = threading.Lock()
        self._saver: Any = None

    def close(self) -> None:
        """Disconnect; threads that ran are kept."""
        with self._lock:
            saver, self._saver = self._saver, None
        if saver is not None:
            saver.close()
