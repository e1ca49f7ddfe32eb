"""See that what was erased is gone: looked for in all that is kept, cleaned off the disk."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import normalize

from usermemory.erasure.target import Needles
from usermemory.records import Place
from usermemory.schema.shape import is_list, is_object
from usermemory.store.driver import Driver
from usermemory.store.flows.erase import expire, has_expired, mark_cleaned, newest_erasure


class Wanted:
    """Texts as they may be written in a row or a file: plain, or escaped as JSON, in any case.

    Args:
        texts: What is looked for; any of them is a find.
        spared: What the user's profile holds: where that says more ("table tennis") the text
            ("tennis") is a part of it, and rightly there.

    Attributes:
        kept: In how many values one stands only as a part of a word, or of what is spared.
    """

    def __init__(self, texts: Iterable[str], spared: Iterable[str] = ()) -> None:
        self.kept = 0
        texts = tuple(texts)
        self._needles = Needles(texts, spared)
        self._letters = {_letters(text) for text in texts}
        self._forms = tuple(
            dict.fromkeys(form for text in texts for form in (text, json.dumps(text)[1:-1]))
        )

    @cached_property
    def as_bytes(self) -> tuple[bytes, ...]:
        """Their forms in UTF-8: as they are and in one case, with accents joined and apart."""
        written = (normalize(how, form) for form in self._forms for how in ("NFC", "NFD"))
        cases = (str, str.casefold, str.lower, str.upper, str.title)
        forms = (case(form) for form in (*self._forms, *written) for case in cases)
        return tuple(dict.fromkeys(form.encode(errors="replace") for form in forms))

    def in_value(self, value: object) -> bool:
        """Whether one stands in a column's value."""
        if value is None:
            return False
        if isinstance(value, bytes):
            return self.in_bytes(value) > 0
        found = list(filter(self._near, _texts(str(value))))
        if any(map(self._needles.in_text, found)):
            return True
        folded = [text.casefold() for text in found]
        self.kept += any(form.casefold() in text for form in self._forms for text in folded)
        return False

    def _near(self, text: str) -> bool:
        """Whether the letters of one stand there; word by word is dear, and few texts hold them."""
        there = _letters(text)
        return any(letters in there for letters in self._letters)

    def in_bytes(self, data: bytes) -> int:
        """How often the one that stands most often in bytes does."""
        lowered = data.lower()
        return max(max(data.count(form), lowered.count(form)) for form in self.as_bytes)


_NO_LETTER = re.compile(r"[\W_]+")


def _letters(text: str) -> str:
    """Letters and digits alone, without case and accents."""
    if text.isascii():
        return _NO_LETTER.sub("", text.lower())
    return _NO_LETTER.sub("", normalize("NFKD", normalize("NFKD", text).casefold()))


_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


def _texts(text: str) -> Iterator[str]:
    """The texts in what a column holds: those in its JSON, each by itself, or all of it."""
    if text[:1] in {"{", "[", '"'}:
        with suppress(ValueError, RecursionError):
            yield from _parts(json.loads(text, parse_int=str, parse_float=str))
            return
    # Where JSON escapes a line's end ("\\nbouldering"), a letter stands before the word.
    once = _unescaped(text)
    yield from {text, once, _unescaped(once)}


def _parts(value: Any) -> Iterator[str]:
    """The texts in a JSON value, names too; JSON in a text is JSON."""
    if is_object(value):
        for name, part in value.items():
            yield from _texts(name)
            yield from _parts(part)
    elif is_list(value):
        for part in value:
            yield from _parts(part)
    elif isinstance(value, str):
        yield from _texts(value)


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


_never_closed: dict[tuple[int, int], int] = {}
_raw_lock = threading.Lock()


def raw_bytes(path: Path) -> bytes:
    """The bytes of a database file, through a descriptor that is kept for the life of the process.

    On POSIX, to close any descriptor of a file ends every lock that the process holds on it, those
    of SQLite too (sqlite.org/howtocorrupt.html, 2.2). The next program that opens and closes the
    database would then believe to be alone, and delete the log that is still written to.
    """
    if os.name == "nt":  # there, locks belong to the handle; and an open file cannot be deleted
        return path.read_bytes()
    with _raw_lock:
        about = path.stat()
        named = about.st_dev, about.st_ino
        if named not in _never_closed:
            _never_closed[named] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        file = os.fdopen(_never_closed[named], "rb", closefd=False)
        file.seek(0)
        return file.read()


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
