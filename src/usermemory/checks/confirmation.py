"""A short assent may rest on the question right before it, for single values.

"Do you live in Bergen?" – "Yes, exactly": the quote is the user's, the words of the value are the
question's. One question only, without alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from usermemory.checks.languages import known
from usermemory.checks.quote import Found
from usermemory.checks.words import folded
from usermemory.records import Message

_LONGEST_ASSENT = 6
_SENTENCE = re.compile(r"[^.!?。！？\n]*[.!?。！？\n]?")
_ASKS = ("?", "？")


def confirmed_question(found: Found, thread: Sequence[Message]) -> str | None:
    """The single question that the found message says yes to, if it does nothing else."""
    if not _is_assent(found.message.text):
        return None
    place = next(n for n, message in enumerate(thread) if message is found.message)
    if place == 0 or thread[place - 1].author != "assistant":
        return None
    sentences: list[str] = _SENTENCE.findall(thread[place - 1].text)
    questions = [one.strip() for one in sentences if one.strip().endswith(_ASKS)]
    if len(questions) != 1 or _offers_a_choice(questions[0]):
        return None
    return questions[0]


def _is_assent(text: str) -> bool:
    said = folded(text)
    return 0 < len(said) <= _LONGEST_ASSENT and any(
        said[0] in language.assents | language.fillers
        and set(said) & language.assents
        and set(said) <= language.assents | language.fillers
        for language in known()
    )


def _offers_a_choice(question: str) -> bool:
    return any(set(folded(question)) & language.alternatives for language in known())
