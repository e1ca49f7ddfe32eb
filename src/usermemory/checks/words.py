"""Words of a text with their places in it, and when two words count as the same.

Everything here works on any script. Places are offsets into the original text, so that a user's
own span can always be cut out exactly as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from usermemory.schema.fold import fold as fold_text

# Scripts without spaces between words: each of these characters is a word of its own.
_SINGLE = "\u0e00-\u0eff\u1780-\u17ff\u3041-\u3096\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
# "5,000" and "1,85" are one number each, "12.03.1990" is three.
_GROUPED = r"(?<![\w.,])\d{1,3}(?:[.,]\d{3})+(?![.,]?\d)"
_DECIMAL = r"(?<![\w.,])\d+[.,]\d+(?![.,]?\d)"
# "don't" stays one word; any other apostrophe ends one ("I'm", "j'aime", "Ana's").
_WORD = re.compile(
    rf"[{_SINGLE}]|{_GROUPED}|{_DECIMAL}|(?:[^\W_{_SINGLE}]|[\u0300-\u036f])+(?:(?<=n)['’]t(?!\w))?",
    re.IGNORECASE,
)
_ENDINGS = frozenset("a d e ed er ers es i ies ied in ing n nen o or r s st t te ten ung y".split())  # noqa: SIM905 - easier to read
_LONGEST_TAIL = 4


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as written and folded, and where it stands in the text."""

    text: str
    folded: str
    start: int
    end: int

    @property
    def capitalised(self) -> bool:
        """Whether it is written like a name."""
        return self.text[0].isupper()

    @property
    def single(self) -> bool:
        """Whether it is one character of a script without spaces."""
        return len(self.text) == 1 and ord(self.text) >= 0x0E00


def fold(text: str) -> str:
    """The text as texts are compared everywhere, and without accents and curly apostrophes."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", fold_text(text.replace("’", "'")))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)


def words(text: str) -> list[Word]:
    """The words of a text, in order."""
    return [
        Word(found.group(), _plain_number(fold(found.group())), found.start(), found.end())
        for found in _WORD.finditer(text)
    ]


def folded(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return [word.folded for word in words(text)]


def alike(one: str, other: str) -> bool:
    """Whether two folded words are forms of the same: climb/climbing, hike/hiking, run/runner.

    A long common beginning counts in any language; a short one only before known endings.
    """
    if one == other:
        return True
    shared = _shared(one, other)
    tails = one[shared:], other[shared:]
    if one.isdigit() or other.isdigit() or max(map(len, tails)) > _LONGEST_TAIL:
        return False
    if shared >= 4 and 2 * shared >= max(len(one), len(other)):
        return True
    return shared >= 3 and all(_is_ending(tail, one[shared - 1]) for tail in tails)


def same_name(one: str, other: str, *, inflected: bool) -> bool:
    """Whether two folded words are the same name, where names take endings also with those."""
    if one == other or one + "s" == other or other + "s" == one:
        return True
    shared = _shared(one, other)
    return inflected and shared >= 3 and max(len(one), len(other)) - shared <= 2


class Vocabulary:
    """The words of a text without their order, found by what they begin with.

    Whatever counts as the same word begins with the same letter, so that looking for one costs
    little in a text of any length.
    """

    def __init__(self, said: Collection[str]) -> None:
        self.joined = joined(said)
        self._beginning: defaultdict[str, set[str]] = defaultdict(set)
        for word in said:
            self._beginning[word[:1]].add(word)

    def __contains__(self, word: str) -> bool:
        return word in self.beginning_like(word)

    def beginning_like(self, word: str) -> Collection[str]:
        """Those that begin with the same letter."""
        return self._beginning.get(word[:1], ())


def contains(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the words of the phrase stand in the text, side by side."""
    return place(text, phrase) is not None


def place(text: Sequence[str], phrase: Sequence[str]) -> int | None:
    """Where the words of the phrase stand side by side in the text, the last time."""
    if phrase[0] not in text:
        return None
    size = len(phrase)
    for start in range(len(text) - size, -1, -1):
        if text[start] == phrase[0] and tuple(text[start : start + size]) == tuple(phrase):
            return start
    return None


def joined(values: Iterable[str]) -> str:
    """The words without what separates them, to compare "long-term" with "longterm"."""
    return "".join(values)


def _plain_number(word: str) -> str:
    """A number in plain digits, without marks between thousands, with a decimal point."""
    if not word[0].isdecimal():
        return word
    word = "".join(str(int(one)) if one.isdecimal() else one for one in word)
    if re.fullmatch(_GROUPED, word):
        return re.sub("[.,]", "", word)
    return word.replace(",", ".")


def _shared(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


def _is_ending(tail: str, before: str) -> bool:
    return not tail or tail in _ENDINGS or (tail[0] == before and tail[1:] in _ENDINGS)
