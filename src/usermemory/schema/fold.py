"""When two texts are the same thing said twice."""

from __future__ import annotations

import re
import unicodedata

_MARKS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | {"\u1e9e": "\u00df"}
)
"""Marks that a typographer chooses: quotation marks, apostrophes, dashes; and the capital ß."""

_ENDS = " .!?,;:‽、。،؛؟۔।॥։՞՜።፣፤፥፦፧၊။។៕"
"""What ends or parts sentences. Other signs say something: "C++", "C#", "50%", "A-", "6'"."""

_STARTS = " ¿¡"
_PAIRS = {
    pair[0]: pair[1]
    for pair in [
        "()",
        "[]",
        "{}",
        "<>",
        "「」",
        "『』",
        "【】",
        "《》",
        "〈〉",
        '""',
        "''",
        "``",
        "**",
    ]
}
_BULLET = re.compile(r"\A[-*•·] (?=\D)")
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_OF_ITS_OWN = ("<super>", "<sub>", "<fraction>")


def fold(text: str) -> str:
    """The text without differences of case, width, composition and whitespace."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_outer(text: str) -> str:
    """What makes a text the same thing: letters, numbers and inner signs as they are.

    Case, width, composition, white space and typographic marks fold, and so does the punctuation
    around. Diacritics stay, and so does ß, which is a letter of its own ("Maße", "Masse"); 10² is
    not 102. A text of nothing but punctuation stays as it is.
    """
    if not text.isascii():
        text = _plain_forms(text)
    return _bare(" ".join(text.lower().split()))


def _plain_forms(text: str) -> str:
    """Letters in one width and composition, in lower case, with plain marks."""
    if not unicodedata.is_normalized("NFKC", text):  # few are not, and they take longer
        text = "".join(map(_plain_form, unicodedata.normalize("NFC", text)))
    forms = text.translate(_MARKS)
    folded = "ß".join(part.casefold() for part in forms.split("ß"))
    return unicodedata.normalize("NFC", folded)


def _plain_form(character: str) -> str:
    if unicodedata.decomposition(character).startswith(_OF_ITS_OWN):
        return character
    return unicodedata.normalize("NFKC", character)


def _bare(text: str) -> str:
    """The text without the punctuation around it, however much; the last of it stays."""
    while True:
        rest = _unwrapped(_BULLET.sub("", text.rstrip(_ENDS).lstrip(_STARTS)))
        if rest in ("", text):
            return text
        text = rest


def _unwrapped(text: str) -> str:
    """The text without one pair of marks around all of it: not of "(a) or (b)"."""
    inner = text[1:-1]
    if not inner or _PAIRS.get(text[0]) != text[-1]:
        return text
    marks = _APOSTROPHE.sub("", inner)
    return text if text[0] in marks or text[-1] in marks else inner
