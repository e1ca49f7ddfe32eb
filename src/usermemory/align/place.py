"""Recognise messages by their place: the call is laid over the marks from the end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from usermemory.align.passed import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from usermemory.align.passed import Mark, Passed
    from usermemory.records import Message

FRONT = 3
"""So many messages in front of a known thread are nothing new: a summary, a greeting."""

_LETTERS = 24  # of known messages in a row, a sentence among them, are no chance
_SENTENCE = 8
_BEGINNING = 3  # fewer do, where the call and the marks begin with them


def newest_known(
    passed: Passed, marks: Sequence[Mark], ids: Mapping[str | None, str]
) -> int | None:
    """Index, from the end, of the newest message that the marks know; None if they know none.

    The newest mark is looked for first. It may be absent (an answer that was thrown away): then
    an older one will do, but only with strong proof.
    """
    older: int | None = None
    for index, message in enumerate(passed):
        if message.id in ids:
            return index if older is None else older
        if older is not None and index > older + len(marks):
            break
        digest = passed.digest(message)
        for place in reversed(range(len(marks))):
            if marks[place].digest == digest and _fits(passed, index, marks, place, ids):
                if place == len(marks) - 1:
                    return index
                older = index if older is None else older
    return older


def _fits(
    passed: Passed,
    index: int,
    marks: Sequence[Mark],
    place: int,
    ids: Mapping[str | None, str],
) -> bool:
    """Whether the call, from this message back, lies over the marks, from this place back."""
    first = place
    context = list(itertools.islice(passed.since(index), CONTEXT))
    for matched, message in enumerate(context):
        if message.id in ids:
            # A known id leaves no doubt: it stands in the marks before, or before all of them.
            places = [at for at, mark in enumerate(marks) if mark.id == message.id]
            return not places or places[0] <= place
        digest = passed.digest(message)
        while place >= 0 and marks[place].digest != digest:
            place -= 1
        if place < 0:
            return _in_front(passed, index, matched, marks, first)
        place -= 1
    if len(marks) < passed.window and _more_than(first + 1, passed.since(index)):
        # These are all marks there are: the same words over and over, and then more.
        return _in_front(passed, index, first + 1, marks, first)
    newest = first == len(marks) - 1
    begins = len(context) < CONTEXT and place < 0
    if len(context) >= _BEGINNING:
        return newest or begins or len(context) == CONTEXT
    # A word or two right after themselves: a redelivery, unless they have ids of their own and do
    # not stand at the beginning of a longer call.
    own_ids = all(message.id is not None for message in context)
    return newest and (not own_ids or (begins and index > 0))


def _in_front(passed: Passed, index: int, count: int, marks: Sequence[Mark], first: int) -> bool:
    """Whether what is unknown only stands in front of so many known messages, as a summary does.

    A few messages, none of which says what the newest known one does: else the same words may have
    been said again behind them.
    """
    rest = list(itertools.islice(passed.since(index + count), FRONT + 1))
    if first != len(marks) - 1 or len(rest) > FRONT:
        return False
    if any(passed.digest(message) == marks[first].digest for message in rest):
        return False
    lengths = [len(m.text) for m in itertools.islice(passed.since(index), count)]
    if count == len(marks):
        return max(lengths) >= _SENTENCE
    return max(lengths) >= _SENTENCE and sum(lengths) >= _LETTERS


def _more_than(count: int, messages: Iterable[Message]) -> bool:
    return next(itertools.islice(messages, count, None), None) is not None
