"""What is left of an erased value: keyed hashes, enough to know it again and not to read it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import regex

from usermemory.schema.form import fold, identity
from usermemory.schema.shape import canonical
from usermemory.text import leaves

_SCRIPTS = "Han Hiragana Katakana Hangul Thai Lao Khmer Myanmar Tibetan Bopomofo Yi Javanese"
_UNSPACED = "".join(rf"\p{{Script={name}}}" for name in _SCRIPTS.split())
_LETTER = rf"[[[{_UNSPACED}]&&[\p{{L}}\p{{Nl}}]]ー]\p{{M}}*+"
_TOKEN = regex.compile(
    r"(?V1)(?P<number>(?<![\p{L}\p{N}.,])\d{1,3}(?:[.,]\d{3})++(?![.,]?\d)|\d++(?:[.,]\d++)?+)"
    rf"|(?P<run>(?:{_LETTER})++)"
    rf"|(?P<word>[[\p{{L}}\p{{M}}]--[[[{_UNSPACED}]&&\p{{L}}]ー]]++)"
)
_LETTERS = regex.compile(rf"(?V1){_LETTER}")
_HIDDEN = regex.compile(r"[\p{Cf}\uFE00-\uFE0F]")
_GRAMMAR = regex.compile(r"\p{Script=Hiragana}")
"""Letters that Japanese writes its endings and particles with."""
_VERB_LAST = regex.compile(r"[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]")
_SENTENCE = regex.compile(r"[.!?。]")

_BY_LENGTH = (0, 0, 0, 2, 8, 12, 16, 20, 22, 24, 26, 28, 30)
_LONG = 5
"""Letters from which on the longer of two words is rather the rare one."""
_NAME = 24
_NUMBER = 16
_PAIR = 28
_MIXED_PAIR = 4


@dataclass(frozen=True, slots=True)
class Telling:
    """A word of a value.

    Attributes:
        forms: The word without its ending; then other cuts of it by which it may be known.
        weight: How much it says; 0 for what stands in every text.
        length: Its letters.
        strong: Whether it alone tells what a value is about, as a name does.
    """

    forms: tuple[str, ...]
    weight: int
    length: int = 0
    strong: bool = False


def telling_words(text: str) -> list[Telling]:
    """The words of a text; scripts without spaces between words give each two neighbours.

    Marks alone, pictures and punctuation are no words.
    """
    text = _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
    found: list[Telling] = []
    end = 0
    for token in _TOKEN.finditer(text):
        short = bool(found) and found[-1].length <= 3
        between = text[end : token.start()]
        fresh = not found or "\n" in between or (not short and bool(_SENTENCE.search(between)))
        written, end = token.group(), token.end()
        if token.lastgroup == "run":
            found += _pairs([_folded(letter) for letter in _LETTERS.findall(written)])
        elif token.lastgroup == "number":
            found.append(Telling((_digits(written),), _NUMBER, len(written)))
        elif word := _folded(written):
            name = not text.isupper() and _is_name(written, fresh=fresh)
            found.append(Telling(_forms(word), _weight(word, name=name), len(word), name))
    return found


def main_word(words: Sequence[Telling], text: str) -> Telling | None:
    """What the text is about: the word that says most; of several a name, the longest, the first.

    The languages of scripts without spaces name the thing last, but for those that put the verb
    there.
    """
    last = any(word.weight == _PAIR for word in words) and not _VERB_LAST.search(text)
    return max(
        reversed(words) if last else words,
        key=lambda word: (word.weight, word.strong, max(_LONG, word.length)),
        default=None,
    )


def _pairs(letters: Sequence[str]) -> Iterator[Telling]:
    if len(letters) == 1:
        yield Telling((letters[0],), 0 if _GRAMMAR.search(letters[0]) else _PAIR, 1)
    for pair in map("".join, pairwise(letters)):
        weight = (_PAIR, _MIXED_PAIR, 0)[min(2, len(_GRAMMAR.findall(pair)))]
        yield Telling((pair,), weight, 2, weight == _PAIR)


def _folded(written: str) -> str:
    plain = unicodedata.normalize("NFD", written.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def _digits(written: str) -> str:
    plain = "".join(str(unicodedata.decimal(letter, letter)) for letter in written)
    if regex.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        plain = regex.sub("[.,]", "", plain)
    return plain.replace(",", ".").lstrip("0") or "0"


def _is_name(written: str, *, fresh: bool) -> bool:
    """Whether it is written like one: "Ana" within a sentence, "HIV" and "iPhone" anywhere."""
    inside = any(letter.isupper() for letter in written[1:])
    return inside or (len(written) > 1 and written[0].isupper() and not fresh)


def _weight(word: str, *, name: bool) -> int:
    plain = _BY_LENGTH[min(len(word), len(_BY_LENGTH) - 1)]
    return max(_NAME, plain + 4) if name else plain


def _forms(word: str) -> tuple[str, ...]:
    """Cuts that inflection leaves alone: "rock" of "rocks", "climb" of "climbing"."""
    match len(word):
        case 4:
            return word, word[:3]
        case 5:
            return word[:4], word
        case 6:
            return word[:5], word[:4]
        case _:
            return (word[:5],)


_SINGLE_0_1 = "\u0e00-\u0eff\u1780-\u17ff\u3041-\u3096\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_GROUPED_0_1 = r"(?<![\w.,])\d{1,3}(?:[.,]\d{3})+(?![.,]?\d)"
_DECIMAL_0_1 = r"(?<![\w.,])\d+[.,]\d+(?![.,]?\d)"
_WORD_0_1 = re.compile(
    rf"[{_SINGLE_0_1}]|{_GROUPED_0_1}|{_DECIMAL_0_1}"
    rf"|(?:[^\W_{_SINGLE_0_1}]|[\u0300-\u036f])+(?:(?<=n)['’]t(?!\w))?",
    re.IGNORECASE,
)
_NUMBER_0_1 = re.compile(r"\d+(?:\.\d+)?")


def words_0_1(text: str) -> Iterator[str]:
    """All words of a text as version 0.1 read them, to know again what was erased with it."""
    for found in _WORD_0_1.finditer(text):
        word = _folded(fold(found.group().replace("’", "'")))
        if word[:1].isdecimal():
            word = "".join(str(unicodedata.decimal(letter, letter)) for letter in word)
            grouped = re.fullmatch(_GROUPED_0_1, word)
            word = re.sub("[.,]", "", word) if grouped else word.replace(",", ".")
        if number := _NUMBER_0_1.match(word):
            yield number.group().lstrip("0") or "0"
        elif word:
            yield word[:5]


EVERYTHING = ""
"""The field of a tombstone that stands for a whole user."""

_KEY_BYTES = 64
_WEIGHED = re.compile(r"(\d{1,6})([*!]?):([0-9a-f]+)")
"""A kept word: its weight, "*" or "!" (strong) on the main one, its hash."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erased value.

    Attributes:
        field: Whose value it was; `EVERYTHING` for all there was.
        digest: Keyed hash of the value, however it was written.
        words: Keyed hashes of its words, shortened to what inflection leaves alone, each behind
            its weight: ``20:ab12…``. Version 0.1 wrote fewer words, without weights.
        erased_at: Words that were received later may teach it again.
        hashed_as: The field that the hashes are made with, where a migration has moved it since.
    """

    field: str
    digest: str
    words: frozenset[str] = frozenset()
    erased_at: float = 0.0
    hashed_as: str = ""

    def is_of(self, salt: str, field: str, value: Any) -> bool:
        """Whether it is that of this very value of a field."""
        digest = _hash(salt, self.hashed_as or self.field, identity(value))
        return (self.field, self.digest) == (field, digest)


def tombstone(salt: str, field: str, value: Any, erased_at: float = 0.0) -> Tombstone:
    """The tombstone of a value.

    Args:
        salt: The user's secret: without it nobody can guess what was erased.
        field: Whose value it was.
        value: What was erased; any JSON value.
        erased_at: When.
    """
    text = _text(value)
    words = telling_words(text)
    some = any(word.weight for word in words)
    weights: dict[str, int] = {}
    for word in words:
        weight = word.weight if some else 1
        weights[word.forms[0]] = max(weight, weights.get(word.forms[0], 0))
    kept = {word: f"{weight}" for word, weight in weights.items()}
    if main := main_word(words, text):
        kept[main.forms[0]] += "!" if main.strong else "*"
    hashes = frozenset(f"{weight}:{_hash(salt, field, word)}" for word, weight in kept.items())
    return Tombstone(field, _hash(salt, field, identity(value)), hashes, erased_at)


def buried(
    tombstones: Iterable[Tombstone], salt: str, field: str, value: Any, received: float | None
) -> bool:
    """Whether words from before an erasure would bring this value back.

    The same value, however written, or one that says much the same by its words.

    Args:
        tombstones: The user's.
        salt: The user's secret.
        field: Where the value would be kept.
        value: What would be learned.
        received: When the memory took in the words it rests on; None for just now.
    """
    if received is None:
        return False
    older = [one for one in tombstones if received <= one.erased_at]
    if any(one.field == EVERYTHING for one in older):
        return True
    here = [one for one in older if one.field == field]
    names = {one.hashed_as or field for one in here}
    proposed = {name: _Proposed(salt, name, value) for name in names}
    return any(proposed[one.hashed_as or field].is_like(one) for one in here)


@dataclass(frozen=True, slots=True)
class _Erased:
    """The words of a tombstone: the weight of each, and which one it is about."""

    weights: Mapping[str, int]
    main: str
    strong: bool

    @classmethod
    def read(cls, words: Iterable[str]) -> _Erased | None:
        """None for a tombstone without words that say anything, or of version 0.1."""
        kept = [found.groups() for found in map(_WEIGHED.fullmatch, words) if found]
        if not any(int(weight) for weight, _, _ in kept):
            return None
        mark, main = next(((mark, word) for _, mark, word in kept if mark), ("", ""))
        return cls({word: int(weight) for weight, _, word in kept}, main, mark == "!")

    def is_said_by(self, value: Sequence[Telling]) -> bool:
        """Whether a value says much the same; in doubt it does, if it has the main word.

        "Takes vitamin D every morning" has another word in the place of the one that "Takes
        lithium every morning" is about.
        """
        held = {form for word in value for form in word.forms}
        lost = [weight for word, weight in self.weights.items() if weight and word not in held]
        known = self.weights.keys()
        added = [word.weight for word in value if word.weight and known.isdisjoint(word.forms)]
        whole = sum(self.weights.values())
        shared = whole - sum(lost)
        if 16 * sum(lost) <= whole:
            return True
        if not added:
            return self.main in held or 2 * shared > whole
        enough = 2 * shared >= whole if self.strong else 5 * shared >= 3 * whole
        return enough and self.main in held and self._replaced_little(lost, added)

    def _replaced_little(self, lost: Sequence[int], added: Sequence[int]) -> bool:
        """Whether a value that has the main word tells nothing else by its other words.

        It may add little, leave little out, or put no heavier words in the place of others. Where
        no name is shared, few words may be left out: "allergic to" is most of "allergic to nuts".
        """
        whole, count = sum(self.weights.values()), sum(map(bool, self.weights.values()))
        if 8 * sum(added) <= sum(lost):
            return True
        if 5 * sum(lost) <= whole and 4 * len(lost) <= count:
            return True
        few = self.strong or 5 * len(lost) <= 2 * count
        return few and max(added) <= max(lost)


class _Proposed:
    """A value that would be learned, its words hashed as those of tombstones are."""

    def __init__(self, salt: str, field: str, value: Any) -> None:
        self._salt, self._field, self._value = salt, field, value

    def is_like(self, stone: Tombstone) -> bool:
        """Whether it says what was erased."""
        if stone.digest in {self._hash(identity(self._value)), self._hash(self._identity_0_1)}:
            return True
        erased = _Erased.read(stone.words)
        return erased.is_said_by(self._words) if erased else self._has_most(stone.words)

    @property
    def _identity_0_1(self) -> str:
        """What a digest was made of in version 0.1, where punctuation around did not fold."""
        return fold(self._value) if isinstance(self._value, str) else canonical(self._value)

    def _has_most(self, words: frozenset[str]) -> bool:
        """Whether it has three fifths of the words that version 0.1 kept.

        That version left out common words and wrote "two" as 2, by lists of its own. A value
        without digits may have its numbers in words, so small ones are not held against it.
        """
        held, has_digits = self._words_0_1
        wanted = words if has_digits else words - self._small_numbers
        return bool(wanted) and 5 * len(wanted & held) >= 3 * len(wanted)

    @cached_property
    def _words(self) -> list[Telling]:
        return [
            Telling(tuple(map(self._hash, word.forms)), word.weight)
            for word in telling_words(_text(self._value))
        ]

    @cached_property
    def _words_0_1(self) -> tuple[frozenset[str], bool]:
        words = frozenset(words_0_1(_text(self._value)))
        return frozenset(map(self._hash, words)), any(word[0].isdigit() for word in words)

    @cached_property
    def _small_numbers(self) -> frozenset[str]:
        return frozenset(self._hash(str(number)) for number in range(101))

    def _hash(self, text: str) -> str:
        return _hash(self._salt, self._field, text)


def _text(value: Any) -> str:
    return "\n".join(str(leaf) for leaf in leaves(value))


def _hash(salt: str, field: str, text: str) -> str:
    key = salt.encode()[:_KEY_BYTES]
    return hashlib.blake2b(
        f"{field}\0{text}".encode("utf-8", "surrogatepass"), key=key, digest_size=8
    ).hexdigest()
