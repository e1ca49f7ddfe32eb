"""Words of a value that the user did not say, and that follow from when they spoke.

The named rules, and no others:

- *relative*: "last month", "yesterday", "three years ago" give the day, month or year that they
  mean, no finer than they say: "last month" gives "2026-10", never "2026-10-12"
- *weekday*: "on Tuesday" gives a day of that name at most a week off, "Friday next week" that one
- *nearest*: "on 3 May" gives that day, or its month, of the nearest years
- *born*: "born in 1994" gives the age, of either side of the birthday

A day off is allowed: the user's time zone is not known.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from usermemory.checks.languages import Language, Unit
from usermemory.checks.text import Text
from usermemory.checks.words import contains, folded

_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?:-(\d{2}))?(?!\d)")
_UNITS: tuple[Unit, ...] = ("day", "week", "month", "year")
_NEAR_A_MONTH = 2
_SHORTEST_MONTH = 3
_LONGEST_DISTANCE = 4
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Written:
    """A date in a value, and the folded words that make it up."""

    year: int
    month: int | None = None
    day: int | None = None
    words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Period:
    """A day, week, month or year that the user means, from its first day to its last."""

    unit: Unit
    first: date
    last: date


def explained(
    value: str, said: Iterable[tuple[float | None, Text]], languages: frozenset[Language]
) -> set[str]:
    """The words of the value's dates, and its ages, that these rules explain, folded.

    Args:
        value: The value as a text.
        said: What the user said, and when.
        languages: In which languages.
    """
    dates = list(written(value, languages))
    result: set[str] = set()
    for at, text in said:
        if at is not None:
            today = datetime.fromtimestamp(at, UTC).date()
            result |= _ages(text, today, languages)
            meant = list(periods(text, today, languages)) if dates else []
            result.update(
                *(one.words for one in dates if _is_meant(one, text, meant, today, languages))
            )
    return result


def written(value: str, languages: Collection[Language]) -> Iterator[Written]:
    """The dates in a text: "2026-10-12", "2026-10", "12 October 2026", "October 2026", "2026"."""
    rest = value
    for found in _ISO.finditer(value):
        year, month, day = found.groups()
        rest = rest.replace(found.group(), " ")
        plain = frozenset(str(int(part)) for part in found.groups() if part)
        yield Written(int(year), int(month), int(day) if day else None, plain)
    said = folded(rest)
    for place, word in enumerate(said):
        for month in _months_named(word, languages):
            near = said[max(0, place - _NEAR_A_MONTH) : place + _NEAR_A_MONTH + 1]
            day = next((one for one in near if _is_day(one)), None)
            for year in [one for one in near if _is_year(one)]:
                told = frozenset(filter(None, (word, year, day)))
                yield Written(int(year), month, int(day) if day else None, told)
    yield from (Written(int(one), words=frozenset({one})) for one in said if _is_year(one))


def periods(text: Text, today: date, languages: Collection[Language]) -> Iterator[Period]:
    """What the relative dates and weekdays of a text mean on the day on which it was said."""
    said = text.folded
    for language in languages:
        relative = list(_relative(said, today, language))
        yield from relative
        for phrase, unit, step in language.distances:
            for number in _distances(said, phrase, language):
                yield from _shifted(today, unit, step * number)
        for weekday, name in enumerate(language.weekdays):
            if name in said:
                days = [one.first + weekday * _DAY for one in relative if one.unit == "week"]
                yield from (Period("day", day, day) for day in days)
                back = (today.weekday() - weekday) % 7 or 7
                yield Period("day", today - back * _DAY, today - back * _DAY)
                yield Period("day", today + (7 - back) * _DAY, today + (7 - back) * _DAY)


def _relative(said: Sequence[str], today: date, language: Language) -> Iterator[Period]:
    for phrase, unit, step in language.relative:
        if contains(said, phrase):
            yield from _shifted(today, unit, step)


def _is_meant(
    one: Written,
    text: Text,
    meant: Sequence[Period],
    today: date,
    languages: frozenset[Language],
) -> bool:
    """Whether the date is one of the periods that a text means, or is said in it."""
    if any(_fits(span, period) for span in _span(one) for period in meant):
        return True
    numbers = text.numbers(languages)
    months = {month for word in text.folded for month in _months_named(word, languages)}
    return (
        (one.month in months or one.month is None or str(one.month) in numbers)
        and (one.day is None or str(one.day) in numbers)
        and (str(one.year) in numbers or (one.month in months and abs(one.year - today.year) <= 1))
    )


def _fits(span: Period, meant: Period) -> bool:
    """Whether it is no finer than what was meant, and they touch."""
    fine_enough = _UNITS.index(span.unit) >= _UNITS.index(meant.unit)
    return fine_enough and span.first <= meant.last + _DAY and meant.first <= span.last + _DAY


def _ages(text: Text, today: date, languages: Collection[Language]) -> set[str]:
    if not any(word in text.vocabulary for language in languages for word in language.born):
        return set()
    years = [int(one) for one in text.folded if _is_year(one)]
    return {str(today.year - year - late) for year in years for late in (0, 1)}


def _distances(said: Sequence[str], phrase: Sequence[str], language: Language) -> Iterator[int]:
    """The numbers with which a phrase like "0 years ago" stands in a text."""
    gap = phrase.index("0")
    for start in range(len(said) - len(phrase) + 1):
        here = said[start : start + len(phrase)]
        if [*here[:gap], "0", *here[gap + 1 :]] == list(phrase):
            number = here[gap]
            if number.isdecimal() and len(number) <= _LONGEST_DISTANCE:
                yield int(number)
            elif number in language.numbers:
                yield language.numbers[number]


def _shifted(today: date, unit: Unit, steps: int) -> Iterator[Period]:
    """The period so many units away; none where the calendar ends."""
    if unit == "day":
        yield Period(unit, today + steps * _DAY, today + steps * _DAY)
    elif unit == "week":
        monday = today + (7 * steps - today.weekday()) * _DAY
        yield Period(unit, monday, monday + 6 * _DAY)
    elif unit == "month":
        year, month = divmod(today.year * 12 + today.month - 1 + steps, 12)
        yield from _span(Written(year, month + 1))
    else:
        yield from _span(Written(today.year + steps))


def _span(one: Written) -> Iterator[Period]:
    """From its first day to its last; nothing for a date that does not exist."""
    try:
        first = date(one.year, one.month or 1, one.day or 1)
        if one.day is not None:
            yield Period("day", first, first)
        elif one.month is not None:
            yield Period("month", first, first.replace(day=monthrange(one.year, one.month)[1]))
        else:
            yield Period("year", first, date(one.year, 12, 31))
    except ValueError:
        return


def _months_named(word: str, languages: Collection[Language]) -> Iterator[int]:
    for language in languages:
        for number, name in enumerate(language.months, start=1):
            if len(word) >= _SHORTEST_MONTH and name.startswith(word):
                yield number


def _is_day(word: str) -> bool:
    return len(word) <= 2 and word.isdecimal() and 0 < int(word) <= 31


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and word[:2] in ("19", "20")
