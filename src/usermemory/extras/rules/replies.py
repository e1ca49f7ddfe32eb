"""What the offline bot says: from a message and from what is known of the user, by rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from usermemory.extras.rules.clauses import stems
from usermemory.extras.rules.person import second_person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_I = re.IGNORECASE
_GREETING = re.compile(r"\W*(?:hi|hello|hey|hiya|good (?:morning|evening|afternoon))\b", _I)
_ABOUT_THE_BOT = re.compile(
    r"\b(?:are you|you'?re|who are you|what are you)\b.*\b(?:model|ai|llm|gpt|bot|robot|human|real|"
    r"person|machine|you)\b|\b(?:who|what) are you\b",
    _I,
)
_QUESTION = re.compile(r"\?|^\W*(?:guess|what|who|where|when|how|do you|did i|tell me)\b", _I)
_EVERYTHING = re.compile(r"\b(?:know (?:about )?me|about me|remember|who am i|told you)\b", _I)
_SUBJECTS = tuple(
    (re.compile(asked, _I), re.compile(told))
    for asked, told in (
        (r"\bname\b|who am i", r"your name is "),
        (r"how old|\bage\b", r"you are \d"),
        (
            r"work(?:ing)? on|\bworking\b|building|project|progress|up to",
            r"you are (?:working on|(?:build|writ|learn|study|plann|train|develop|design)ing)\b",
        ),
        (
            r"\blive\b|city|home",
            r"you (?:live|moved) |you are (?:from|living|moving)|your city",
        ),
        (r"\bjob\b|\bwork\b|living", r"you work |you are an? |your job|you (?:started|got) a"),
        (r"\blike\b|\blove\b|enjoy|hobb|interest", r"you like "),
    )
)
_SMALL_WORDS = stems(
    "a an the i me my you your is are do does did what who where when how of to in"
)
_NO_MODEL = (
    "I am no language model: I am a small program that shows what the memory does. I look up what "
    "you told me and understand plain statements only. Name a real model (USERMEMORY_MODEL, or "
    "--model), and it will get the same memory."
)


def reply(text: str, known: Mapping[str, Any], learned: Mapping[str, Any]) -> str:
    """What to answer.

    Args:
        text: What the user says.
        known: The profile so far.
        learned: The profile once this message is understood.
    """
    if _ABOUT_THE_BOT.search(text):
        return _NO_MODEL
    name = learned.get("name") or ""
    if news := [fact for fact in _facts(learned) if fact not in set(_facts(known))]:
        return _noted(name, news)
    facts = list(_facts(known))
    about = _about(text, facts)
    if _QUESTION.search(text) and not (_GREETING.match(text) and len(text.split()) == 1):
        return _answered(name, about) if about else _not_known(name)
    if about:
        return f"Good to hear{_to(name)}! As far as I know, {about[0]}."
    if _GREETING.match(text):
        return _greeted(name, facts)
    return f"I see{_to(name)}. Tell me something about yourself, or ask what I know about you."


def _facts(profile: Mapping[str, Any]) -> Iterator[str]:
    """Each thing that is known, as one would say it to the user."""
    for field, value in profile.items():
        if value in (None, "", []):
            continue
        if field == "core_memories":
            yield from map(second_person, value)
        elif field == "interests":
            yield f"you like {_listed(value)}"
        elif field == "age":
            yield f"you are {value}"
        else:
            said = _listed(cast("list[str]", value)) if isinstance(value, list) else value
            yield f"your {field.replace('_', ' ')} is {said}"


def _about(text: str, facts: Sequence[str]) -> list[str]:
    """The facts that a message asks for or speaks of."""
    for asked, told in _SUBJECTS:
        if asked.search(text) and (fits := [fact for fact in facts if told.match(fact)]):
            return fits
    asked_for = stems(text) - _SMALL_WORDS
    if fits := [fact for fact in facts if asked_for & (stems(fact) - _SMALL_WORDS)]:
        return fits
    return list(facts) if _EVERYTHING.search(text) else []


def _noted(name: str, news: Sequence[str]) -> str:
    rest = _but_the_name(news)
    hello = f"Good to know{_to(name)}." if rest == news else f"Nice to meet you{_to(name)}!"
    return f"{hello} I will remember that {_listed(rest)}." if rest else hello


def _answered(name: str, facts: Sequence[str]) -> str:
    return f"I remember{_to(name)}: {_listed(facts)}."


def _not_known(name: str) -> str:
    return f"I don't know{_to(name)}. You have not told me yet, as far as I understood."


def _greeted(name: str, facts: Sequence[str]) -> str:
    rest = _but_the_name(facts)
    hello = f"Hello{_to(name)}!"
    return f"{hello} Good to see you again: {rest[-1]}, I remember." if rest else hello


def _but_the_name(facts: Sequence[str]) -> list[str]:
    return [fact for fact in facts if not fact.startswith("your name is ")]


def _to(name: str) -> str:
    return f", {name}" if name else ""


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
