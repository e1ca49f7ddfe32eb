"""Gates that open for what a message says literally."""

from __future__ import annotations

import re
from collections.abc import Sequence

from usermemory.errors import ConfigurationError
from usermemory.gate.policy import By, Gate, as_written, texts_by
from usermemory.records import Message


class Matches(Gate):
    """Opens when a message matches a regular expression.

    Args:
        pattern: Searched for anywhere in the text.
        by: Whose messages count.
    """

    def __init__(self, pattern: str | re.Pattern[str], *, by: By = "user") -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ConfigurationError(f"Matches({pattern!r}): {error}") from error
        self._by: By = by

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether one matches."""
        return any(self._pattern.search(text) for text in texts_by(batch, self._by))

    def __repr__(self) -> str:
        return as_written("Matches", self._pattern.pattern, by=self._by)


class Words(Gate):
    """Opens when a message holds one of these words or phrases, in any case, as whole words.

    Args:
        words: The words. In a script without spaces between them use `Matches`.
        by: Whose messages count.
    """

    def __init__(self, *words: str, by: By = "user") -> None:
        phrases = [r"\s+".join(map(re.escape, _fold(word).split())) for word in words]
        if not all(phrases) or not phrases:
            raise ConfigurationError(f"Words{words!r}: give at least one word, and no empty one")
        self._words = words
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")
        self._by: By = by

    def opens(self, batch: Sequence[Message]) -> bool:
        """Whether one of the words is there."""
        return any(self._pattern.search(_fold(text)) for text in texts_by(batch, self._by))

    def __repr__(self) -> str:
        return as_written("Words", *self._words, by=self._by)


def _fold(text: str) -> str:
    return text.replace("’", "'").casefold()
