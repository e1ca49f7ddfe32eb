"""What the offline bot says: from a message and from what is known of the user, by rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from usermemory.extras.rules.person import second_person
from usermemory.extras.rules.statements import GREETING, stems
from usermemory.messages import is_sequence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ABOUT_THE_BOT = re.compile(r"(?i)\bwh(?:o|at) are you\b|\bare you\b.*\b(?:model|ai|bot|human)\b")
_QUESTION = re.compile(r"(?i)\?|^\W*(?:guess|what|who|where|when|how|do you|did i|tell me)\b")
_EVERYTHING = re.compile(r"(?i)\b(?:know (?:about )?me|about me|remember|who am i|told you)\b")
_SUBJECTS = {
    r"\bname\b|who am i": r"your name is ",
    r"how old|\bage\b": r"you are \d",
    r"\bworking\b|work on|building|project|progress": r"you are \w+ing\b",
    r"\blive\b|city|home": r"you (?:live|moved) |you are from|your city",
    r"\bjob\b|\bwork\b": r"you work |you are an? |your job",
    r"\blike\b|\blove\b|enjoy|hobb|interest": r"you like ",
}
_SMALL_WORDS = stems("a an the i me my you your is are do does what who where when how of to in")
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
    to = f", {learned['name']}" if learned.get("name") else ""
    facts = list(_known_facts(known))
    if news := [fact for fact in _known_facts(learned) if fact not in facts]:
        rest = _but_the_name(news)
        hello = f"Good to know{to}." if rest == news else f"Nice to meet you{to}!"
        return f"{hello} I will remember that {_in_a_sentence(rest)}." if rest else hello
    about = _facts_about(text, facts)
    greets = GREETING.match(text) is not None
    if _QUESTION.search(text) and not (greets and len(text.split()) == 1):
        unknown = f"I don't know{to}. You have not told me yet, as far as I understood."
        return f"I remember{to}: {_in_a_sentence(about)}." if about else unknown
    if about:
        return f"Good to hear{to}! As far as I know, {about[0]}."
    if greets:
        rest = _but_the_name(facts)
        again = f" Good to see you again: {rest[-1]}, I remember." if rest else ""
        return f"Hello{to}!{again}"
    return f"I see{to}. Tell me something about yourself, or ask what I know about you."


def _known_facts(profile: Mapping[str, Any]) -> Iterator[str]:
    """Each thing that is known, as one would say it to the user."""
    for field, value in profile.items():
        if value in (None, "", []):
            continue
        if field == "core_memories":
            yield from map(second_person, value)
        elif field in {"interests", "age"}:
            yield (
                f"you like {_in_a_sentence(value)}" if field == "interests" else f"you are {value}"
            )
        else:
            said = _in_a_sentence(value) if is_sequence(value) else value
            yield f"your {field.replace('_', ' ')} is {said}"


def _facts_about(text: str, facts: Sequence[str]) -> Sequence[str]:
    """The facts that a message asks for or speaks of."""
    for asked, told in _SUBJECTS.items():
        if re.search(asked, text, re.IGNORECASE) and (
            some := [f for f in facts if re.match(told, f)]
        ):
            return some
    asked_for = stems(text) - _SMALL_WORDS
    some = [fact for fact in facts if asked_for & (stems(fact) - _SMALL_WORDS)]
    return some or (facts if _EVERYTHING.search(text) else [])


def _but_the_name(facts: Sequence[str]) -> list[str]:
    return [fact for fact in facts if not fact.startswith("your name is ")]


def _in_a_sentence(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
