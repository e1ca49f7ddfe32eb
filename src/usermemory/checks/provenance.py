"""No quote, no memory: the quote stands in an unread message by this user, in their own words.

What the user pastes or only reports is blanked out before (`pasted`, `reported`). A longer quote
that repeats, word by word, what somebody else in the thread said first is not the user's either;
nor are single words of a sentence or a list that says nothing which somebody else had not said
before, unless that one had asked.
"""

from __future__ import annotations

import re
from functools import cache

from usermemory.checks.case import Case, Refusal
from usermemory.checks.clauses import sentences_around
from usermemory.checks.languages import known
from usermemory.checks.quote import Found, find
from usermemory.checks.words import contains, folded
from usermemory.records import Author

_SHORTEST_ECHO = 4
_SHORTEST_LIST = 2
_LIST = re.compile(r"(?:^[ \t]*(?:[-*•–]|\d{1,2}[.)])[ \t].*(?:\n|\Z))+", re.MULTILINE)
_ASKS = re.compile(r"[?？]")


def check(case: Case) -> Refusal | None:
    """Refuse a change whose words are missing, nobody's, or somebody else's."""
    if case.found is not None:
        said = folded(case.found.text)
        if len(said) >= _SHORTEST_ECHO and _first_said_by(said, case) != "user":
            return Refusal("not_the_users_words", "the user only repeats these words")
        if _repeats_a_list(case, case.found):
            return Refusal("not_the_users_words", "the user only repeats what was listed")
        return None
    if not folded(case.change.quote):
        return Refusal("no_quote", "the quote is missing")
    if find(case.change.quote, case.heard, case.read):
        return Refusal("not_the_users_words", "the quote is not by the user")
    return Refusal("quote_not_found", "these words stand in no unread message by the user")


def _repeats_a_list(case: Case, found: Found) -> bool:
    """Whether the sentence, or the list, around the quote says what another one has said first."""
    text = found.message.text
    around = next(
        (one for one in _LIST.finditer(text) if one.start() <= found.start < one.end()), None
    )
    said = set(folded(around.group() if around else sentences_around(text, found.start, found.end)))
    if any(said & (language.first | language.possessive) for language in known()):
        return False
    content = said - _says_nothing()
    if len(content) < _SHORTEST_LIST:
        return False
    for message in (*case.context, *case.batch):
        if message is found.message:
            return False
        if all(word in case.read[message.text].vocabulary for word in content):
            return message.author != "user" and not _ASKS.search(message.text)
    return False


@cache
def _says_nothing() -> frozenset[str]:
    return frozenset[str]().union(
        *(language.function | language.assents | language.fillers for language in known())
    )


def _first_said_by(said: list[str], case: Case) -> Author:
    """Whose message of the thread is the first to hold these words."""
    thread = (*case.context, *case.batch)
    return next(one.author for one in thread if contains(case.read[one.text].folded, said))
