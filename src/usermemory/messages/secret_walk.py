"""What is said to be the secret: the words after a label, in languages of any order of words.

In most languages words stand between the label and the secret: whose it is, what for, and one that
says "is", or a dash, or nothing.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from usermemory.messages.secret_looks import (
    HOLDER,
    LOOKS_SECRET,
    NEXT_FIELD,
    SENTENCE_ENDS,
    is_made,
    is_possible,
    is_strong,
)

_WORDS = re.compile(r"\S+")
_SIGNS = frozenset({"=", ":", "-", "–", "—", "->", "=>", "→"})
_MARKS = "\"'`“”„«»「」*()[]"
_ENDS_SENTENCE = ".,;:?)]}>\"'`“”»。、，："  # an exclamation mark belongs to many passwords
_FURTHEST = 160
_MOST_WORDS = 7
_UNSURE = 2
"""So many unknown words between ask for more of a secret's looks."""


class Walk(NamedTuple):
    """Labels, and how the words after them are read.

    A noun between the label and "is" makes another thing of it where nouns are put one after the
    other, as languages with these ``compounding`` words do: "my password manager is …".
    """

    kind: str
    label: re.Pattern[str]
    copulas: frozenset[str]
    mine: frozenset[str]
    about: frozenset[str]
    ordinary: frozenset[str]
    compounding: frozenset[str]


class _So(NamedTuple):
    """How a word is said: after "is" or a sign, after how many unknown words, as the last one."""

    is_said: bool
    unknown: int
    is_last: bool


def said_after(label: re.Match[str], walk: Walk) -> tuple[int, int] | None:
    """Where what is said to be the secret stands among the words after a label."""
    text, at = label.string, label.end()
    newline = text.find("\n", at, at + _FURTHEST)
    end = newline if newline >= 0 else at + _FURTHEST
    if not LOOKS_SECRET.search(text, at, end):
        return None
    words = list(islice(_WORDS.finditer(text, at, end), _MOST_WORDS + 1))
    compounding = walk.compounding
    if words and words[0].group().lower() in walk.about:  # "password for the router: …"
        compounding = frozenset[str]()
    is_said, unknown = label.group().endswith((*":=：→", "'s", "’s")), 0
    for place, word in enumerate(words[:_MOST_WORDS], 1):
        whole = word.group()
        if HOLDER.search(whole):
            return None
        bare = NEXT_FIELD.split(whole)[0].strip(_MARKS).rstrip(_ENDS_SENTENCE)
        start = word.start() + whole.find(bare)
        then = words[place].group() if place < len(words) else ""
        if whole not in _SIGNS and bare.lower() not in walk.copulas:
            so = _how(label, bare, start, then, walk)
            so = so._replace(is_said=is_said or so.is_said, unknown=unknown)
            if LOOKS_SECRET.search(bare) and _is_wanted(bare, so, walk):
                return start, start + len(bare)
            if bare.lower() not in walk.mine:
                unknown += _UNSURE if bare.lower() in walk.about else 1
        if whole in _SIGNS or bare.lower() in walk.copulas or whole[-1] in ":：":
            is_compound = compounding and (bare.lower() in compounding or whole[-1] in ":：=")
            is_said, unknown = True, _UNSURE if unknown and is_compound else 0
        elif whole[-1] in ".,;!?。、，":
            return None
    return None


def _how(label: re.Match[str], bare: str, start: int, then: str, walk: Walk) -> _So:
    """What the place of a word tells, apart from the words before it."""
    if then.strip(_ENDS_SENTENCE).lower() in walk.copulas:
        return _So(is_said=True, unknown=0, is_last=True)  # "मेरा पासवर्ड hunter2 है"
    other_script = label.group()[0] >= "\u0370" and bare.isascii()
    is_last = other_script or bool(SENTENCE_ENDS.match(label.string, start + len(bare)))
    return _So(is_said=False, unknown=0, is_last=is_last)


def _is_wanted(said: str, so: _So, walk: Walk) -> bool:
    if walk.kind == "API key":  # the word may be anything's
        return (so.is_said or not so.unknown) and is_made(said) and is_possible(said, walk.ordinary)
    if len(said) < 4 or not is_possible(said, walk.ordinary):
        return False
    if so.is_said and (so.unknown == 0 or (so.unknown == 1 and so.is_last)):
        return True
    if not so.unknown and so.is_last and len(said) >= 6:  # "login bob password hunter2"
        return not said.isalpha()
    return is_strong(said)
