"""Where the user said it.

The quote has to stand in one message. Whitespace, case, compatibility forms, typographic quotes
and punctuation don't matter. An inexact quote is replaced by the user's own span if four fifths
of its words occur in it in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from usermemory.checks.text import Text, Texts
from usermemory.checks.words import folded, place
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


def find(quote: str, messages: Iterable[Message], texts: Texts) -> Found | None:
    """The newest message that holds the quote word by word, or else nearly.

    Args:
        quote: The words, as the extractor gave them.
        messages: Where to look, oldest first.
        texts: What was read before.
    """
    wanted = folded(quote)[:_LONGEST_QUOTE]
    if not wanted:
        return None
    newest_first = [(message, texts[message.text]) for message in messages][::-1]
    for search in (_exact, _near):
        for message, text in newest_first:
            if span := search(wanted, text):
                return Found(message, text.words[span[0]].start, text.words[span[1]].end)
    return None


def _exact(wanted: Sequence[str], text: Text) -> tuple[int, int] | None:
    start = place(text.folded, wanted)
    return None if start is None else (start, start + len(wanted) - 1)


def _near(wanted: Sequence[str], text: Text) -> tuple[int, int] | None:
    """The longest common subsequence; of equally long ones the one that starts last."""
    common = {word for word in wanted if word in text.vocabulary}
    if sum(word in common for word in wanted) < _ENOUGH * len(wanted):
        return None
    # best[n], for the first n wanted words: how many in common, where they start, minus the end.
    best = [(0, 0, 0)] * (len(wanted) + 1)
    for here, word in enumerate(text.folded):
        if word not in common:
            continue
        before = best[0]
        for column, one in enumerate(wanted, start=1):
            above = best[column]
            if one == word:
                count, start, _ = before
                best[column] = max(above, (count + 1, start if count else here, -here))
            best[column] = max(best[column], best[column - 1])
            before = above
    count, start, end = best[-1][0], best[-1][1], -best[-1][2]
    near = count >= _ENOUGH * len(wanted) and end - start < _STRETCH * len(wanted)
    return (start, end) if count and near else None
