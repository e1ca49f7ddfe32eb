"""Where the user said it.

The quote has to stand in one message. Whitespace, case, compatibility forms, typographic quotes
and punctuation don't matter. An inexact quote is replaced by the user's own span if four fifths
of its words occur in it in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from usermemory.checks.words import Word, folded, place, words
from usermemory.records import Message

_ENOUGH = 0.8
_LONGEST_QUOTE = 200
_STRETCH = 3


@dataclass(frozen=True)
class Found:
    """A quote and where it stands."""

    message: Message
    start: int
    end: int

    @property
    def text(self) -> str:
        """The user's own span, as written."""
        return self.message.text[self.start : self.end]


def find(quote: str, messages: Iterable[Message]) -> Found | None:
    """The newest message that holds the quote word by word, or else nearly.

    Args:
        quote: The words, as the extractor gave them.
        messages: Where to look, oldest first.
    """
    wanted = folded(quote)[:_LONGEST_QUOTE]
    if not wanted:
        return None
    newest_first = [(message, words(message.text)) for message in messages][::-1]
    for search in (_exact, _near):
        for message, said in newest_first:
            if span := search(wanted, said):
                return Found(message, said[span[0]].start, said[span[1]].end)
    return None


def _exact(wanted: Sequence[str], said: Sequence[Word]) -> tuple[int, int] | None:
    start = place([word.folded for word in said], wanted)
    return None if start is None else (start, start + len(wanted) - 1)


def _near(wanted: Sequence[str], said: Sequence[Word]) -> tuple[int, int] | None:
    """The longest common subsequence; of equally long ones the one that starts last."""
    # best[n], for the first n wanted words: how many in common, where they start, minus the end.
    best = [(0, 0, 0)] * (len(wanted) + 1)
    for here, word in enumerate(said):
        before = best[0]
        for column, one in enumerate(wanted, start=1):
            above = best[column]
            if one == word.folded:
                count, start, _ = before
                best[column] = max(above, (count + 1, start if count else here, -here))
            best[column] = max(best[column], best[column - 1])
            before = above
    count, start, end = best[-1][0], best[-1][1], -best[-1][2]
    near = count >= _ENOUGH * len(wanted) and end - start < _STRETCH * len(wanted)
    return (start, end) if count and near else None
