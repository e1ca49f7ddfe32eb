"""Text that can be stored and printed, how long it is for a model, and where to cut it."""

from __future__ import annotations

import math
import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_ENDS = re.compile(r"\r\n?")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z ]+")

# Where a long text may be cut, best first: after a paragraph, a line, a sentence, a word.
_BOUNDARIES = (
    re.compile(r"\n[ \t]*\n+"),
    re.compile(r"\n"),
    re.compile(r"[.!?…](?=\s)|[。！？]"),
    re.compile(r"\s"),
)


def clean(text: str) -> str:
    """The text without what a database, UTF-8 or a terminal chokes on.

    Emoji, right-to-left text, newlines and tabs stay. Two surrogates that belong together become
    their character, a lone one becomes U+FFFD; other control characters go.
    """
    if _SURROGATES.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def tokens(text: str) -> int:
    """About the most tokens that a text has, for budgets; no tokenizer is loaded.

    Three ASCII letters or spaces are a token, any other ASCII character is one by itself, other
    characters are half as many as their UTF-8 bytes. Against OpenAI's cl100k_base and o200k_base
    that is a third to a half too many for European languages, code and JSON, and up to four times
    for others; too few only for strings of random letters and rare scripts (by half), and for
    emoji made of several (by a tenth). A joined text never counts more than its parts.
    """
    plain = sum(len(run) for run in _PLAIN.findall(text))
    others = len(text) - plain
    beyond_ascii = 0 if text.isascii() else sum(ord(character) > 127 for character in text)
    wide_bytes = len(text.encode("utf-8", "surrogatepass")) - len(text) + beyond_ascii
    return math.ceil(plain / 3 + (others - beyond_ascii) + wide_bytes / 2)


def parts(text: str, limit: int = 8_000) -> list[str]:
    """A long text in pieces, cut where a reader would pause.

    Args:
        text: Any text.
        limit: The most characters of a piece; at least 1.

    Returns:
        Pieces that, joined, are the text again; none for the empty text.
    """
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = _cut(text, start, limit)
        pieces.append(text[start:end])
        start = end
    return pieces


def _cut(text: str, start: int, limit: int) -> int:
    """Where the piece that begins at ``start`` ends."""
    if len(text) - start <= limit:
        return len(text)
    # A boundary in the first half is passed over for a weaker one that makes fuller pieces.
    middle = start + limit // 2
    for boundary in _BOUNDARIES:
        ends = [match.end() for match in boundary.finditer(text, middle, start + limit)]
        if ends:
            return ends[-1]
    return start + limit
