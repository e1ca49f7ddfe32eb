"""When two texts are the same thing said twice."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """The text without differences of case, width, composition and whitespace."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fold_outer(text: str) -> str:
    """`fold`, and without punctuation around it; a text of nothing else stays as it is."""
    folded = fold(text)
    start, end = 0, len(folded)
    while start < end and not folded[start].isalnum():
        start += 1
    while end > start and not folded[end - 1].isalnum():
        end -= 1
    return folded[start:end] or folded
