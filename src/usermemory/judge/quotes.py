"""Where the user said it: a quote is found in a message, whatever the script, and cut out.

White space, case, width, accents, typographic marks and hidden characters never matter. What needs
more than that is found all the same and said to be inexact: a quote that begins or ends inside a
word (an attached particle), or one of which four fifths of the words stand there in order. What is
kept is always the user's own span, widened to its clause, so that no "not" is cut away.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import regex

from usermemory.text import Text, folded_words, pairs, words

if TYPE_CHECKING:
    from usermemory.records import Message

LONGEST = 80
"""Words of a quote that are looked for; the rest of a longer one adds no proof."""

_JOINER = "\u200d"
_ENOUGH = 0.8
_FEWEST_NEAR = 3  # of fewer words a near match proves nothing
_CANDIDATES = 8
_SHORTEST_PART = 2
_LONGEST_CLAUSE = 300
_REACH = 1_000
_AROUND = 12
_FEW = 3

_SENTENCE_END = regex.compile(r"(?:(?<!\d)[.]|[.](?!\d)|[!?…。！？｡؟।॥։።;；؛:：\n\r\u2028\u2029])+")
_SIGN = regex.compile(
    r"(?![<>|])[\p{Sm}\p{Sc}\p{No}#%‰°]|(?<!\w)[-−–](?=\d)|(?<=\w)[-−](?!\w)|(?<=\d)[./,:](?=\d)"
)
"""What says something and is no word, nor mark-up: a minus, a currency, a plus behind a letter."""
_MOST_SIGNS = 3
_PARTICLE = regex.compile(r"[\p{Arabic}\p{Hebrew}]")
_PAUSE = regex.compile(r"(?<!\d)[,，、،]|[,，、،](?!\d)| [-–—] |—|\(|\)")


class Heard:
    """A message as the judge reads it: the parts of a very long one are one again.

    Args:
        messages: The message, or its parts in order.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.parts = tuple(messages)
        self.text = Text("".join(message.text for message in messages))

    @property
    def message(self) -> Message:
        """The message, or its first part."""
        return self.parts[0]

    @property
    def by_user(self) -> bool:
        """Whether these are the user's own words."""
        return self.parts[0].author == "user"

    @property
    def begins(self) -> bool:
        """Whether the message's beginning is here, and not in an earlier batch."""
        return self.parts[0].part == 0

    def part_at(self, offset: int) -> Message:
        """The part in which this character stands."""
        for message in self.parts:
            if offset < len(message.text):
                return message
            offset -= len(message.text)
        return self.parts[-1]

    @cached_property
    def foreign(self) -> tuple[tuple[int, int], ...]:
        """Where words stand that may be somebody else's, as pairs of offsets, in order.

        These are blocks in fences, in tags and in quotation marks, lines that are quoted as mails
        do, and whatever follows the first line: nothing here says that they are not the user's.
        """
        from usermemory.judge.passages import passages

        return passages(self.text.plain, begins=self.begins)

    @cached_property
    def pairs(self) -> frozenset[str]:
        """Neighbouring letters of scripts without spaces."""
        return frozenset(pairs(word.folded for word in self.text.words))

    @cached_property
    def own_words(self) -> frozenset[str]:
        """The folded words outside of those places."""
        return frozenset(self._words(foreign=False))

    @cached_property
    def foreign_words(self) -> frozenset[str]:
        """The folded words in those places."""
        return frozenset(self._words(foreign=True))

    def _words(self, *, foreign: bool) -> Iterator[str]:
        spans = iter(self.foreign)
        span = next(spans, None)
        for word in self.text.words:
            while span is not None and word.start >= span[1]:
                span = next(spans, None)
            inside = span is not None and word.start >= span[0]
            if inside == foreign:
                yield word.folded


def said(messages: Sequence[Message]) -> list[Heard]:
    """The messages, those of several parts as one."""
    groups: list[list[Message]] = []
    for message in messages:
        last = groups[-1][-1] if groups else None
        if last is not None and message.part and _continues(last, message):
            groups[-1].append(message)
        else:
            groups.append([message])
    return [Heard(group) for group in groups]


def _continues(last: Message, message: Message) -> bool:
    same = (last.author, last.id, last.at) == (message.author, message.id, message.at)
    return same and message.part == last.part + 1


@dataclass(frozen=True)
class OwnSpan:
    """A quote and where it stands.

    Attributes:
        said: The message.
        start: Offset of its first character in the message's text.
        end: Offset behind its last one.
        exact: Whether no more than folding was needed.
    """

    said: Heard
    start: int
    end: int
    exact: bool = True

    @property
    def text(self) -> str:
        """The user's own span, as written."""
        return self.said.text.plain[self.start : self.end]


def find_quote(quote: str, messages: Sequence[Heard]) -> OwnSpan | None:
    """The newest of these messages that holds the quote: word by word, else more loosely.

    Args:
        quote: The words, as the extractor gave them.
        messages: Where to look, oldest first.

    Returns:
        The place; None where nobody said it. A quote without any word (an emoji) is looked for as
        it is written.
    """
    asked = words(quote)[:LONGEST]
    wanted = [word.folded for word in asked]
    if not wanted:
        return _literal(quote.strip(), messages)
    signs = _signs(quote, asked[0].start, asked[-1].end)
    for search in (_exact, _partial, _near):
        found = [place for one in reversed(messages) for place in search(wanted, one)]
        for place in found:
            if not place.exact or _signs(place.said.text.plain, place.start, place.end) == signs:
                return place
        if found:
            return replace(found[0], exact=False)
    return None


def _signs(text: str, start: int, end: int) -> list[str]:
    """The signs in a part of a text and right beside it, each as it is mostly written."""
    for _ in range(_MOST_SIGNS):
        start -= start > 0 and _SIGN.match(text, start - 1) is not None
        end += end < len(text) and _SIGN.match(text, end) is not None
    every = (one.group() for one in _SIGN.finditer(text, start) if one.start() < end)
    return ["-" if sign in "−–" else sign for sign in every]


def _literal(quote: str, messages: Sequence[Heard]) -> OwnSpan | None:
    if not any(unicodedata.category(letter).startswith("S") for letter in quote):
        return None
    for one in reversed(messages):
        at = one.text.plain.rfind(quote)
        if at >= 0:
            # A joiner beside it makes it a part of another emoji.
            around = one.text.plain[max(0, at - 1) : at + len(quote) + 2]
            whole = around.count(_JOINER) == quote.count(_JOINER)
            return OwnSpan(one, at, at + len(quote), exact=whole)
    return None


def _exact(wanted: Sequence[str], one: Heard) -> Iterator[OwnSpan]:
    for place in one.text.places(wanted):
        yield _between(one, *place, exact=True)


def _partial(wanted: Sequence[str], one: Heard) -> Iterator[OwnSpan]:
    """The words side by side, the first or the last as a part of a longer one."""
    phrase = " ".join(wanted)
    if min(len(wanted[0]), len(wanted[-1])) < _SHORTEST_PART:
        return
    at = one.text.joined.rfind(phrase)
    if at < 0:
        return
    end = at + len(phrase)
    if _cuts_a_number(one.text.joined, at) or _cuts_a_number(one.text.joined, end):
        return
    exact = _lacks_a_particle(one.text.joined, at, end)
    yield _between(one, one.text.word_at(at), one.text.word_at(end - 1), exact=exact)


def _lacks_a_particle(joined: str, at: int, end: int) -> bool:
    """Whether only "and", "in" or "the" is missing, which these scripts write as one letter."""
    before = joined[at - 2 : at]
    return joined[end] == " " and before[:1] == " " and _PARTICLE.match(before[1:]) is not None


def _cuts_a_number(joined: str, at: int) -> bool:
    return joined[at - 1].isdigit() and joined[at : at + 1].isdigit()


def _near(wanted: Sequence[str], one: Heard) -> Iterator[OwnSpan]:
    """The user's own span in which four fifths of the words stand, in order, close together."""
    if len(wanted) < _FEWEST_NEAR:
        return
    counts = Counter(word.folded for word in one.text.words)
    common = [word for word in wanted if word in counts]
    needed = _ENOUGH * len(wanted)
    numbers = {word for word in wanted if word.isdigit()}
    if len(common) < needed or not numbers <= counts.keys():
        return
    anchor = min(common, key=lambda word: (counts[word], -len(word)))
    reach = len(wanted) + max(_FEW, len(wanted) // 2)
    best: tuple[int, int, int] | None = None
    for place, _ in one.text.places([anchor], _CANDIDATES):
        first = max(0, place - reach)
        window = [word.folded for word in one.text.words[first : place + reach + 1]]
        count, start, end = _in_order(wanted, window)
        if count >= needed and end - start < reach and (best is None or count > best[0]):
            best = count, first + start, first + end
    if best is None:
        return
    _, start, end = best
    within = {word.folded for word in one.text.words[start : end + 1]}
    if numbers <= within:
        yield _between(one, start, end, exact=False)


def _in_order(wanted: Sequence[str], window: Sequence[str]) -> tuple[int, int, int]:
    """The longest common subsequence: how many words, where it starts and ends in the window."""
    best = [(0, 0, 0)] * (len(wanted) + 1)  # count, start, minus the end: the tightest of the best
    for here, word in enumerate(window):
        before = best[0]
        for column, one in enumerate(wanted, start=1):
            above = best[column]
            if one == word:
                count, start, _ = before
                best[column] = max(above, (count + 1, start if count else here, -here))
            best[column] = max(best[column], best[column - 1])
            before = above
    count, start, end = best[-1]
    return count, start, -end


def _between(one: Heard, first: int, last: int, *, exact: bool) -> OwnSpan:
    return OwnSpan(one, one.text.words[first].start, one.text.words[last].end, exact)


def clause(found: OwnSpan) -> tuple[int, int]:
    """The clause around a quote, as offsets: what is kept as evidence.

    It goes to the pauses around the quote, over neighbours of a few words ("No, …"; "…, not"), and
    never past the end of the sentence; in a very long one, to a dozen words around the quote.
    """
    pieces = _pieces(found)
    inside = [n for n, (start, end) in enumerate(pieces) if end > found.start and start < found.end]
    if not inside:
        return found.start, found.end
    first, last = inside[0], inside[-1]
    plain = found.said.text.plain
    while first > 0 and not _long(plain[slice(*pieces[first - 1])]):
        first -= 1
    while last < len(pieces) - 1 and not _long(plain[slice(*pieces[last + 1])]):
        last += 1
    start, end = min(pieces[first][0], found.start), max(pieces[last][1], found.end)
    return _bounded(found, start, end)


def _pieces(found: OwnSpan) -> list[tuple[int, int]]:
    """The sentence around a quote, cut at its pauses."""
    plain = found.said.text.plain
    low, high = max(0, found.start - _REACH), min(len(plain), found.end + _REACH)
    first = max((one.end() for one in _SENTENCE_END.finditer(plain, low, found.start)), default=low)
    ending = _SENTENCE_END.search(plain, max(found.start, found.end - 1), high)
    last = high if ending is None else ending.end()
    cuts = [one.end() for one in _PAUSE.finditer(plain, first, last)]
    return [*itertools.pairwise([first, *cuts, last])]


def _long(text: str) -> bool:
    return len(folded_words(text)) > _FEW


def _bounded(found: OwnSpan, start: int, end: int) -> tuple[int, int]:
    """Without white space around, and not much longer than the quote."""
    text = found.said.text
    if end - start > _LONGEST_CLAUSE + (found.end - found.start):
        inside = [n for n, word in enumerate(text.words) if found.start <= word.start < found.end]
        if inside:
            start = max(start, text.words[max(0, inside[0] - _AROUND)].start)
            end = min(end, text.words[min(len(text.words) - 1, inside[-1] + _AROUND)].end)
    while start < found.start and text.plain[start].isspace():
        start += 1
    while end > found.end and text.plain[end - 1].isspace():
        end -= 1
    return start, end
