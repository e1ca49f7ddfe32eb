"""Words of a text with their places in it, and when two texts are the same: in any script.

A word is a run of letters, digits and their marks; an apostrophe inside belongs to it. Scripts
that write no spaces between words (Chinese, Japanese, Thai …) and Hangul, which attaches particles,
give a word for each letter. Nothing here knows a language. Every step is linear in the text.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, cast

import regex

from usermemory.schema.shape import is_list, is_object

_SCRIPTS = "Han Hiragana Katakana Hangul Thai Lao Khmer Myanmar Tibetan Bopomofo Yi Javanese"
_LETTERS = "".join(rf"\p{{Script={name}}}" for name in _SCRIPTS.split())
_WORD = regex.compile(
    rf"(?V1)[[{_LETTERS}]&&[\p{{L}}\p{{Nl}}]]\p{{M}}*+"
    rf"|[[\p{{L}}\p{{N}}\p{{M}}]--[[{_LETTERS}]&&\p{{L}}]]++"
    rf"(?:['’ʼ＇`´׳״][[\p{{L}}\p{{N}}\p{{M}}]--[[{_LETTERS}]&&\p{{L}}]]++)*+"
)
_SINGLE = regex.compile(rf"[{_LETTERS}]")
_APOSTROPHES = str.maketrans(dict.fromkeys("'’ʼ＇`´׳״", None))

_VOICING, _VIRAMA = 8, 9
"""Combining classes of marks that make another letter, and are no accents."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: folded, and where it stands in the text.

    Attributes:
        folded: As words are compared: without case, accents, width and apostrophes.
        start: Offset of its first character in the text.
        end: Offset behind its last one.
    """

    folded: str
    start: int
    end: int

    @property
    def single(self) -> bool:
        """Whether it is one letter of a script that writes no spaces between words."""
        return _SINGLE.match(self.folded) is not None


_LONGEST = 1_000
"""Letters; no word has more, and some letters unfold into eighteen."""

_SHORT = 4
"""Letters; the folded form of what has no more is kept in mind, for scripts without spaces."""


def fold_word(text: str) -> str:
    """One word without case, accents, width and apostrophes, its digits as 0 to 9.

    What consists of marks alone is empty.
    """
    if text.isascii():
        return text.lower().replace("'", "").replace("`", "")
    return _fold_short(text) if len(text) <= _SHORT else _folded(text)


def _folded(text: str) -> str:
    if len(text) > _LONGEST:
        return text.casefold() if any(letter.isalnum() for letter in text) else ""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    bare = "".join(
        str(unicodedata.decimal(letter, letter))
        for letter in unicodedata.normalize("NFD", plain)
        if unicodedata.combining(letter) in (0, _VOICING, _VIRAMA)
        and unicodedata.category(letter) not in ("Cf", "Me")
    )
    folded = unicodedata.normalize("NFC", bare)
    return folded if any(letter.isalnum() for letter in folded) else ""


_fold_short = lru_cache(maxsize=8_192)(_folded)


def words(text: str) -> list[Word]:
    """The words of a text, in order; hidden characters between letters are passed over."""
    return list(_words(text))


def _words(text: str) -> Iterator[Word]:
    plain = _without_hidden(text) if not text.isascii() else None
    where = plain[1] if plain else None
    for found in _WORD.finditer(plain[0] if plain else text):
        folded = fold_word(found.group())
        if folded:
            start, end = found.span()
            if where is not None:
                start, end = where[start], where[end - 1] + 1
            for part in folded.split():  # one sign may stand for several words: ﷺ
                yield Word(part, start, end)


_HIDDEN = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]")


def _without_hidden(text: str) -> tuple[str, Sequence[int]] | None:
    """The text without format characters, and where each character left stood; None if none is."""
    if _HIDDEN.search(text) is None:
        return None
    places = [place for place, letter in enumerate(text) if not _HIDDEN.match(letter)]
    return "".join(text[place] for place in places), places


def folded_words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return [word.folded for word in _words(text)]


def pairs(said: Iterable[str]) -> Iterator[str]:
    """Neighbouring letters of scripts without spaces, joined: what a word is in the others."""
    for one, two in pairwise(said):
        if len(one) == 1 and not one.isascii():
            yield one + two


class Text:
    """A text to look for phrases in.

    Args:
        plain: The text, as written.

    Attributes:
        plain: The same.
    """

    def __init__(self, plain: str) -> None:
        self.plain = plain

    @cached_property
    def words(self) -> list[Word]:
        """Its words, in order."""
        return words(self.plain)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Its folded words."""
        return frozenset(word.folded for word in self.words)

    @cached_property
    def joined(self) -> str:
        """Its folded words, each between two spaces."""
        return f" {' '.join(word.folded for word in self.words)} "

    @cached_property
    def _starts(self) -> list[int]:
        """Where each word begins in `joined`."""
        starts, here = [0] * len(self.words), 1
        for number, word in enumerate(self.words):
            starts[number] = here
            here += len(word.folded) + 1
        return starts

    def holds(self, phrase: Sequence[str]) -> bool:
        """Whether these folded words stand in it, side by side."""
        return bool(phrase) and f" {' '.join(phrase)} " in self.joined

    def places(self, phrase: Sequence[str], limit: int = 64) -> Iterator[tuple[int, int]]:
        """First and last word of each place where the phrase stands; the last place first.

        Args:
            phrase: Folded words.
            limit: Places that are looked at, at most.
        """
        wanted, end = f" {' '.join(phrase)} ", len(self.joined)
        for _ in range(limit):
            at = self.joined.rfind(wanted, 0, end) if phrase else -1
            if at < 0:
                return
            first = self.word_at(at + 1)
            yield first, first + len(phrase) - 1
            end = at + len(wanted) - 1

    def word_at(self, offset: int) -> int:
        """The number of the word that stands at this offset of `joined`."""
        return max(0, bisect_right(self._starts, offset) - 1)


def leaves(value: Any) -> Iterator[str | int | float]:
    """The strings and numbers in a JSON value, however deep; truth values have no words."""
    if is_object(value):
        for part in value.values():
            yield from leaves(part)
    elif is_list(value) or isinstance(value, (tuple, set, frozenset)):
        for part in cast("Iterable[Any]", value):
            yield from leaves(part)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield value
