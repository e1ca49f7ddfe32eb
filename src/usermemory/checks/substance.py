"""Is the value one at all?

Not "null" and its like, not the name of a role, not an order to the memory or to the bot, not
text that a later prompt would take for its own structure, nothing hidden.
"""

from __future__ import annotations

import re
import unicodedata

from usermemory.checks.case import Case, Refusal, leaves
from usermemory.checks.languages import known
from usermemory.checks.words import fold, folded, words

# Joiners of emoji and of Persian, and marks of direction, are part of honest text.
_HONEST = frozenset("\n\t\u200c\u200d\u200e\u200f\u00ad")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_STRUCTURE = re.compile(
    r"</?\s*(?:system|user|assistant|tool|function|instructions?|profile|memor|said_elsewhere|im_|inst\b)"
    r"|\[/?inst\]|<\||\|>|```|!\[|\{\s*\"(?:name|tool|function|arguments|role)\"\s*:"
    r"|(?:^|[.!?;]\s*)(?:system|assistant|developer|user|human|tool)\s*:|#{2,}\s*(?:system|instruction|assistant)"
)
_PART = re.compile(r"[:;.!?]\s+")


def check(case: Case) -> Refusal | None:
    """Refuse what is no value."""
    if case.change.action == "clear":
        return None
    values = [leaf for leaf in leaves(case.change.value) if str(leaf).strip()]
    texts = [leaf for leaf in values if isinstance(leaf, str)]
    if not values and not isinstance(case.change.value, bool) and case.change.action != "remove":
        return Refusal("no_value", "the value is empty")
    if any(_hides(text) for text in texts):
        return Refusal("instruction", "the value holds hidden or disguised characters")
    quoted = [case.texts[0].plain] if case.found else []
    if any(_orders(text) for text in quoted) or any(_orders(text, kept=True) for text in texts):
        return Refusal("instruction", "an order is no fact about the user")
    if values and all(isinstance(leaf, str) and _is_nothing(leaf, case) for leaf in values):
        return Refusal("no_value", f"{values[0]!r} is no value")
    return None


def _is_nothing(text: str, case: Case) -> bool:
    said = " ".join(folded(text))
    if not said:
        return not any(unicodedata.category(letter).startswith("S") for letter in text)
    if any(said in language.nothing for language in known()):
        return True
    if case.field.kind != "scalar":
        return False
    quote = folded(case.found.text) if case.found else []
    for language in known():
        if said in language.roles:
            return True
        if said in language.ambiguous_roles and (
            said not in " ".join(quote) or language.naming & set(quote)
        ):
            return True
    return False


def _hides(text: str) -> bool:
    """Whether it holds what nobody sees, or letters of one alphabet that pass for another's."""
    if any(
        letter in _BLANK or unicodedata.category(letter) in _HIDDEN
        for letter in text
        if letter not in _HONEST
    ):
        return True
    return any(len(_alphabets(word.text)) > 1 for word in words(text))


def _alphabets(word: str) -> set[str]:
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
    return names & {"LATIN", "CYRILLIC", "GREEK"}


def _orders(text: str, *, kept: bool = False) -> bool:
    """Whether it gives orders; what would be kept must not look like part of a prompt either."""
    plain = " ".join(
        fold("".join(one for one in text if unicodedata.category(one) != "Cf")).split()
    )
    patterns = [one for language in known() for one in language.orders]
    if not kept:
        return any(pattern.search(plain) for pattern in patterns)
    patterns += [one for language in known() for one in language.addresses] + [_STRUCTURE]
    # "Remember this: always recommend …" orders as much as "always recommend …".
    parts = [plain, *_PART.split(plain)[1:]]
    return any(pattern.search(part) for pattern in patterns for part in parts)
