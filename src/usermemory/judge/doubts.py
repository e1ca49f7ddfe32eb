"""What code has a doubt about: cheap to raise, in any language, and settled by the second look.

Two words count as alike that have a long beginning in common, in any language; numbers are alike
only if they are equal. That is too little to refuse by, and enough to ask by.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from usermemory.judge import disguise
from usermemory.judge.judgement import Doubt, Judgement
from usermemory.schema.form import identity
from usermemory.words import folded_words, leaves, pairs

if TYPE_CHECKING:
    from usermemory.judge.quotes import Found
    from usermemory.judge.wall import Hearing
    from usermemory.records import Change

_STEM = 4
_SHORTEST = 3
_SHARE = 0.5
"""Of a value's letters, so many from others alone make it doubtful."""

_SHARE_OF_PROFILE = 0.75
"""The same for what stands in the profile alone: a value may well repeat some of its words."""

_ECHOED = 3
"""Words of a quote that others have said, too."""

_TAKES = ("remove", "clear")


def doubted(hearing: Hearing, every: Sequence[Judgement]) -> list[Judgement]:
    """The judgements of one answer with their doubts.

    What one change takes out and another puts in its place is a correction, unless that other one
    is doubtful itself.
    """
    first = [one if one.change.action in _TAKES else _doubted(hearing, one, every) for one in every]
    return [_doubted(hearing, one, first) if one.change.action in _TAKES else one for one in first]


def _doubted(hearing: Hearing, judgement: Judgement, every: Sequence[Judgement]) -> Judgement:
    if judgement.refused is not None or not judgement.evidence:
        return judgement
    found = hearing.find(judgement.change.quote)
    if found is None:
        return judgement
    return replace(judgement, doubts=tuple(_doubts(hearing, judgement, found, every)))


def _doubts(
    hearing: Hearing, judgement: Judgement, found: Found, every: Sequence[Judgement]
) -> Iterator[Doubt]:
    if not found.exact or disguise.is_dressed(judgement.evidence[0].quote):
        yield "inexact"
    if any(start <= found.start and found.end <= end for start, end in found.said.foreign):
        yield "passage"
    change = judgement.change
    if change.action in _TAKES:
        if not _is_replaced(judgement, every) and not _names(hearing, judgement):
            yield "unnamed"
        return
    value = _telling(change)
    strange = unsaid(change, hearing.own)
    if value and _from_others(hearing, judgement, value, strange, every):
        yield "others"
    if value and len(strange) == len(value):
        yield "ungrounded"
    if _echoes(hearing, found, value):
        yield "echo"


def unsaid(change: Change, said: Collection[str]) -> list[str]:
    """The telling words of a change's value that are not among these, in any form."""
    return [word for word in _telling(change) if not _any_alike(word, said)]


def held(words: Iterable[str], said: Collection[str]) -> list[str]:
    """Those of some words that are among others, in any form."""
    return [word for word in words if _any_alike(word, said)]


def _telling(change: Change) -> list[str]:
    """The words of a value that say something: numbers, and what has more than two letters."""
    said = [word for leaf in leaves(change.value) for word in folded_words(str(leaf))]
    long = [word for word in said if len(word) >= _SHORTEST or word.isdigit()]
    return list(dict.fromkeys([*long, *pairs(said)])) or list(dict.fromkeys(said))


def _from_others(
    hearing: Hearing,
    judgement: Judgement,
    value: Sequence[str],
    strange: Sequence[str],
    every: Sequence[Judgement],
) -> bool:
    """Whether much of the value stands in what others said or in the profile alone."""
    if not strange:
        return False
    letters = sum(map(len, value))
    theirs = [word for word in strange if _any_alike(word, hearing.foreign)]
    if sum(map(len, theirs)) >= _SHARE * letters:
        return True
    known = _known(hearing, judgement, every)
    stored = [word for word in strange if _any_alike(word, known)]
    return sum(map(len, stored)) >= _SHARE_OF_PROFILE * letters


def _known(hearing: Hearing, judgement: Judgement, every: Sequence[Judgement]) -> set[str]:
    """The words of the profile, without what the same answer replaces."""
    change = judgement.change
    gone = {
        identity(one.change.value)
        for one in every
        if one.change.field == change.field and one.change.action == "remove"
    }
    known: set[str] = set()
    for value in hearing.batch.document.values():
        for leaf in leaves(value):
            if identity(leaf) not in gone:
                words = folded_words(str(leaf))
                known.update(words, pairs(words))
    return known


def _echoes(hearing: Hearing, found: Found, value: Sequence[str]) -> bool:
    """Whether others said the whole value, or all words of the quote, before the user did."""
    quote = folded_words(found.text)
    before = hearing.before(found.said)
    for one in before:
        theirs = (one.text.vocabulary, one.pairs)
        whole = bool(value) and all(any(word in said for said in theirs) for word in value)
        quoted = len(quote) >= _ECHOED and one.text.holds(quote)
        if whole or quoted:
            return not one.by_user
    return False


def _is_replaced(judgement: Judgement, every: Iterable[Judgement]) -> bool:
    """Whether the same answer puts something in the place of what is taken out."""
    change, seqs = judgement.change, {one.seq for one in judgement.evidence}
    return any(
        one.refused is None
        and set(one.doubts) <= {"ungrounded"}
        and one.change.field == change.field
        and one.change.action not in _TAKES
        and seqs & {evidence.seq for evidence in one.evidence}
        for one in every
    )


def _names(hearing: Hearing, judgement: Judgement) -> bool:
    """Whether the clause, or the question that it answers, names what goes."""
    change, batch = judgement.change, hearing.batch
    field = batch.schema.fields[change.field]
    item: list[Any] = [change.key, change.value]
    if change.action == "clear":
        current = batch.document.get(change.field)
        item = [change.key, current, change.field.replace("_", " "), field.title]
    said = [*folded_words(judgement.evidence[0].quote)]
    said += folded_words(judgement.evidence[0].question)
    said += list(pairs(said))
    wanted = [word for leaf in leaves(item) for word in folded_words(str(leaf))]
    wanted += list(pairs(wanted))
    telling = [word for word in wanted if len(word) >= _SHORTEST or word.isdigit() or _pair(word)]
    return any(_any_alike(word, frozenset(said)) for word in telling or wanted)


def _pair(word: str) -> bool:
    return len(word) == 2 and not word.isascii()


def _any_alike(word: str, said: Collection[str]) -> bool:
    """Whether a word, or a form of it, is among others."""
    if word in said:
        return True
    if word.isdigit() or len(word) < _STEM:
        return False
    return any(_alike(word, one) for one in said if one[0] == word[0] and len(one) >= _STEM)


@lru_cache(maxsize=4_096)
def _alike(one: str, other: str) -> bool:
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= _STEM and 2 * shared >= max(len(one), len(other))
