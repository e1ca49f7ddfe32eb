"""From the user's words to names, numbers and things: the values of a profile."""

from __future__ import annotations

import re

from usermemory.offline.english import activities, numbers, words

_I = re.IGNORECASE
_LIST = re.compile(r",? and |, ?| & | as well as | or ")
_ITEM_END = re.compile(
    r" (?:a lot|a bit|a great deal|so|too|very|much|more|most|now|lately|again|these|at|in|on|"
    r"with|because|when|while|since|after|before|every|for|as|to|but|though|although|even|"
    r"especially|right|who|that|which|is|are|was|from|about|until|together|recently|last|this|today|tonight|"
    r"instead|anyway|than|myself|already|there|here|once|twice|all|by|though|whenever)\b.*",
    _I,
)
_ITEM_FRONT = re.compile(
    r"(?:playing|doing|going|practi[sc]ing|listening to) (?:the )?|to play (?:the )?|the ", _I
)
_NOT_NAMES = ("ing", "ed", "ful", "less", "ous", "ive", "able", "ible", "ish", "ese")
_NAME = re.compile(r"[^\W\d_][\w'\u2019.-]*(?: [A-ZÀ-Þ][\w'\u2019.-]*){0,2}\Z")


def name_of(text: str, *, sure: bool) -> str | None:
    """The name in a text that may be one, or None.

    Args:
        text: What stands after "I'm" or "my name is".
        sure: Whether the words around it leave no doubt, so that lower case is good enough.
    """
    if not _NAME.match(text) or (text[0].islower() and not sure):
        return None
    first = text.split(maxsplit=1)[0].lower().rstrip(".")
    if first in words("not_names") | words("peoples") or first.endswith(_NOT_NAMES):
        return None
    return text.title() if text.islower() else text.rstrip(".")


def number_of(text: str) -> int | None:
    """``32`` or ``thirty-two`` as a number."""
    if text.isdecimal():
        return int(text)
    values = [numbers().get(word) for word in re.split("[ -]", text.lower())]
    match values:
        case [int(value)]:
            return value
        case [int(tens), int(units)] if tens % 10 == 0 < tens and 0 < units < 10:
            return tens + units
        case _:
            return None


def items_of(text: str) -> list[str]:
    """The things that somebody likes: ``hiking, jazz and playing chess`` is three."""
    items = (_item(part) for part in _LIST.split(text))
    return [item for item in items if item]


def _item(text: str) -> str:
    item = _ITEM_END.sub("", _ITEM_FRONT.sub("", text.strip(), count=1)).strip(" .")
    if item.lower().startswith("to "):
        return activities().get(item[3:].lower(), "")
    parts = item.lower().split()
    if not parts or len(parts) > 4 or len(item) < 2 or parts[0] in words("not_liked"):
        return ""
    return item


def stems(text: str) -> frozenset[str]:
    """The words of a text, folded so that ``climbing`` meets ``climb``."""
    return frozenset(_stem(word) for word in re.findall(r"\w+", text.casefold()))


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending)
            return stem[:-1] if ending == "ing" and stem[-1] == stem[-2] else stem
    return word
