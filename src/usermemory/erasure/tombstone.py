"""What is left of an erased value: keyed hashes, enough to know it again and not to read it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from usermemory.erasure.telling import Telling, main_word, telling_words, words_0_1
from usermemory.schema.fold import fold
from usermemory.schema.form import identity
from usermemory.schema.shape import canonical
from usermemory.words import leaves

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
    return hashlib.blake2b(f"{field}\0{text}".encode(), key=key, digest_size=8).hexdigest()
