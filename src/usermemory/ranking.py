"""How much texts say about a query, by words and by time: PURE.

Each word of the query weighs the more the fewer texts hold it (as in BM25, squared), and a time
that the query names is one more word, which the texts of that time hold. Words match from their
beginning, without case and accents, up to five letters of them, so that inflection matters little;
in scripts that write no spaces between words each pair of letters is a word, and in those written
from right to left, which put articles in front, a word also matches inside of another. Pictures
and the signs of a name ("C++") count as letters do. Nothing here knows a language.
"""

from __future__ import annotations

import calendar
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import regex

from usermemory.text import words

_STEM = 5
"""Letters by which a longer word is known."""

_WHOLE = 2
"""Letters of a word that is looked for as a whole."""

_TERMS = 100
_FEW_TERMS = 32
"""Words of a query that are looked for, and where there is much to look through."""

_MUCH = 1_000_000
"""Characters."""

_SHORTENS = 0.25
"""How much of a row's weight depends on its length."""


def weights(
    texts: Sequence[str], query: str, times: Sequence[float | None] | None = None
) -> list[float]:
    """How much each text says about a query; 0 for nothing.

    Args:
        texts: Any texts.
        query: What is asked.
        times: When each was said, in seconds since the epoch, for a query that names a time.
    """
    weight = [0.0] * len(texts)
    # All at once: what is done to a text costs little beside doing it to thousands, one by one.
    joined = folded("\n".join(text.replace("\n", " ") for text in texts))
    rows = joined.split("\n") if texts else []
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row) + 1)
    most = _TERMS if len(joined) < _MUCH else _FEW_TERMS
    terms = _terms(query)
    if len(terms) > most:
        terms = _rarest(terms, joined, most)
    holders = [_holders(joined, starts, *term) for term in terms.items()]
    if times is not None:
        holders += [_of_time(times, *named) for named in named_times(query)]
    for held in holders:
        rarity = math.log(1 + (len(rows) - len(held) + 0.5) / (len(held) + 0.5)) ** 2
        for place in held:
            weight[place] += rarity
    mean = max(1.0, len(joined) / max(1, len(rows)))
    return [
        each / (1 - _SHORTENS + _SHORTENS * len(row) / mean) if each else 0.0
        for each, row in zip(weight, rows, strict=True)
    ]


_POINTS = "".join(
    letter
    for letter in map(chr, (*range(0x591, 0x5C8), *range(0x610, 0x6EE)))
    if unicodedata.category(letter) == "Mn"
)
"""Vowels and other signs of Hebrew and Arabic, which most texts leave out."""

_MARKS = re.compile(f"[\u0300-\u036f\u0640{_POINTS}]+")
_LETTERS = [
    *map(chr, (*range(0xC0, 0x250), *range(0x370, 0x500), *range(0x620, 0x6D4))),
    *map(chr, range(0x1E00, 0x2000)),
]
_ACCENTED = "".join(one for one in _LETTERS if _MARKS.search(unicodedata.normalize("NFD", one)))
_QUOTES = "’ʼ`´"
_STROKES = dict(zip("ŁłØøĐđÐðĦħŦŧıƀɨʉ", "LlOoDdDdHhTtibiu", strict=True)) | {
    "Æ": "Ae",
    "æ": "ae",
    "Œ": "Oe",
    "œ": "oe",
    "Þ": "Th",
    "þ": "th",
}
"""Letters that Unicode does not take apart, as they are written where a keyboard lacks them."""

_OTHERWISE = re.compile(
    f"[{_ACCENTED}{_QUOTES}{''.join(_STROKES)}\u0300-\u036f\u0640{_POINTS}²³¹\u2070-\u209c"
    "\u2100-\u214f\ufb00-\ufb06\uff01-\uffee]"
)
"""Letters with accents, accents, quotation marks, and other writings of the same."""

_MAY_HAVE_CASE = re.compile(
    "[^\0-@\\[-`a-\x7f\u0590-\u109f\u1100-\u139f\u1780-\u1c7f\u2000-\u20ff\u3000-\ua63f\uac00-\ud7ff]"
)
"""Anything but the small letters of ASCII and scripts that know no case."""

_JOINED_MARKS = frozenset("\uff9e\uff9f")
"""Of half width, and one letter with the one before."""

_FEW = 24
"""Characters; each is replaced by itself, and more all at once."""


def folded(text: str) -> str:
    """A text as it is looked through: without case, width and the accents of Europe's scripts."""
    if text.isascii():
        return text.lower().replace("`", "'")
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    others = set(_OTHERWISE.findall(text))
    if others & _JOINED_MARKS:
        text = unicodedata.normalize("NFKC", text)
    plain = {one: _plain(one) for one in others}
    if len(plain) > _FEW:
        text = text.translate({ord(one): other for one, other in plain.items()})
    else:
        for one, other in plain.items():
            text = text.replace(one, other)
    return text.casefold() if _MAY_HAVE_CASE.search(text) else text


def _plain(letter: str) -> str:
    """A character without its accents, as it is written usually."""
    if letter in _QUOTES:
        return "'"
    if letter in _STROKES:
        return _STROKES[letter]
    return _MARKS.sub("", unicodedata.normalize("NFD", unicodedata.normalize("NFKC", letter)))


_SIGNS = regex.compile(r"(?V1)[#%*@\p{Sm}\p{Sc}\p{Sk}]+")
_PICTURE = regex.compile(r"\p{Regional_Indicator}{2}|\p{So}")

_Terms = dict[str, bool | None]
"""What is looked for; whether as a whole word, and None where it may stand anywhere."""


def _terms(query: str) -> _Terms:
    terms: _Terms = dict.fromkeys(_PICTURE.findall(query))
    letters: dict[str, bool] = {}
    before = None
    for word in words(query):
        text = folded(query[word.start : word.end])
        if word.single:
            adjoining = before is not None and before.end == word.start
            if before is not None and adjoining:
                terms[folded(query[before.start : word.end])] = None
                terms.pop(folded(query[before.start : before.end]), None)
            else:
                terms.setdefault(text, None)
            before = word
            continue
        before = None
        signs = _SIGNS.match(query, word.end)
        if signs:
            terms[folded(query[word.start : signs.end()])] = True
        if not text:
            continue
        if len(text) == 1 and not text.isdigit():
            letters[text] = signs is None and query[word.start].isupper()
        elif text[-1].isdigit() or len(text) <= _WHOLE:
            terms[text] = True
        elif unicodedata.bidirectional(text[0]) in {"R", "AL"}:
            terms[text[:_STEM]] = None
            if len(text) >= _STEM:  # without the article, or what else stands in front
                terms[text[2 : 2 + _STEM]] = None
        else:
            terms[text[:_STEM]] = False
    # "C" and "vitamin D", and not the "a" and "e" of a sentence.
    terms |= {one: True for one, is_name in letters.items() if is_name or not terms}
    return terms


_SAMPLE = 50_000
"""Characters from which it is estimated how often something stands in all of them."""

_PARTS = re.compile(r"[^\W_]+")


def _rarest(terms: _Terms, joined: str, most: int) -> _Terms:
    """Of many terms those that say most: the rarest of those that stand in the texts."""
    spaced = {term for term, whole in terms.items() if whole is not None and term.isalnum()}
    present: set[str] = set()
    for token in set(joined.split()) if spaced else ():
        if token.isalnum():
            present.add(token[:_STEM])
        else:
            present.update(part[:_STEM] for part in _PARTS.findall(token))
    step = -(-len(joined) // _SAMPLE)
    size = _SAMPLE // 20
    sample = "\n".join(joined[at : at + size] for at in range(0, len(joined), size * step))

    def often(term: str) -> int:
        return sample.count(f" {term}" if term in spaced else term)

    # What comes last in the text is rather what it is about.
    there = [term for term in reversed(terms) if term not in spaced or term[:_STEM] in present]
    return {term: terms[term] for term in sorted(there, key=often)[:most]}


def _holders(joined: str, starts: Sequence[int], term: str, whole: bool | None) -> list[int]:  # noqa: FBT001 - a term as `_terms` gives it
    """The rows that hold a term."""
    if len(term) == 1 and whole:
        return _holders_of_letter(joined, starts, term)
    held: list[int] = []
    at, length = 0, len(term)
    while (at := joined.find(term, at)) >= 0:
        inside = whole is not None and at > 0 and joined[at - 1].isalnum()
        if inside or (whole and joined[at + length : at + length + 1].isalnum()):
            at += length
            continue
        held.append(bisect_right(starts, at) - 1)
        at = starts[held[-1] + 1]
    return held


def _holders_of_letter(joined: str, starts: Sequence[int], letter: str) -> list[int]:
    """The rows that hold a letter by itself; it stands in nearly every word, as in "I'd"."""
    alone = re.compile(rf"{re.escape(letter)}(?![\w'])(?<![\w']{re.escape(letter)})")
    return list(
        dict.fromkeys(bisect_right(starts, at.start()) - 1 for at in alone.finditer(joined))
    )


_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:-(0[1-9]|1[0-2])(?:-([0-3]\d))?)?(?!\d)")
_MONTHS = {
    name.casefold(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if len(name) > 3 or name != "May"
    if name
}


def named_times(query: str) -> Iterator[tuple[int | None, int | None, int | None]]:
    """The times that a query names: year, month and day, each as far as it is given.

    Read are years, dates as ISO 8601 writes them, and the names of months in English and in the
    language of the process; in other languages a caller gives ``since`` and ``until``.
    """
    dates = [tuple(int(part) if part else None for part in one) for one in _DATE.findall(query)]
    said = {folded(word.folded) for word in words(query)}
    months = {_MONTHS[word] for word in said if word in _MONTHS}
    for year, month, day in dates:
        if month is None and months:
            yield from ((year, one, None) for one in sorted(months))
        else:
            yield year, month, day
    if not dates:
        yield from ((None, one, None) for one in sorted(months))


def _of_time(
    times: Sequence[float | None], year: int | None, month: int | None, day: int | None
) -> list[int]:
    """The rows of a time."""
    held: list[int] = []
    for row, at in enumerate(times):
        if at is None or not 0 < at < 1e11:
            continue
        then = datetime.fromtimestamp(at, UTC)
        wanted = ((year, then.year), (month, then.month), (day, then.day))
        if all(one is None or one == other for one, other in wanted):
            held.append(row)
    return held
