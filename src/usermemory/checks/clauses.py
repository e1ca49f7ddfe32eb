"""The clauses of a text, roughly: what stands between punctuation and joining words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from usermemory.checks.languages import Language, Phrase
from usermemory.checks.words import Vocabulary, Word, words

_SENTENCE_GAP = re.compile(r"[.!?…](?=\s|$)|[\n。！？]")
_CLAUSE_GAP = re.compile(r"[,;:()、，；：–—\"“”]|\s-\s|/")


@dataclass(frozen=True)
class Clause:
    """Some words side by side; ``sentence`` is the number of their sentence in the text."""

    words: tuple[Word, ...]
    sentence: int

    @cached_property
    def folded(self) -> list[str]:
        """Its folded words."""
        return [word.folded for word in self.words]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its folded words, to look for one."""
        return Vocabulary(self.folded)


def clauses(text: str, language: Language) -> list[Clause]:
    """All clauses of a text in order; each word is in exactly one."""
    said = words(text)
    folded = [word.folded for word in said]
    result: list[Clause] = []
    begin, sentence = 0, 0
    for here in range(1, len(said) + 1):
        gap = text[said[here - 1].end : said[here].start] if here < len(said) else "\n"
        ends = bool(_SENTENCE_GAP.search(gap))
        if ends or _CLAUSE_GAP.search(gap) or _joins(folded, begin, here, language):
            result.append(Clause(tuple(said[begin:here]), sentence))
            begin, sentence = here, sentence + ends
    return result


def _joins(said: Sequence[str], begin: int, here: int, language: Language) -> bool:
    """Whether a new clause begins: "and", or the second "I" of "when I'm at home I paint"."""
    if starts_with(said, here, language.separators):
        return True
    return (
        here < len(said)
        and said[here] in language.first
        and any(word in language.subordinate for word in said[begin : begin + 2])
        and any(word in language.first for word in said[begin:here])
    )


def starts_with(said: Sequence[str], here: int, phrases: Iterable[Phrase]) -> bool:
    """Whether one of the phrases stands at this place."""
    return any(tuple(said[here : here + len(phrase)]) == phrase for phrase in phrases)


def sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence of a text begins and ends, without the space around it."""
    gaps = [gap.end() for gap in _SENTENCE_GAP.finditer(text)]
    spans = zip([0, *gaps], [*gaps, len(text)], strict=True)
    return [
        (end - len(text[start:end].lstrip()), start + len(text[start:end].rstrip()))
        for start, end in spans
        if text[start:end].strip()
    ]


def sentences_around(text: str, start: int, end: int) -> str:
    """The whole sentences of a text that a span of it touches."""
    before = [gap.end() for gap in _SENTENCE_GAP.finditer(text, 0, start)]
    after = _SENTENCE_GAP.search(text, end)
    return text[before[-1] if before else 0 : after.end() if after else len(text)]
