"""What is to be erased, what may hold it, and where it is found in texts, however it is written."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from usermemory.messages.align import stored_id
from usermemory.records import Applied, Evidence, Refused, Revision
from usermemory.text import MASK, Text, Word, leaves, words


@dataclass(frozen=True, slots=True)
class OfValue:
    """A field, or one value of it: the item of a list, the key of a map, a property.

    Attributes:
        anywhere: Whether it is erased although it is no item, and stands nowhere.
        also: More values of the field, that go in the same step.
    """

    field: str
    value: Any = None
    anywhere: bool = False
    also: tuple[Any, ...] = ()

    @property
    def values(self) -> tuple[Any, ...]:
        """All values that go; none where the whole field does."""
        return () if self.value is None else (self.value, *self.also)


@dataclass(frozen=True, slots=True)
class OfThread:
    """All that was said in a thread, and what rests on nothing else."""

    thread_id: str

    def taught(self, evidence: Evidence) -> bool:
        """Whether these words were said there."""
        return evidence.thread_id == self.thread_id


@dataclass(frozen=True, slots=True)
class OfMessage:
    """One message, by the caller's id or by its number in the inbox, and what rests on it alone."""

    thread_id: str
    message: str | int

    def taught(self, evidence: Evidence) -> bool:
        """Whether these words were said in it."""
        named = evidence.message_id and stored_id(evidence.message_id)
        return evidence.thread_id == self.thread_id and self.message in {named, evidence.seq}


Target = OfValue | OfThread | OfMessage


@dataclass(frozen=True, slots=True)
class Kept:
    """A message, or a part of a long one, of which text is left.

    Attributes:
        unread: Whether nobody has read it yet: what it says may still be learned.
    """

    thread_id: str
    seq: int
    message_id: str | None
    text: str
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a consolidation or a proposal refused, and its error's text.

    Attributes:
        thread_id: Whose messages it was about.
        seqs: The numbers of those; of a proposal they are not known.
    """

    token: int
    rejections: tuple[Refused, ...]
    error: str = ""
    thread_id: str = ""
    seqs: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """All of it.

    Attributes:
        document: The profile; empty for a user nobody knows.
        revisions: The newest first.
        messages: In order.
        refused: In any order.
        waiting: What waits for a person, as if it were refused; the token is its place.
        proposed: The same as changes.
        numbers: Of the message that is to be erased, also where its text is gone.
    """

    document: Mapping[str, Any]
    revisions: Sequence[Revision] = ()
    messages: Sequence[Kept] = ()
    refused: Sequence[Refusals] = ()
    waiting: Sequence[Refusals] = ()
    proposed: Sequence[Applied] = ()
    numbers: frozenset[int] = frozenset()


_FEW = 3
"""Letters; what has fewer ("C++", "🎹") is looked for as it is written."""

_Beside = tuple[str, ...]
"""Words right before or behind a phrase."""

_PAUSE = re.compile(r"[^\s\w'’-]")
"""What parts words that say something together."""

_VARIANT = "\ufe0f"
"""Stands behind a picture that is shown in colours, or does not."""


class Needles:
    """Texts that must not be left anywhere.

    Longer ones are found word by word, so that case, accents, punctuation and space don't matter.
    The work grows with the length of a text, whatever stands in it.

    Args:
        texts: What to look for; blank ones are left out.
        spared: Texts that stay. Where one of them says more than is looked for ("table tennis",
            where it is "tennis"), a place that says the same more is a place of its, and no find.
    """

    def __init__(self, texts: Iterable[str], spared: Iterable[str] = ()) -> None:
        # Phrases, each with what stands before and behind their words ("!" of "Yahoo!").
        self._phrases: dict[tuple[str, ...], set[tuple[str, str]]] = {}
        self._literals: set[tuple[str, ...]] = set()
        for text in filter(None, map(str.strip, texts)):
            said = words(text)
            if sum(len(word.folded) for word in said) < _FEW and not any(w.single for w in said):
                self._literals.add(tuple(map(str.casefold, text.replace(_VARIANT, ""))))
            else:
                around = text[: said[0].start], text[said[-1].end :]
                self._phrases.setdefault(tuple(w.folded for w in said), set()).add(around)
        # Each under the word of it that the fewest have: a text is looked through for few of many.
        count = Counter(word for phrase in self._phrases for word in set(phrase))
        self._by_word: dict[str, list[tuple[str, ...]]] = {}
        for phrase in self._phrases:
            self._by_word.setdefault(min(phrase, key=count.__getitem__), []).append(phrase)
        self._longer: set[tuple[str, ...]] = set()
        self._spared: dict[tuple[str, ...], tuple[set[_Beside], set[_Beside]]] = {}
        for text in spared:
            self._spare(words(text))
            letters = text.strip().casefold().replace(_VARIANT, "")
            if any("".join(one) in letters and len(one) < len(letters) for one in self._literals):
                self._longer.add(tuple(letters))

    def _possible(self, said: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """The phrases that may stand among these words."""
        for word in said:
            yield from self._by_word.get(word, ())

    def _spare(self, said: Sequence[Word]) -> None:
        """Note what stands beside a phrase in a text that stays."""
        folded = [word.folded for word in said]
        there = set(folded)
        for phrase in self._possible(there):
            if not there.issuperset(phrase):
                continue
            before, behind = self._spared.setdefault(phrase, (set(), set()))
            for first in _places(phrase, folded):
                end = first + len(phrase)
                if first:
                    before.add(tuple(folded[max(0, first - _reach(said[first - 1])) : first]))
                if end < len(said):
                    behind.add(tuple(folded[end : end + _reach(said[end])]))

    def _is_spared(self, phrase: tuple[str, ...], read: Text, first: int) -> bool:
        """Whether the same words stand beside it here, in one run with it."""
        before, behind = self._spared.get(phrase, ((), ()))
        end = first + len(phrase)
        spans = [(first - len(one), first, one) for one in before]
        spans += [(end, end + len(one), one) for one in behind]
        for start, stop, beside in spans:
            if start < 0 or tuple(word.folded for word in read.words[start:stop]) != beside:
                continue
            run = read.words[min(start, first) : max(stop, end)]
            gaps = (read.plain[one.end : two.start] for one, two in pairwise(run))
            if not any(map(_PAUSE.search, gaps)):
                return True
        return False

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
        read = Text(text)
        yield from self._literal_spans(read)
        folded: list[str] = []
        for phrase in self._possible(read.vocabulary):
            if not read.holds(phrase):
                continue
            around = self._phrases[phrase]
            folded = folded or [word.folded for word in read.words]
            for first in _places(phrase, folded):
                if self._is_spared(phrase, read, first):
                    continue
                start, end = read.words[first].start, read.words[first + len(phrase) - 1].end
                before = max((len(b) for b, _ in around if text.endswith(b, 0, start)), default=0)
                behind = max((len(b) for _, b in around if text.startswith(b, end)), default=0)
                yield start - before, end + behind

    def _literal_spans(self, read: Text) -> Iterator[tuple[int, int]]:
        text = read.plain
        folded = text.casefold().replace(_VARIANT, "")
        found = [one for one in self._literals if one and "".join(one) in folded]
        if not found:
            return
        places = [at for at, letter in enumerate(text) if letter != _VARIANT]
        letters = [text[at].casefold() for at in places]
        longer = [
            range(first, first + len(one))
            for one in self._longer
            if "".join(one) in folded
            for first in _places(one, letters)
        ]
        for literal in found:
            for first in _places(literal, letters):
                if any(first in one and first + len(literal) - 1 in one for one in longer):
                    continue
                start, end = places[first], places[first + len(literal) - 1] + 1
                if _stands_alone(read.words, text, start, end):
                    yield start, end + text.startswith(_VARIANT, end)


def _reach(word: Word) -> int:
    """How many words beside a phrase tell whose it is; in scripts without spaces, letters."""
    return 4 if word.single else 2


def _stands_alone(said: Sequence[Word], text: str, start: int, end: int) -> bool:
    """Whether a place cuts no word in two: "C" stands in "C++", and not in "CSS".

    What begins or ends with other marks than pictures touches no word there either: "C++" does
    not stand in "C++11".
    """
    before, behind = _word_at(said, start - 1), _word_at(said, end)
    if (before and before.end > start) or (behind and behind.start < end):
        return False
    return not (
        (before and not before.single and _is_mark(text[start]))
        or (behind and not behind.single and _is_mark(text[end - 1]))
    )


def _word_at(said: Sequence[Word], offset: int) -> Word | None:
    number = bisect_right(said, offset, key=lambda word: word.start) - 1
    return said[number] if number >= 0 and said[number].end > offset else None


def _is_mark(letter: str) -> bool:
    return not letter.isalnum() and unicodedata.category(letter) != "So"


def _places(phrase: Sequence[str], said: Sequence[str]) -> Iterator[int]:
    """Where a phrase begins among words or letters, also where its places overlap.

    After Knuth, Morris and Pratt: a text of one word over and over costs no more than another.
    """
    borders = [0]
    for word in phrase[1:]:
        borders.append(_longer(phrase, borders, borders[-1], word))
    matched = 0
    for place, word in enumerate(said):
        matched = _longer(phrase, borders, matched, word)
        if matched == len(phrase):
            yield place + 1 - matched
            matched = borders[-1]


def _longer(phrase: Sequence[str], borders: Sequence[int], matched: int, word: str) -> int:
    """How much of the phrase's beginning stands before and with this word."""
    while matched and word != phrase[matched]:
        matched = borders[matched - 1]
    return matched + (word == phrase[matched])
