"""Is the value one at all?

Not "null" and its like, not the name of a role, not an order to the memory or to the bot, not
text that a later prompt would take for its own structure, nothing hidden. An order may be kept
where the field says so (``Remember(instructions="quote")``): as a marked quote of the user.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

from usermemory.checks.case import Case, Refusal, leaves
from usermemory.checks.languages import known
from usermemory.checks.words import fold, folded, words
from usermemory.records import Change
from usermemory.schema.shape import is_list, parsed

# Joiners of emoji and of Persian, and marks of direction, are part of honest text.
_HONEST = frozenset("\n\t\u200c\u200d\u200e\u200f\u00ad")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_STRUCTURE = re.compile(
    r"<+/?\s*(?:[\w-]+:)?(?:sys\b|system|user|human|assistant|tool|function|instructions?|profile"
    r"|memor|messages?\b|said_elsewhere|earlier\b|invoke|parameters?\b|results?\b|think|im_|inst\b)"
    r"|\[/?inst\]|<\||\|>|```|~~~|!\[|\{\s*\"(?:name|tool|function|arguments|role)\"\s*:"
    r"|(?:^|[.!?;]\s*)(?:system|assistant|developer|user|human|tool)\s*:"
    r"|#{2,}\s*(?:system|instruction|assistant)",
    re.MULTILINE,
)
_SENTENCES = re.compile(r"(?<=[.!?:;])\s+|\s[-–—]\s")
_FIRST_SIGNS = re.compile(r"^\W+")
_MARKS = str.maketrans(dict.fromkeys("“”„«»", "'"))


def check(case: Case) -> Refusal | None:
    """Refuse what is no value."""
    if case.change.action == "clear":
        return None
    values = [leaf for leaf in leaves(case.change.value) if str(leaf).strip()]
    texts = _texts(case.change)
    if not values and not isinstance(case.change.value, bool) and case.change.action != "remove":
        return Refusal("no_value", "the value is empty")
    if why := _disguise(case, texts):
        return Refusal("instruction", why)
    if values and all(isinstance(leaf, str) and _is_nothing(leaf, case) for leaf in values):
        return Refusal("no_value", f"{values[0]!r} is no value")
    return None


def _disguise(case: Case, texts: list[str]) -> str:
    """What the value passes itself off as, in words; empty for a value that is only one."""
    if any(_hides(text) for text in texts):
        return "the value holds hidden or disguised characters"
    if any(_imitates(text) for text in texts):
        return "the value imitates the structure of a prompt"
    refused = case.settings.instructions == "refuse"
    if _gives_orders(case, texts) and (refused or not _can_be_marked(case)):
        return "an order is no fact about the user"
    return ""


def kept(case: Case) -> Change:
    """The change as it may be made: an order that its field takes, as a quote of the user's."""
    change = case.change
    if case.settings.instructions == "refuse" or change.action in ("remove", "clear"):
        return change
    texts = _texts(change)
    if not _gives_orders(case, texts):
        return change
    said = case.found.text if case.found else texts[-1]
    return replace(change, value=f"said: “{' '.join(said.translate(_MARKS).split())}”")


def _gives_orders(case: Case, texts: list[str]) -> bool:
    quoted = [case.texts[0].plain] if case.found else []
    return any(_orders(text) for text in quoted) or any(_orders(text, kept=True) for text in texts)


def _can_be_marked(case: Case) -> bool:
    """Whether it is a text, in words of the user's own that may be kept as they are."""
    if case.change.action == "remove":
        return True
    said = case.found.text if case.found else ""
    value = _unwrapped(case.change.value)
    alone = value[0] if is_list(value) and len(value) == 1 else value
    return isinstance(alone, str) and not (_hides(said) or _imitates(said))


def _texts(change: Change) -> list[str]:
    """The strings of a value, as written and as they will be read where they are JSON."""
    read = _unwrapped(change.value)
    every = [change.value] if read == change.value else [change.value, read]
    return [leaf for leaf in leaves(every) if isinstance(leaf, str) and leaf.strip()]


def _unwrapped(value: Any) -> Any:
    return parsed(parsed(value, "array"), "object")


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
    """Whether it gives orders; what would be kept must not speak to later conversations either."""
    plain = " ".join(_visible(text).split())
    if any(pattern.search(plain) for language in known() for pattern in language.orders):
        return True
    # Each sentence, without the bullet or the bracket that it begins with.
    sentences = [_FIRST_SIGNS.sub("", one) for one in _SENTENCES.split(plain)] if kept else []
    patterns = [pattern for language in known() for pattern in language.addresses]
    return any(pattern.search(one) for one in sentences for pattern in patterns)


def _imitates(text: str) -> bool:
    """Whether a prompt could take it for its own structure, on any of its lines."""
    plain = _visible(text)
    return any(_STRUCTURE.search(one) for one in (plain, " ".join(plain.split())))


def _visible(text: str) -> str:
    return fold("".join(one for one in text if unicodedata.category(one) != "Cf"))
