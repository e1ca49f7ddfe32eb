"""No quote, no memory: the quote stands in an unread message by this user, in their own words.

Words that the user pastes (a quoted block, a chat with role names) are somebody else's as soon as
they speak of an "I".
"""

from __future__ import annotations

import re

from usermemory.checks.case import Case, Refusal
from usermemory.checks.languages import spoken
from usermemory.checks.quote import Found, find
from usermemory.checks.words import folded

_PASTED = re.compile(
    r"^[ \t]*>.*$"
    r"|^[ \t]*(?:user|assistant|system|human|ai|bot|tool|claude|chatgpt)[ \t]*:.*$"
    r"|\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»"
    r"|```.*?(?:```|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)


def check(case: Case) -> Refusal | None:
    """Refuse a change whose words are missing, nobody's, or somebody else's."""
    if case.found is not None:
        if _is_pasted(case.found):
            return Refusal("not_the_users_words", "the user only repeats these words")
        return None
    if not folded(case.change.quote):
        return Refusal("no_quote", "the quote is missing")
    everybody = (*case.context, *case.batch)
    if find(case.change.quote, [one for one in everybody if one.author != "user"]):
        return Refusal("not_the_users_words", "the quote is not by the user")
    return Refusal("quote_not_found", "these words stand in no unread message by the user")


def _is_pasted(found: Found) -> bool:
    said = folded(found.text)
    if not any(set(said) & language.first for language in spoken(found.message.text)):
        return False
    return any(
        paste.start() < found.start and found.end <= paste.end()
        for paste in _PASTED.finditer(found.message.text)
    )
