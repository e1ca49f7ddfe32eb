"""Places in a user's message where the words may be somebody else's.

A paste is known by its form, whatever its language: fences, tags, quotation marks, the marks before
quoted lines, and everything behind the first line. Whether the words there are the user's own (a
letter, a CV) is for the second look to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import regex

from usermemory.words import folded_words

Span = tuple[int, int]

_FENCES = ("```", "~~~", '"""', "'''")
_QUOTED_LINE = regex.compile(r"^[ \t]*[>|].*$", regex.MULTILINE)
_TAG = regex.compile(r"<(/?)([A-Za-z_][\w.:-]{0,40})(?:\s[^<>]{0,200})?(/?)>")
_PAIRS = {
    "“": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    "「": "」",
    "『": "』",
    "《": "》",
    "‹": "›",
    "‘": "’",
}
_MARKS = regex.compile(r"[“”„«»「」『』《》‹›‘’\"']")
_LONGEST_QUOTATION = 2_000
_SHORTEST_QUOTATION = 4  # words; fewer are a title or a name, which the user speaks of
_LINE_END = regex.compile(r"[\n\r\u2028\u2029]")


def passages(text: str, *, begins: bool = True) -> tuple[Span, ...]:
    """The places, as pairs of offsets that do not overlap, in order.

    Args:
        text: A message of the user's.
        begins: Whether it is the message's beginning; else all of it is such a place.
    """
    if not begins:
        return ((0, len(text)),) if text else ()
    line = _behind_first_line(text)
    head = text if line is None else text[:line]
    # What follows the first line counts as a whole, so only the first line is looked into.
    spans = [*_fenced(head), *_tagged(head), *_quoted(head)]
    spans += [found.span() for found in _QUOTED_LINE.finditer(head)]
    if line is not None:
        spans.append((line, len(text)))
    return tuple(_joined(spans))


def _behind_first_line(text: str) -> int | None:
    """Where the second line with a word in it begins, if the first has one; None if none does."""
    start = len(text) - len(text.lstrip())
    found = _LINE_END.search(text, start)
    if found is None or not text[found.end() :].strip():
        return None
    return found.end()


def _fenced(text: str) -> Iterator[Span]:
    for fence in _FENCES:
        begin = text.find(fence)
        while begin >= 0:
            close = text.find(fence, begin + len(fence))
            end = len(text) if close < 0 else close + len(fence)
            yield begin, end
            begin = text.find(fence, end)


def _tagged(text: str) -> Iterator[Span]:
    """What stands between an opening tag and the last closing one of its name."""
    closing: dict[str, int] = {}
    tags = list(_TAG.finditer(text))
    for tag in tags:
        if tag[1]:
            closing[tag[2].casefold()] = tag.end()
    for tag in tags:
        end = closing.get(tag[2].casefold(), 0)
        if not tag[1] and not tag[3] and end > tag.end():
            yield tag.start(), end


def _quoted(text: str) -> Iterator[Span]:
    """Quotations of more than a few words, in the marks of any language."""
    opened: tuple[str, int] | None = None
    for mark in _MARKS.finditer(text):
        sign, at = mark.group(), mark.start()
        if _is_apostrophe(text, at, sign):
            continue
        if opened and at - opened[1] > _LONGEST_QUOTATION:
            opened = None
        if opened is None:
            if sign in _PAIRS or sign in "\"'":
                opened = sign, at
        elif sign in (_PAIRS.get(opened[0], opened[0])):
            if len(folded_words(text[opened[1] : at])) >= _SHORTEST_QUOTATION:
                yield opened[1], at + 1
            opened = None


def _is_apostrophe(text: str, at: int, sign: str) -> bool:
    """Whether the mark belongs to a word: "don't", and the ends of "the others' house"."""
    if sign not in "'’‘":
        return False
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return before.isalnum() and (after.isalnum() or (sign == "'" and text.find("'", 0, at) < 0))


def _joined(spans: list[Span]) -> Iterator[Span]:
    """The same places, those that overlap as one."""
    spans.sort()
    ends = accumulate((end for _, end in spans), max)
    here: Span | None = None
    for (start, _), end in zip(spans, ends, strict=True):
        if here is not None and start <= here[1]:
            here = here[0], max(here[1], end)
            continue
        if here is not None:
            yield here
        here = start, end
    if here is not None:
        yield here
