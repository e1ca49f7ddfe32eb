"""Find what is to be erased in texts, however it is written there, and take it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from usermemory.words import leaves, words

MASK = "[erased]"

_FEW = 3
"""Letters; what has fewer ("C++", "🎹") is looked for as it is written."""


class Needles:
    """Texts that must not be left anywhere.

    Longer ones are found word by word, so that case, accents, punctuation and space don't matter.

    Args:
        texts: What to look for; blank ones are left out.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._phrases: set[tuple[str, ...]] = set()
        literal: set[str] = set()
        for text in filter(str.strip, texts):
            said = words(text)
            short = sum(len(word.folded) for word in said) < _FEW
            if short and not (said and all(word.single for word in said)):
                literal.add(text.strip())
            else:
                self._phrases.add(tuple(word.folded for word in said))
        pattern = "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in sorted(literal))
        self._literal = re.compile(pattern, re.IGNORECASE) if literal else None

    def in_text(self, text: str) -> bool:
        """Whether any of them stands in it."""
        return next(self._spans(text), None) is not None

    def in_value(self, *values: Any) -> bool:
        """Whether any of them stands in a string of a JSON value."""
        return any(self.in_text(leaf) for leaf in leaves(list(values)) if isinstance(leaf, str))

    def masked(self, text: str) -> str:
        """The text without them."""
        pieces: list[str] = []
        here = 0
        for start, end in sorted(self._spans(text)):
            if start >= here:
                pieces += [text[here:start], MASK]
            here = max(here, end)
        return "".join([*pieces, text[here:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        if self._literal:
            yield from (found.span() for found in self._literal.finditer(text))
        said = words(text) if self._phrases else []
        places: dict[str, list[int]] = {}
        for place, word in enumerate(said):
            places.setdefault(word.folded, []).append(place)
        for phrase in self._phrases:
            for place in places.get(phrase[0], ()):
                stretch = said[place : place + len(phrase)]
                if tuple(word.folded for word in stretch) == phrase:
                    yield stretch[0].start, stretch[-1].end
