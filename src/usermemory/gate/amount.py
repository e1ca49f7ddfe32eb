"""Gates that open for so much of something."""

from __future__ import annotations

from collections.abc import Sequence

from usermemory.errors import ConfigurationError
from usermemory.gate.policy import By, Gate, as_written, texts_by
from usermemory.messages import tokens
from usermemory.records import Message

_CHARACTERS_PER_TOKEN = 3  # four in English, three in most languages that write letters


class _Amount(Gate):
    """Opens for so much of something."""

    def __init__(self, least: int, at_once: int | None = None, *, by: By = "user") -> None:
        if least < 1:
            raise ConfigurationError(f"{type(self).__name__}({least}) would always open: say 1")
        self._least, self._at_once = least, at_once
        self._by: By = by

    def __repr__(self) -> str:
        return as_written(type(self).__name__, self._least, at_once=self._at_once, by=self._by)


class Count(_Amount):
    """Opens for so many messages.

    Args:
        least: How many; at least 1.
        at_once: So many unread messages, by anyone, make the thread due at once; default never.
        by: Whose messages count.
    """

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether there are enough."""
        return sum(1 for _ in texts_by(batch, self._by)) >= self._least

    def at_once(self, count: int, characters: int) -> bool:
        """Whether there are so many that it is time."""
        del characters
        return self._at_once is not None and count >= self._at_once


class Tokens(_Amount):
    """Opens for so many tokens, by an estimate.

    Args:
        least: How many; at least 1.
        at_once: So many unread ones, by anyone (three characters each), make the thread due at
            once; default never.
        by: Whose messages count.
    """

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether there is enough text."""
        return sum(map(tokens, texts_by(batch, self._by))) >= self._least

    def at_once(self, count: int, characters: int) -> bool:
        """Whether there is so much that it is time."""
        del count
        return self._at_once is not None and characters >= self._at_once * _CHARACTERS_PER_TOKEN
