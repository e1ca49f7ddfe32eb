"""The same statement in the first person, the third, and the second.

The user says "I'm building a boat with my son"; the profile holds "Is building a boat with their
son"; a bot says "you are building a boat with your son".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_I = re.IGNORECASE
_FRONTS = tuple(
    (re.compile(pattern, _I), front)
    for pattern, front in (
        (r"i(?:'m| am|m) not\b", "Is not"),
        (r"i(?:'m| am|m)\b", "Is"),
        (r"(?:i|we)(?:'ve|ve| have) (?:got )?", "Has "),
        (r"(?:i|we) (?:do not|don'?t)(?: really)?\b", "Does not"),
        (r"i (?:can ?not|can'?t)\b", "Cannot"),
        (r"my\b", "Their"),
    )
)
_ASIDE = re.compile(r" (?:now|currently)\b", _I)
_VERB = re.compile(r"(?:i|we) (?:(?:also|still|just|really|only|usually) )*(\w+)", _I)
_PRESENT = {
    "collect": "Collects",
    "dislike": "Dislikes",
    "eat": "Eats",
    "enjoy": "Enjoys",
    "hate": "Hates",
    "like": "Likes",
    "live": "Lives",
    "love": "Loves",
    "own": "Owns",
    "play": "Plays",
    "run": "Runs",
    "speak": "Speaks",
    "study": "Studies",
    "teach": "Teaches",
    "work": "Works",
}
_PAST = ("Got", "Broke", "Ran", "Won", "Became", "Met", "Bought")
_TO_THIRD = {
    "i": "they",
    "i'm": "they are",
    "me": "them",
    "my": "their",
    "mine": "theirs",
    "myself": "themselves",
    "our": "their",
    "us": "them",
    "we": "they",
    "you": "the assistant",
    "your": "the assistant's",
}
_TO_SECOND = {
    "the assistant's": "my",
    "the assistant": "me",
    "themselves": "yourself",
    "theirs": "yours",
    "their": "your",
    "them": "you",
    "they": "you",
}
_STARTS = {
    "Is": "you are",
    "Has": "you have",
    "Was": "you were",
    "Does": "you do",
    "Cannot": "you cannot",
    "Their": "your",
} | {third: f"you {first}" for first, third in _PRESENT.items()}


def third_person(clause: str) -> str:
    """What the user says of themselves, as somebody else would note it."""
    clause = _ASIDE.sub("", clause)
    for pattern, front in _FRONTS:
        if found := pattern.match(clause):
            return front + _swapped(clause[found.end() :], _TO_THIRD)
    if found := _VERB.match(clause):
        verb = found[1].lower()
        rest = _swapped(clause[found.end() :], _TO_THIRD)
        return _PRESENT.get(verb, verb.capitalize()) + rest
    return clause[:1].upper() + _swapped(clause[1:], _TO_THIRD)


def second_person(memory: str) -> str:
    """What is noted of the user, as one would say it to them; verbatim where that is unclear."""
    first, space, rest = memory.partition(" ")
    start = _STARTS.get(first)
    if start is None and (first.endswith("ed") or first in _PAST):
        start = f"you {first.lower()}"
    if start is None:
        return f'I noted "{memory}"'
    return start + space + _swapped(rest, _TO_SECOND)


def _swapped(text: str, pronouns: Mapping[str, str]) -> str:
    pattern = r"\b(?:" + "|".join(sorted(pronouns, key=len, reverse=True)) + r")\b"
    return re.sub(pattern, lambda found: pronouns[found[0].lower()], text, flags=_I)
