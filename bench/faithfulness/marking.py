"""What a profile learned, lost and made up, by the labels of a case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.faithfulness.cases import SCHEMA, Case

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Marks:
    """Counts over some cases.

    Attributes:
        facts: What there was to learn.
        learned: What of it is in the profile now (or gone from it).
        lost: Old values that are gone though nobody took them back.
        invented: New values that no label calls wanted, acceptable or wrong.
        wrong: New values that are another person's, or the assistant's.
    """

    facts: int = 0
    learned: int = 0
    lost: int = 0
    invented: int = 0
    wrong: int = 0

    def __add__(self, other: Marks) -> Marks:
        return Marks(
            self.facts + other.facts,
            self.learned + other.learned,
            self.lost + other.lost,
            self.invented + other.invented,
            self.wrong + other.wrong,
        )

    @property
    def bad(self) -> int:
        """Everything that should not have happened."""
        return self.lost + self.invented + self.wrong


def mark(case: Case, after: Mapping[str, Any]) -> Marks:
    """Compare a case's profile with what became of it.

    Args:
        case: The profile before, and the labels.
        after: The profile now.
    """
    old = {(field, _plain(value)) for field, value in _values(case.profile)}
    new = [
        (field, _folded(value))
        for field, value in _values(after)
        if (field, _plain(value)) not in old
    ]
    wrong = [one for one in new if any(label.fits(*one) for label in case.wrong)]
    meant = [*case.want, *case.acceptable]
    invented = [
        one for one in new if one not in wrong and not any(label.fits(*one) for label in meant)
    ]
    right = [one for one in new if one not in wrong]
    came = sum(any(label.fits(*one) for one in right) for label in case.want)
    went = sum(_is_gone(after, field, item) for field, item in case.gone)
    lost = _lost(case, after, [one for one in right if one not in invented])
    return Marks(case.facts, came + went, lost, len(invented), len(wrong))


def _lost(case: Case, after: Mapping[str, Any], right: list[tuple[str, str]]) -> int:
    """Old values that are missing, unless they were to go or a right new value took their place."""
    here = {(field, _plain(value)) for field, value in _values(after)}
    meant = {(field, _plain(item)) for field, item in case.gone if item is not None}
    meant |= {(field, _plain(case.profile[field])) for field, item in case.gone if item is None}
    missing = [
        (field, value)
        for field, value in _values(case.profile)
        if (field, _plain(value)) not in here | meant
    ]
    return sum(not _took_its_place(field, value, right) for field, value in missing)


def _took_its_place(field: str, value: Any, right: list[tuple[str, str]]) -> bool:
    """A scalar is replaced by any right value, an item only by one that says all of it."""
    told = [new for name, new in right if name == field]
    if SCHEMA.fields[field].kind == "scalar":
        return bool(told)
    words = set(_WORD.findall(_folded(value)))
    return any(words <= set(_WORD.findall(new)) for new in told)


def _is_gone(after: Mapping[str, Any], field: str, item: str | None) -> bool:
    if item is None:
        return after[field] is None
    return _plain(item) not in map(_plain, after[field])


def _values(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every single value of a document, with its field."""
    for field, value in document.items():
        if isinstance(value, list):
            yield from ((field, item) for item in value)
        elif value is not None:
            yield field, value


def _folded(value: Any) -> str:
    return unicodedata.normalize("NFKC", str(value)).casefold()


def _plain(value: Any) -> str:
    """The same for values that differ in case, space or punctuation only."""
    return " ".join(_WORD.findall(_folded(value)))
