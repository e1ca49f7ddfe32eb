"""What a value says, in words: names, numbers, and the other words that carry meaning."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from usermemory.checks.languages import Language
from usermemory.checks.words import Vocabulary, Word, alike, joined, same_name, words

_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_LONGEST_NUMBER = 4
_SHORTEST_PART = 5
_SHORTEST_UNCASED = 3


@dataclass(frozen=True)
class Claim:
    """The words of a value by what they are.

    Attributes:
        text: The value as a text.
        names: Capitalised words after the first one, folded.
        numbers: As digits: "thirty-two" is "32".
        content: What is left without function words ("the") and frames ("likes").
        kin: Those of the content that name a relation ("sister").
        languages: Whose word lists say so.
    """

    text: str
    names: frozenset[str]
    numbers: frozenset[str]
    content: frozenset[str]
    kin: frozenset[str]
    languages: frozenset[Language]

    @classmethod
    def of(
        cls, text: str, languages: frozenset[Language], leave_out: frozenset[str] = frozenset()
    ) -> Claim:
        """Read a value; words to leave out (as the field's own name) say nothing either."""
        said = words(text)
        numbers, rest = _split_numbers(said, languages)
        empty = set(chain(leave_out, *((*one.function, *one.frames) for one in languages)))
        telling = [word for word in rest if word.folded not in empty]
        # A value of function words only ("The Who") is judged by all of them.
        telling = telling or ([] if numbers else rest)
        names = {word.folded for word in telling if word.capitalised and word is not said[0]}
        return cls(
            text=text,
            names=frozenset(names),
            numbers=frozenset(numbers),
            content=frozenset(word.folded for word in telling) - names,
            kin=frozenset(
                word.folded for word in said if any(word.folded in one.kin for one in languages)
            ),
            languages=languages,
        )

    @cached_property
    def anchors(self) -> frozenset[str]:
        """All words that carry meaning."""
        return self.names | self.content

    def grounded(self, word: str, said: Vocabulary) -> bool:
        """Whether a text's words say the same as a word of this claim."""
        if word in said or any(one in said for one in self._variants.get(word, ())):
            return True
        if word in self.names:
            inflected = not self.languages or any(one.inflected_names for one in self.languages)
            like = said.beginning_like(word)
            return any(same_name(word, one, inflected=inflected) for one in like)
        if any(alike(word, one) for one in said.beginning_like(word)):
            return True
        # Hebrew and Arabic put "in" and "the" before the word, as one with it.
        shortest = _SHORTEST_PART if word.upper() != word.lower() else _SHORTEST_UNCASED
        return len(word) >= shortest and word in said.joined

    @cached_property
    def _variants(self) -> Mapping[str, Collection[str]]:
        """Other words for the same, for each word that has some."""
        groups = [group for language in self.languages for group in language.same]
        return {
            word: frozenset[str]().union(*(group for group in groups if word in group))
            for word in self.anchors
        }


def numbers_in(said: Sequence[Word], languages: frozenset[Language]) -> frozenset[str]:
    """All numbers among some words, as digits, number words included."""
    return frozenset(_split_numbers(said, languages)[0])


def _split_numbers(
    said: Sequence[Word], languages: Collection[Language]
) -> tuple[set[str], list[Word]]:
    numbers: set[str] = set()
    rest: list[Word] = []
    here = 0
    while here < len(said):
        size, number = _number_at(said[here : here + _LONGEST_NUMBER], languages)
        if number is None:
            rest.append(said[here])
        else:
            numbers.add(number)
        here += size
    return numbers, rest


def _number_at(said: Sequence[Word], languages: Collection[Language]) -> tuple[int, str | None]:
    """How many of the words make up a number, and which."""
    if digits := _DIGITS.match(said[0].folded):
        return 1, digits.group().lstrip("0") or "0"
    for size in range(len(said), 0, -1):
        written = joined(word.folded for word in said[:size])
        for language in languages:
            if (number := language.numbers.get(written)) is not None and number != 1:
                return size, str(number)
    return 1, None
