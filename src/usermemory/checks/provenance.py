"""No quote, no memory: the quote stands in an unread message by this user, in their own words.

What the user pastes is blanked out before (`pasted`). A longer quote that repeats, word by word,
what somebody else in the thread said first is not the user's either.
"""

from __future__ import annotations

from usermemory.checks.case import Case, Refusal
from usermemory.checks.quote import find
from usermemory.checks.words import contains, folded
from usermemory.records import Author

_SHORTEST_ECHO = 4


def check(case: Case) -> Refusal | None:
    """Refuse a change whose words are missing, nobody's, or somebody else's."""
    if case.found is not None:
        said = folded(case.found.text)
        if len(said) >= _SHORTEST_ECHO and _first_said_by(said, case) != "user":
            return Refusal("not_the_users_words", "the user only repeats these words")
        return None
    if not folded(case.change.quote):
        return Refusal("no_quote", "the quote is missing")
    if find(case.change.quote, case.heard, case.read):
        return Refusal("not_the_users_words", "the quote is not by the user")
    return Refusal("quote_not_found", "these words stand in no unread message by the user")


def _first_said_by(said: list[str], case: Case) -> Author:
    """Whose message of the thread is the first to hold these words."""
    thread = (*case.context, *case.batch)
    return next(one.author for one in thread if contains(case.read[one.text].folded, said))
