"""Where words stand: passages that are nobody's statement, and text that hides something."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

import regex

from usermemory.schema.shape import is_list, is_object, parsed
from usermemory.text import folded_words

if TYPE_CHECKING:
    from usermemory.records import Action, Change

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
_FILES = regex.compile(
    r"\s*+(?:\[(?:image|audio|video|file)(?:: [^\[\]\n]*+)?\][ \t]*+(?:\n\s*+|$))++"
)
"""Placeholders for files, each in a line of its own: they and their names are no statement."""
_LINE_END = regex.compile(r"[\n\r\u2028\u2029]")


def passages(text: str, *, begins: bool = True) -> tuple[Span, ...]:
    """The places, as pairs of offsets that do not overlap, in order.

    Args:
        text: A message of the user's.
        begins: Whether it is the message's beginning; else all of it is such a place.
    """
    if not begins:
        return ((0, len(text)),) if text else ()
    start = _behind_files(text)
    line = _behind_first_line(text, start)
    head = text if line is None else text[:line]
    # What follows the first line counts as a whole, so only the first line is looked into.
    spans = [*_fenced(head), *_tagged(head), *_quoted(head)]
    spans += [found.span() for found in _QUOTED_LINE.finditer(head)]
    if start:
        spans.append((0, start))
    if line is not None:
        spans.append((line, len(text)))
    return tuple(_joined(spans))


def _behind_files(text: str) -> int:
    """Where the user begins to speak, behind the files that a message brings first."""
    found = _FILES.match(text)
    return found.end() if found else 0


def _behind_first_line(text: str, start: int) -> int | None:
    """Where the second line with a word in it begins, if the first has one; None if none does."""
    start += len(text[start:]) - len(text[start:].lstrip())
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


_LONGEST_NUMBER = 1_023  # bits
# Levels of a value; no schema that a model can be asked for has as many.
_DEEPEST = 32

# Joiners make emoji, and words in Persian and Indic scripts; variation selectors choose a picture.
_CARRIES = frozenset("\u200c\u200d\ufe0e\ufe0f")
_LOST = regex.compile(
    r"[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff\u2066-\u2069\u202a-\u202c]"
)
# Letters without a glyph, overrides of direction, annotations, tags, private use, unassigned,
# controls, halves.
_HIDES = regex.compile(
    r"[\u115f\u1160\u2800\u3164\uffa0\u202d\u202e\ufff9-\ufffb\ufffd\U000e0000-\U000e0fff"
    r"\p{Co}\p{Cn}\p{Cs}]|[\p{Cc}--[\n\t\r\x85]]",
    regex.V1,
)
# One character that nobody sees may have come with a paste; several between letters hide a word.
_BETWEEN = regex.compile(r"(?<=[\p{Latin}\p{Cyrillic}\p{Greek}])[\p{Cf}\u034f]+(?=\p{L})", regex.V1)
_SEVERAL = 2
# Struck through, or in the letters of a mathematical, circled or squared alphabet.
_DRESSED = regex.compile(
    r"[\u0334-\u0338]|[\u2460-\u24ff\U0001d400-\U0001d7ff\U0001f100-\U0001f1ad]{2}"
)
# Runs of characters without a glyph: what carries a hidden text.
_BITS = regex.compile(r"[\u200b-\u200f\u2060-\u2064\ufeff]{4}|[\ufe00-\ufe0f]{2}")
# The flags of England, Scotland and Wales, which are written with tags.
_FLAG = regex.compile(r"\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f")

_SHOWS = regex.compile(r"[\p{L}\p{N}\p{S}]")
_HALF = regex.compile(r"[\ud800-\udfff]")
_MIXED = regex.compile(r"\p{Latin}\p{M}*\p{Cyrillic}|\p{Cyrillic}\p{M}*\p{Latin}", regex.V1)
_ROLES = "system|assistant|developer|user|human|tool|function"
_LINES = regex.compile(r"[\u2028\u2029\x85\v\f]")
_STRUCTURE = regex.compile(
    rf"<\s*/?\s*(?:[\w-]+:)?(?:sys\b|{_ROLES}|instructions?|profile|user_profile|memor|messages?\b"
    r"|said_elsewhere|earlier\b|invoke|parameters?\b|results?\b|think|im_|inst\b)"
    r"|\[/?\s*inst\s*\]|<\||\|>|```|~~~|!\[|\{\s*[\"'](?:name|tool|function|arguments|role)[\"']\s*:"
    rf"|(?:^|[.!?;]\s+)(?:{_ROLES})\s*[:：]|#{{2,}}\s*(?:system|instruction|assistant)",
    regex.MULTILINE | regex.IGNORECASE,
)
# The same in what was said: logs with roles, marks of prompts, a forged list of changes.
_MARKED = regex.compile(
    rf"^[ \t]*(?:[-*][ \t]*)?[\"']?(?:role[\"']?[ \t]*:[ \t]*[\"']?)?(?:{_ROLES})[\"']?[ \t]*[:：]"
    rf"|[\"']?role[\"']?[ \t]*:[ \t]*[\"']?(?:{_ROLES})\b"
    r"|\[/?[ \t]*inst[ \t]*\]|<\|[\w ]{1,40}\|>"
    r"|<[ \t]*/?[ \t]*(?:messages|earlier|system|user_profile|said_elsewhere)[ \t]*>"
    r"|[\"'](?:quote|action|field)[\"'][ \t]*:[ \t]*[\"'].{0,400}[\"']value[\"'][ \t]*:",
    regex.MULTILINE | regex.IGNORECASE,
)


def is_json(value: Any, depth: int = 0) -> bool:
    """Whether a value can be written as JSON: what an extractor of one's own may get wrong."""
    if depth > _DEEPEST:
        return False
    if value is None or isinstance(value, (str, bool)):
        return True
    if isinstance(value, int):
        return value.bit_length() < _LONGEST_NUMBER
    if isinstance(value, float):
        return math.isfinite(value)
    if is_object(value):
        keys = cast("Iterable[object]", value)
        return all(isinstance(key, str) for key in keys) and all(
            is_json(part, depth + 1) for part in value.values()
        )
    return is_list(value) and all(is_json(part, depth + 1) for part in value)


def cleaned(change: Change) -> Change:
    """The change without characters that show and carry nothing, and without half pairs.

    One that has none is returned as it is, the same object.
    """
    made = replace(
        change,
        field=_whole(change.field),
        action=cast("Action", _whole(change.action)),
        quote=_whole(change.quote),
        value=_cleaned(change.value),
        key=None if change.key is None else _plain(change.key),
    )
    return change if made == change else made


def _whole(text: str) -> str:
    """A text that can be stored: half of a surrogate pair is no character."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _plain(value)
    if is_object(value):
        return {_plain(key): _cleaned(part) for key, part in value.items()}
    return [_cleaned(part) for part in value] if is_list(value) else value


def _plain(text: str) -> str:
    if text.isascii():
        return text
    plain = _LOST.sub("", _LINES.sub("\n", _whole(text)))
    # A joiner at the end of a text, or beside a space, joins nothing.
    return plain.strip("\u200c\u200d \ufe0e\ufe0f") if plain[:1] in _CARRIES else plain


def disguised(change: Change) -> str:
    """What a value passes itself off as, in words; empty for one that is what it shows.

    Args:
        change: As proposed, before it is cleaned.
    """
    if change.action == "remove":
        return ""  # what stands there already may be taken out, whatever it is
    for text in _texts([change.value, change.key]):
        if _is_hidden(text) or _MIXED.search(text) or _DRESSED.search(text):
            return "the value holds hidden or disguised characters"
        visible = unicodedata.normalize("NFKC", _LINES.sub("\n", text))
        if _STRUCTURE.search(visible) or _STRUCTURE.search(" ".join(visible.split())):
            return "the value imitates the structure of a prompt"
    return ""


def _is_hidden(text: str) -> bool:
    if text.isascii() and text.isprintable():
        return False
    text = _FLAG.sub("", text)
    return bool(
        _HIDES.search(text) or _BITS.search(text) or len(_BETWEEN.findall(text)) >= _SEVERAL
    )


def is_blank(value: Any) -> bool:
    """Whether a value consists of texts in which no letter, digit or symbol stands, or of "null".

    That is how nothing is written in JSON; in a text it would empty the field for programs.
    """
    texts = list(_texts(value))
    return bool(texts) and not any(
        _SHOWS.search(text) and text.strip().lower() != "null" for text in texts
    )


def hidden_in(said: str) -> bool:
    """Whether the user's words carry characters that nobody sees, and that may be a hidden text."""
    plain = _FLAG.sub("", said)
    return bool(_HIDES.search(plain) or _BITS.search(plain))


def is_dressed(said: str) -> bool:
    """Whether letters are struck through, of another alphabet, or have something between them."""
    return bool(_DRESSED.search(said) or _BETWEEN.search(said) or _LOST.search(said))


def in_structure(text: str, start: int, end: int) -> bool:
    """Whether words stand in a log or a prompt: behind its marks of roles, in the same block."""
    begin = max(text.rfind("\n\n", 0, start) + 1, 0)
    block = text[begin:end]
    marked = _MARKED.search(block)
    return marked is not None and begin + marked.start() < end


def _texts(value: Any) -> Iterator[str]:
    """The strings of a value and its keys, as written and as read where they are JSON."""
    if isinstance(value, str):
        yield value
        read = parsed(parsed(value, "array"), "object")
        if read != value:
            yield from _texts(read)
    elif is_object(value):
        for key, part in value.items():
            yield key
            yield from _texts(part)
    elif is_list(value):
        for part in value:
            yield from _texts(part)
