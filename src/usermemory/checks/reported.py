"""Words in the user's message that only repeat what the bot or its memory says.

"You said: chess, tea", "my profile says Porto", "according to you I am a baker": the user reports,
and adds nothing. It ends with the sentence, or where the user goes on about themselves or denies:
"you said bouldering, and I do love it", "your list says chess, delete that".
"""

from __future__ import annotations

import re
from functools import cache

from usermemory.checks.languages import Language, known
from usermemory.checks.words import folded

_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)|\n|$")
_LIST = re.compile(r":[ \t]*\n(?:[ \t]*(?:[-*•–]|\d{1,2}[.)])[^\n]*(?:\n|$))+")
_GAP = re.compile(r"[,;–—]|\s-\s|\b(?:but|aber|doch|pero|mais)\b", re.IGNORECASE)
_AGREES = re.compile(r"\b(?:as|like|wie|como|comme)\s+$", re.IGNORECASE)
_BEGINNING = 3
"""Words of a clause that tell whether the user goes on with words of their own."""


def own_words(text: str) -> str:
    """The text with what is only reported blanked out, every other character where it was."""
    for language in known():
        for pattern in language.reported:
            for found in pattern.finditer(text):
                end = _end(text, found, language)
                text = text[: found.start()] + "\n" * (end - found.start()) + text[end:]
    return text


def answers(own: str) -> bool:
    """Whether what is left of a message speaks of the user, or denies something."""
    said = set(folded(own))
    return any(said & _telling(language) for language in known())


def _end(text: str, found: re.Match[str], language: Language) -> int:
    """Where the report ends that begins here."""
    sentence = _SENTENCE_END.search(text, found.end())
    end = sentence.start() if sentence else len(text)
    if (listed := _LIST.search(text, found.end())) and listed.start() < end + 1:
        return listed.end()
    for gap in _GAP.finditer(text, found.end(), end):
        follows_at_once = not text[found.end() : gap.start()].strip()
        if follows_at_once and not _AGREES.search(text, 0, found.start()):
            continue  # "du sagtest, ich wohne in Porto"
        beginning = folded(text[gap.end() : end])[:_BEGINNING]
        if set(beginning) & _telling(language):
            return gap.start()
    return end


@cache
def _telling(language: Language) -> frozenset[str]:
    """Words with which the user speaks of themselves, or denies."""
    denying = {phrase[0] for group in language.negators for phrase in group if len(phrase) == 1}
    return language.first | language.possessive | denying
