"""The same statement in the first person, the third, and the second.

The user says "I'm building a boat with my son"; the profile holds "Is building a boat with their
son"; a bot says "you are building a boat with your son".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRONTS = {
    r"i(?:'m| am|m)\b": "Is",
    r"(?:i|we)(?:'ve|ve| have) (?:got )?": "Has ",
    r"(?:i|we) (?:do not|don't)\b": "Does not",
    r"my\b": "Their",
}
_VERB = re.compile(r"(?:i|we) (?:(?:also|still|just|really|only) )*(\w+)", re.IGNORECASE)
_PRESENT = {verb: f"{verb.capitalize()}s" for verb in ["eat", "hate", "live", "speak", "work"]} | {
    "study": "Studies",
    "teach": "Teaches",
}
_TO_THIRD = {
    "i": "they",
    "me": "them",
    "my": "their",
    "our": "their",
    "us": "them",
    "we": "they",
    "you": "the assistant",
    "your": "the assistant's",
}
_TO_SECOND = {
    "the assistant's": "my",
    "the assistant": "me",
    "their": "your",
    "them": "you",
    "they": "you",
}
_TO_SECOND_START = {
    "Is": "you are",
    "Has": "you have",
    "Does": "you do",
    "Their": "your",
    "Got": "you got",
} | {third: f"you {first}" for first, third in _PRESENT.items()}


def third_person(clause: str) -> str:
    """What the user says of themselves, as somebody else would note it."""
    for pattern, front in _FRONTS.items():
        if found := re.match(pattern, clause, re.IGNORECASE):
            return front + _swapped(clause[found.end() :], _TO_THIRD)
    if found := _VERB.match(clause):
        verb = found[1].lower()
        rest = _swapped(clause[found.end() :], _TO_THIRD)
        return _PRESENT.get(verb, verb.capitalize()) + rest
    return clause[:1].upper() + _swapped(clause[1:], _TO_THIRD)


def second_person(memory: str) -> str:
    """What is noted of the user, as one would say it to them; verbatim where that is unclear."""
    first, space, rest = memory.partition(" ")
    start = f"you {first.lower()}" if first.endswith("ed") else _TO_SECOND_START.get(first)
    return f'I noted "{memory}"' if start is None else start + space + _swapped(rest, _TO_SECOND)


def _swapped(text: str, pronouns: Mapping[str, str]) -> str:
    pattern = r"\b(?:" + "|".join(pronouns) + r")\b"
    return re.sub(pattern, lambda found: pronouns[found[0].lower()], text, flags=re.IGNORECASE)
