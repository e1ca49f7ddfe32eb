"""Text in any script: cleaned, counted in a model's tokens, cut where one pauses, and as words.

A word is a run of letters, digits and their marks; an apostrophe inside belongs to it. Scripts
that write no spaces between words (Chinese, Japanese, Thai …) and Hangul, which attaches particles,
give a word for each letter. Nothing here knows a language. Every step is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise, repeat
from typing import Any, cast

import regex

from usermemory.schema.shape import is_list, is_object

MASK = "[erased]"

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_ENDS = re.compile(r"\r\n?")
_SURROGATES = re.compile(r"[\ud800-\udfff]")

# The pieces that tokenizers split a text into before they look anything up.
_LATIN = "À-ÖØ-öø-ɏḀ-ỿ"
_LATIN_WORD = re.compile(f"[A-Z]?[a-z{_LATIN}]+")
_CAPITALS = re.compile(r"[A-Z]+(?![a-z])")
_ASCII_MARKS = re.compile(r"[!-/:-@\[-`{-~]+")
_DIGIT = re.compile(r" (?=[0-9])|[0-9]")
_WIDE_GAP = re.compile(r"[ \t]{2,}")
_BEYOND_ASCII = re.compile(r"[^ -~]")
_LATIN_LETTER = re.compile(f"[{_LATIN}]")

# Where a long text may be cut, best first: after a paragraph, a line, a sentence, a word.
_PAUSES = (
    re.compile(r"\n[ \t]*\n+"),
    re.compile(r"\n"),
    re.compile(r"[.!?…](?=\s)|[。！？]"),
    re.compile(r"\s"),
)


def clean(text: str) -> str:
    """The text without what a database, UTF-8 or a terminal chokes on.

    Emoji, right-to-left text, newlines and tabs stay. Two surrogates that belong together become
    their character, a lone one becomes U+FFFD; other control characters go.
    """
    if text.isprintable():
        return text
    if _SURROGATES.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


# Fifths of a token that two letters standing side by side add to a word, by the first letter and,
# digit by digit, by the second: a to z, any letter with a mark ("~"), the word's edge (" "). Words
# of common English are one token, so pairs that are frequent in it add nothing; words of other
# languages are several. Fitted by `bench/cost/fit.py` to two tokenizers and 409 languages.
_WORD_EDGE, _MARKED = " ", "~"
_SECOND_LETTERS = "abcdefghijklmnopqrstuvwxyz~ "
_PAIR_COSTS = {
    "a": "9000900106000090900000000190",
    "b": "0000005900200000000000920160",
    "c": "0100000009007000200001000400",
    "d": "0003000407900000400000300940",
    "e": "0300000929900000000040000490",
    "f": "0544002901700102100001045350",
    "g": "6098090005900000600915990090",
    "h": "0093000009060009100089180000",
    "i": "0900000999000009940090999000",
    "j": "0596000990909007000106909000",
    "k": "8190009401990099190999900000",
    "l": "0000009909000000000000000100",
    "m": "0009093904940900890909900100",
    "n": "8900000000200504990030990910",
    "o": "9000000000000000900000000000",
    "p": "0090000000800000000000900190",
    "q": "7011900090000090930060003000",
    "r": "0000000009000000400000000030",
    "s": "2000007009000000000001010080",
    "t": "0000099002100009500000000930",
    "u": "0000060998900090000093900900",
    "v": "0402030402048001090095041402",
    "w": "0900001000100000000041009090",
    "x": "0504003000002000003021090300",
    "y": "4000290945000900090099009000",
    "z": "0000000691001002092000900000",
    "~": "9909999930090000097007890000",
    " ": "0000000000000000000000010050",
}
_COST_OF_PAIR = {
    (first, second): 20 * int(digit)
    for first, digits in _PAIR_COSTS.items()
    for second, digit in zip(_SECOND_LETTERS, digits, strict=True)
    if digit != "0"
}

# Hundredths of a token of one character, from this code point on; Latin letters are in words.
_SCRIPT_COSTS = (
    *((0x80, 100), (0x250, 200), (0x2B0, 150), (0x300, 200)),  # signs, phonetics, marks
    *((0x370, 44), (0x400, 150), (0x410, 34), (0x450, 150), (0x451, 50), (0x452, 150)),  # Cyrillic
    *((0x4AE, 250), (0x4B0, 150), (0x4E8, 250), (0x4EA, 150)),  # of Mongolian
    *((0x530, 46), (0x590, 50), (0x5F0, 150), (0x600, 36), (0x670, 70)),  # Arabic
    *(
        (0x694, 250),
        (0x698, 70),
        (0x6B5, 250),
        (0x6B6, 70),
        (0x6C5, 250),
        (0x6C8, 70),
    ),  # of Kurdish
    *((0x6CE, 250), (0x6D1, 70), (0x6D5, 250), (0x6D6, 70), (0x700, 200)),
    *((0x900, 45), (0x980, 42), (0xA00, 70), (0xA80, 65), (0xB00, 270), (0xB80, 40)),  # India
    *((0xC00, 52), (0xC80, 48), (0xD00, 50), (0xD80, 295), (0xE00, 53), (0xE80, 280)),  # Thai
    *((0xF00, 270), (0x1000, 55), (0x10A0, 47), (0x1100, 290), (0x1E00, 100), (0x1F00, 160)),
    *((0x2000, 100), (0x20D0, 200), (0x2190, 200), (0x2500, 150), (0x2600, 300)),  # symbols
    *((0x2C00, 300), (0x3000, 100), (0x3040, 67), (0x3100, 200)),  # kana
    *((0x3400, 250), (0x4E00, 95), (0xA000, 300), (0xAC00, 76), (0xD7B0, 300)),  # Han, Hangul
    *((0xF900, 200), (0xFE00, 300), (0xFE10, 200), (0xFF00, 120), (0xFFF0, 300)),  # wide forms
    *((0x10000, 400), (0x1F000, 380), (0x20000, 400)),  # emoji
)
_SCRIPT_STARTS = [first for first, _ in _SCRIPT_COSTS]


def tokens(text: str) -> int:
    """How many tokens a text has for a language model, by estimate; no tokenizer is loaded.

    Against Mistral's tekken: 3 to 5% too many for English chats and profiles (a single line may be
    off by a tenth, to either side), up to a fifth too many for code, JSON and most languages, a
    third for Vietnamese, at most a tenth too few for languages with many speakers. OpenAI's
    o200k_base counts a twentieth less in English; tokenizers with fewer words of a script count
    more there. A third too few are counted for letters at random; of texts in 69 languages, filled
    to a budget, none is more than a quarter over it.

    A text costs at most what its lines cost, so that budgets can be added up line by line.
    """
    found = _LATIN_WORD.findall(text)
    joined = f"{_WORD_EDGE}{_WORD_EDGE.join(found).lower()}{_WORD_EDGE}"
    hundredths = 100 * len(found) + _beside_words(text)
    if not text.isascii():
        joined = _BEYOND_ASCII.sub(_MARKED, joined)
        hundredths += sum(
            _character_cost(character) * count for character, count in Counter(text).items()
        )
    hundredths += sum(map(_COST_OF_PAIR.get, pairwise(joined), repeat(0)))
    return -(-hundredths // 100)


def _beside_words(text: str) -> int:
    """Hundredths of a token of capitals, numbers, marks and space in ASCII."""
    capitals = sum(62 + 38 * len(run) for run in _CAPITALS.findall(text))
    marks = _ASCII_MARKS.findall(text)
    # An apostrophe alone is one with the letters behind it.
    costs = 50 * len(marks) + 35 * sum(map(len, marks)) - 85 * marks.count("'")
    gaps = sum(80 + 2 * len(run) for run in _WIDE_GAP.findall(text))
    return capitals + costs + gaps + 100 * len(_DIGIT.findall(text)) + 45 * text.count("\n")


def _character_cost(character: str) -> int:
    """Hundredths of a token of one character that is neither ASCII nor a Latin letter."""
    if character.isascii() or _LATIN_LETTER.match(character):
        return 0
    return _SCRIPT_COSTS[bisect_right(_SCRIPT_STARTS, ord(character)) - 1][1]


def parts(text: str, limit: int = 8_000) -> list[str]:
    """A long text in pieces, cut where a reader would pause.

    Args:
        text: Any text.
        limit: The most characters of a piece; at least 1.

    Returns:
        Pieces that, joined, are the text again; none for the empty text.
    """
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = _part_end(text, start, limit)
        pieces.append(text[start:end])
        start = end
    return pieces


def _part_end(text: str, start: int, limit: int) -> int:
    """Where the piece that begins at ``start`` ends."""
    if len(text) - start <= limit:
        return len(text)
    # A boundary in the first half is passed over for a weaker one that makes fuller pieces.
    middle = start + limit // 2
    for boundary in _PAUSES:
        ends = [match.end() for match in boundary.finditer(text, middle, start + limit)]
        if ends:
            return ends[-1]
    return start + limit


_UNSPACED_SCRIPTS = (
    "Han Hiragana Katakana Hangul Thai Lao Khmer Myanmar Tibetan Bopomofo Yi Javanese"
)
_LETTERS_UNSPACED = "".join(rf"\p{{Script={name}}}" for name in _UNSPACED_SCRIPTS.split())
_WORD = regex.compile(
    rf"(?V1)[[{_LETTERS_UNSPACED}]&&[\p{{L}}\p{{Nl}}]]\p{{M}}*+"
    rf"|[[\p{{L}}\p{{N}}\p{{M}}]--[[{_LETTERS_UNSPACED}]&&\p{{L}}]]++"
    rf"(?:['’ʼ＇`´׳״][[\p{{L}}\p{{N}}\p{{M}}]--[[{_LETTERS_UNSPACED}]&&\p{{L}}]]++)*+"
)
_SINGLE = regex.compile(rf"[{_LETTERS_UNSPACED}]")
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


_LONGEST_WORD = 1_000
"""Letters; no word has more, and some letters unfold into eighteen."""

_SHORT_WORD = 4
"""Letters; the folded form of what has no more is kept in mind, for scripts without spaces."""


def fold_word(text: str) -> str:
    """One word without case, accents, width and apostrophes, its digits as 0 to 9.

    What consists of marks alone is empty.
    """
    if text.isascii():
        return text.lower().replace("'", "").replace("`", "")
    return _fold_short(text) if len(text) <= _SHORT_WORD else _fold_letters(text)


def _fold_letters(text: str) -> str:
    if len(text) > _LONGEST_WORD:
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


_fold_short = lru_cache(maxsize=8_192)(_fold_letters)


def words(text: str) -> list[Word]:
    """The words of a text, in order; hidden characters between letters are passed over."""
    return list(_each_word(text))


def _each_word(text: str) -> Iterator[Word]:
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


_FORMAT_MARKS = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]")


def _without_hidden(text: str) -> tuple[str, Sequence[int]] | None:
    """The text without format characters, and where each character left stood; None if none is."""
    if _FORMAT_MARKS.search(text) is None:
        return None
    places = [place for place, letter in enumerate(text) if not _FORMAT_MARKS.match(letter)]
    return "".join(text[place] for place in places), places


def folded_words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return [word.folded for word in _each_word(text)]


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


def is_nothing(value: Any) -> bool:
    """Whether a JSON value says nothing: it is absent, empty, or made of such."""
    if is_object(value):
        return all(map(is_nothing, value.values()))
    if is_list(value):
        return all(map(is_nothing, value))
    return value is None or value == ""


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
