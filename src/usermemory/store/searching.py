"""Look for a text in everything a database keeps: the proof that it is erased."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property

from usermemory.erasure.needles import Needles
from usermemory.records import Place


class Wanted:
    """A text as it may be written in a row or a file: plain, or escaped as JSON, in any case.

    Args:
        text: What is looked for.
        spared: What the user's profile holds: where that says more ("table tennis") the text
            ("tennis") is a part of it, and rightly there.

    Attributes:
        kept: In how many values it stands only as a part of a word, or of what is spared.
    """

    def __init__(self, text: str, spared: Iterable[str] = ()) -> None:
        self.kept = 0
        self._needles = Needles([text], spared)
        escaped = json.dumps(text)[1:-1]
        self.forms = tuple(dict.fromkeys((text, escaped)))

    @cached_property
    def as_bytes(self) -> tuple[bytes, ...]:
        """Its forms in UTF-8, as they are and in lower case."""
        both = (form for text in self.forms for form in (text, text.casefold(), text.lower()))
        return tuple(dict.fromkeys(form.encode() for form in both))

    def in_value(self, value: object) -> bool:
        """Whether it stands in a column's value."""
        if value is None:
            return False
        if isinstance(value, bytes):
            return self.in_bytes(value) > 0
        text = str(value)
        folded = text.casefold()
        if not any(form.casefold() in folded for form in self.forms):
            return False
        if self._needles.in_text(text) or self._needles.in_text(_unescaped(text)):
            return True
        self.kept += 1
        return False

    def in_bytes(self, data: bytes) -> int:
        """How often it stands in bytes."""
        lowered = data.lower()
        return max(max(data.count(form), lowered.count(form)) for form in self.as_bytes)


def _unescaped(text: str) -> str:
    """JSON as people read it: what was escaped stands beside its neighbours again."""
    return text if "\\u" not in text else text.encode().decode("unicode_escape", "replace")


def sorted_places(places: Iterable[Place]) -> tuple[Place, ...]:
    """What was found first, then by name."""
    return tuple(sorted(places, key=lambda place: (not place.found, place.where)))
