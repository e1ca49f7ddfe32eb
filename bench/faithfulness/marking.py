"""What a profile has become, weighed by the labels."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from bench.faithfulness.cases import Case

from usermemory.schema import Schema

_WORD = re.compile(r"\w+")
Value = tuple[str, str]
"""A field, or ``field.property``, and the folded text of one value there."""


@dataclass(frozen=True)
class Marks:
    """Counts over some cases.

    Attributes:
        facts: What there was to learn.
        learned: What of it is in the profile now (or gone from it).
        lost: Old values that are gone though nobody took them back.
        invented: New values that no label calls right, and such as are no longer true.
        wrong: New values that are another person's, or the assistant's.
    """

    facts: int = 0
    learned: int = 0
    lost: int = 0
    invented: int = 0
    wrong: int = 0

    def __add__(self, other: Marks) -> Marks:
        return Marks(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Marked:
    """The marks of one case, and what they were given for, to be read aloud.

    Attributes:
        marks: The counts.
        missing: Patterns and items that were not learned.
        lost: Old values.
        invented: New values.
        wrong: New values.
    """

    marks: Marks
    missing: tuple[str, ...] = ()
    lost: tuple[Value, ...] = ()
    invented: tuple[Value, ...] = ()
    wrong: tuple[Value, ...] = ()


def mark(case: Case, after: Mapping[str, Any]) -> Marked:
    """Compare a case's profile with what became of it.

    Args:
        case: The profile before, and the labels.
        after: The profile now.
    """
    labels = case.labels
    old = {(field, _plain(text)) for field, text in values(case.schema, case.profile)}
    now = [*values(case.schema, after)]
    new = [one for one in now if (one[0], _plain(one[1])) not in old]
    wrong = [one for one in new if any(label.fits(*one) for label in labels.wrong)]
    right = [one for one in new if one not in wrong]
    meant = [*labels.want, *labels.ok]
    invented = [one for one in right if not any(label.fits(*one) for label in meant)]
    if case.kind == "years":  # the profile at the end holds old values that were to change
        invented += [
            one
            for one in now
            if one not in new
            and any(label.fits(*one) for label in labels.stale)
            and not any(label.fits(*one) for label in labels.want)
        ]
    hits = now if case.kind == "years" else right
    missing = [
        f"{'|'.join(sorted(label.fields))} ~ {label.pattern.pattern}"
        for label in labels.want
        if not any(label.fits(*one) for one in hits)
    ]
    missing += [f"gone: {f} {item}" for f, item in labels.gone if not _is_gone(case, now, f, item)]
    lost = _lost(case, now, [one for one in right if one not in invented])
    learned = labels.facts - len(missing)
    marks = Marks(labels.facts, learned, len(lost), len(invented), len(wrong))
    return Marked(marks, tuple(missing), tuple(lost), tuple(invented), tuple(wrong))


def _lost(case: Case, now: list[Value], right: list[Value]) -> list[Value]:
    """Old values that are missing, unless they were to go or a right new value took their place."""
    here = {(field, _plain(text)) for field, text in now}
    meant = {(f, _plain(folded(item))) for f, item in case.labels.gone if item is not None}
    cleared = {field for field, item in case.labels.gone if item is None}
    return [
        (field, text)
        for field, text in values(case.schema, case.profile)
        if (field, _plain(text)) not in here | meant
        and field not in cleared
        and not _took_its_place(case, field, text, right)
    ]


def _took_its_place(case: Case, path: str, text: str, right: list[Value]) -> bool:
    """A single value is replaced by any right one, an entry by one of its key or name.

    An item of a list is replaced only by one that says all of it.
    """
    new = [value for name, value in right if name == path]
    field = case.schema.fields[path.partition(".")[0]]
    if field.kind in ("scalar", "object"):
        return bool(new)
    if field.kind == "map":
        return any(one.partition(":")[0] == text.partition(":")[0] for one in new)
    if field.kind == "objects":
        name = field.settings.key or ""
        named = json.loads(text).get(name)
        return any(json.loads(one).get(name) == named for one in new)
    words = set(_WORD.findall(text))
    return any(words <= set(_WORD.findall(one)) for one in new)


def _is_gone(case: Case, now: list[Value], field: str, item: str | None) -> bool:
    if item is None:
        before = {text for name, text in values(case.schema, case.profile) if name == field}
        return before.isdisjoint(text for name, text in now if name == field)
    return _plain(folded(item)) not in [_plain(text) for name, text in now if name == field]


def values(schema: Schema, document: Mapping[str, Any]) -> Iterator[Value]:
    """Every single value of a document with its path, folded: of a map as ``key: value``."""
    for name, value in document.items():
        kind = schema.fields[name].kind
        if isinstance(value, list):
            for item in value:
                yield name, folded(_object(item) if isinstance(item, dict) else item)
        elif isinstance(value, dict):
            for key, item in value.items():
                if item not in (None, []):
                    path, text = (
                        (name, f"{key}: {item}") if kind == "map" else (f"{name}.{key}", item)
                    )
                    yield path, folded(text)
        elif value is not None:
            yield name, folded(value)


def _object(item: Mapping[str, Any]) -> str:
    told = {key: part for key, part in item.items() if part is not None}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def folded(value: Any) -> str:
    """Text as labels are compared: NFKC, without case."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return unicodedata.normalize("NFKC", text).casefold()


def _plain(text: str) -> str:
    """The same for values that differ in case, space or punctuation only."""
    return " ".join(_WORD.findall(text)) or text
