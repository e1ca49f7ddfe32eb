"""How much texts say about a query, by words and by time: PURE.

Each word of the query weighs the more the fewer texts hold it (as in BM25, squared), and a time
that the query names is one more word, which the texts of that time hold. Words match from their
beginning, without case and accents, up to five letters of them, so that inflection matters little;
in scripts that write no spaces between words each pair of letters is a word. Nothing here knows a
language.
"""

from __future__ import annotations

import calendar
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

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
    holders = [_holders(joined, starts, *term) for term in _terms(query, len(joined))]
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


_MARKS = re.compile("[\u0300-\u036f]+")
_LETTERS = [*map(chr, (*range(0xC0, 0x250), *range(0x370, 0x500), *range(0x1E00, 0x2000)))]
_ACCENTED = "".join(one for one in _LETTERS if _MARKS.search(unicodedata.normalize("NFD", one)))
_QUOTES = "’ʼ`´"
_OTHERWISE = re.compile(
    f"[{_ACCENTED}{_QUOTES}\u0300-\u036f\u2100-\u214f\ufb00-\ufb06\uff01-\uffee]"
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
    return _MARKS.sub("", unicodedata.normalize("NFD", unicodedata.normalize("NFKC", letter)))


def _terms(query: str, size: int) -> list[tuple[str, bool | None]]:
    """What is looked for; whether as a whole word, and None where words are not written apart."""
    terms: dict[str, bool | None] = {}
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
        if text[-1].isdigit() or (1 < len(text) <= _WHOLE):
            terms[text] = True
        elif len(text) > _WHOLE:
            terms[text[:_STEM]] = False
    most = _TERMS if size < _MUCH else _FEW_TERMS
    return sorted(terms.items(), key=lambda term: -len(term[0]))[:most]


def _holders(joined: str, starts: Sequence[int], term: str, whole: bool | None) -> list[int]:  # noqa: FBT001 - a term as `_terms` gives it
    """The rows that hold a term."""
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
