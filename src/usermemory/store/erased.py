"""See that what was erased is gone: looked for in all that is kept, cleaned off the disk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property

from usermemory.erasure.target import Needles
from usermemory.records import Place
from usermemory.store.driver import Driver
from usermemory.store.flows.erase import expire, has_expired, mark_cleaned, newest_erasure


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
        # Where JSON escapes a line's end ("\\nbouldering"), a letter stands before the word.
        once = _unescaped(text)
        if any(map(self._needles.in_text, {text, once, _unescaped(once)})):
            return True
        self.kept += 1
        return False

    def in_bytes(self, data: bytes) -> int:
        """How often it stands in bytes."""
        lowered = data.lower()
        return max(max(data.count(form), lowered.count(form)) for form in self.as_bytes)


_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


def _unescaped(text: str) -> str:
    """JSON as people read it; what it escapes in control characters is a space."""
    if "\\" not in text:
        return text
    plain = _JSON_ESCAPE.sub(_character, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return " " if escape[2] in "nrtbf" else escape[2]


def sorted_places(places: Iterable[Place]) -> tuple[Place, ...]:
    """What was found first, then by name."""
    return tuple(sorted(places, key=lambda place: (not place.found, place.where)))


def clean_erased(driver: Driver) -> bool:
    """Clean up to the newest erasure; False if somebody is in the way, and it is to be tried again.

    Raises:
        StoreError: The database failed.
    """
    if driver.read(has_expired):
        driver.write(expire)
    newest = driver.read(newest_erasure)
    if newest is None:
        return True
    if not driver.clean():
        return False
    driver.write(mark_cleaned, newest)
    return True
