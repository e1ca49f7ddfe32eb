"""What callers pass to a memory, checked: ids, times, and the limits of one consolidation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from inspect import iscoroutinefunction
from math import inf, isfinite
from numbers import Integral
from operator import index
from typing import TYPE_CHECKING, Any, Literal, cast
from unicodedata import category
from uuid import UUID

from usermemory.errors import ConfigurationError, IdentityError, InvalidInput

if TYPE_CHECKING:
    from usermemory.errors import ExtractionReason
    from usermemory.records import Applied, Refused


Id = str | int | UUID
"""What a user or a thread is called: text, or a number or UUID, which counts as its text."""

When = float | str | date | None
"""A time: seconds since the epoch, a date or time of Python's, or one as ISO 8601 writes it."""

_ID_LENGTH = 512
_JOINERS = frozenset({"\u200c", "\u200d", *map(chr, range(0xE0020, 0xE0080))})
_ID_BYTES = 1_024
"""Of an id that something is stored under: PostgreSQL's indexes hold 2,704 bytes a row, and there
a user's, a thread's and a message's id stand side by side."""

_DATE_LENGTH = len("2026-05-01")
_FOREVER = 1e11
"""Seconds; some three thousand years."""


_CALLED = ("__call__", "opens", "at_once", "extract")


def refuse_unusable(**given: Any) -> None:
    """Refuse what can never work: a class in place of an instance, a coroutine nobody awaits."""
    for name, one in given.items():
        if isinstance(one, type):
            raise ConfigurationError(f"{name}= is the class {one.__name__}; pass an instance of it")
        if any(map(iscoroutinefunction, (one, *(getattr(one, way, None) for way in _CALLED)))):
            raise ConfigurationError(f"{name}= is async, and is not awaited; pass a plain function")


def checked_seconds(name: str, value: float) -> float:
    """A span of time, or an error that names the argument."""
    if isinstance(value, bool) or not 0 <= value <= _FOREVER:
        raise InvalidInput(
            f"{name} is {value!r}; it is a number of seconds, 0 or more, up to {_FOREVER:.0e}"
        )
    return float(value)


def checked_count(name: str, value: object) -> int:
    """A whole number from 0 on, or an error that names the setting."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{name} is {value!r}; it is a whole number, 0 or more")
    return value


def checked_text(name: str, value: object) -> str:
    """A text, or an error that names the argument."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is {value!r:.60}; it is a text")
    return value


def checked_time(name: str, value: When, *, end: bool = False) -> float | None:
    """A time in seconds since the epoch, or an error that names the argument.

    Args:
        name: The argument.
        value: Such a time, a date or time of Python's, or one as ISO 8601 writes it; without a
            zone it is in UTC. None stays None.
        end: A date without a time of day means its end.
    """
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return float(value)
        given = value if isinstance(value, date) else _read_time(str(value).strip())
        if not isinstance(given, datetime):
            day = timedelta(days=1 if end else 0).total_seconds()
            return datetime.combine(given, time(), UTC).timestamp() + day
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{name} is {value!r:.60}; write a date as 2026-05-01, or seconds since the epoch"
        ) from error


def _read_time(text: str) -> date:
    return date.fromisoformat(text) if len(text) == _DATE_LENGTH else datetime.fromisoformat(text)


def kept_for(value: float | str | None) -> float | None:
    """For how many seconds the text of messages is kept, as ``keep_messages`` takes it."""
    if value == "forever":
        return _FOREVER
    if value is None:
        return None
    if isinstance(value, str):
        raise ConfigurationError(f"keep_messages {value!r}: use None, seconds or 'forever'")
    return checked_seconds("keep_messages", value) or None


def checked_retention(value: object) -> float | None:
    """For how many days values are kept, as ``retention`` takes it; None: for ever."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
        raise ConfigurationError(f"retention {value!r}: use None or a number of days, above 0")
    return float(value)


def checked_user(user_id: object, *, new: bool = False) -> str:
    """A usable user id as text, or an error.

    Args:
        user_id: As the application names the user.
        new: Something is to be stored under it; what is there already can be read in any case.
    """
    return _checked_id("user_id", user_id, new)


def checked_thread(thread_id: object, *, new: bool = False) -> str:
    """A usable thread id as text, or an error; see `checked_user`."""
    return _checked_id("thread_id", thread_id, new)


def _checked_id(name: str, value: object, new: bool) -> str:  # noqa: FBT001 - private
    if not isinstance(value, bool) and isinstance(value, UUID | Integral):
        if isinstance(value, Integral) and index(value).bit_length() > _ID_LENGTH:
            raise IdentityError(
                f"{name} is a number of more than {_ID_LENGTH} bits; pass a plain id"
            )
        return str(value)
    if not isinstance(value, str) or not {*value.strip()} - _JOINERS:
        raise IdentityError(
            f"{name} is {value!r}; it is a non-empty string, an integer or a UUID that you choose"
        )
    if len(value) > _ID_LENGTH or not (value.isprintable() or all(map(_fits_id, value))):
        raise IdentityError(
            f"{name} {value[:40]!r}… has control characters or lone surrogates, or is longer than "
            f"{_ID_LENGTH} characters; pass a plain id, such as the one of your database"
        )
    if new and (size := len(value.encode())) > _ID_BYTES:
        raise IdentityError(
            f"{name} {value[:40]!r}… has {size} bytes as UTF-8, {_ID_BYTES} at most; pass a plain "
            "id, such as the one of your database"
        )
    return value


def _fits_id(character: str) -> bool:
    """Whether a name may hold it: nothing that breaks a line, turns it round, or cannot be seen.

    A space of any width, what joins letters or emoji, and a sign newer than this Python are fine.
    """
    return character in _JOINERS or category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


Review = Literal["sensitive", "all"] | None
"""Which changes wait for a person: those of fields with ``Remember(review=True)``, or all but those
of fields with ``Remember(review=False)``. None is as ``sensitive``: a field's own mark holds."""


def checked_review(value: Any) -> Review:
    """How changes are reviewed, or an error that says what there is."""
    known: tuple[Review, ...] = (None, "sensitive", "all")
    if value not in known:
        raise ConfigurationError(f"review {value!r}: use None, 'sensitive' or 'all'")
    return known[known.index(value)]


FEW = 3
"""Removals that one consolidation may always make: a small profile may be emptied."""


_A_FACT = 100
"""Characters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What code holds against a model that has lost its way, or follows somebody else.

    Attributes:
        max_changes: Changes that one consolidation may make.
        max_removed: Share of the profile, from 0 to 1, that one may remove; up to `FEW` values go
            in any case.
        max_profile: Characters of the profile, as JSON; at its limit it takes corrections,
            removals and what makes it shorter, and nothing more.
    """

    max_changes: int = 50
    max_removed: float = 0.5
    max_profile: int = 256_000

    def __post_init__(self) -> None:
        for name in ("max_changes", "max_profile"):
            most = getattr(self, name)
            if isinstance(most, bool) or not isinstance(most, int) or most < 1:
                raise ConfigurationError(f"{name} is {most!r}; it is a whole number, at least 1")
        if not 0 <= self.max_removed <= 1:
            raise ConfigurationError(
                f"max_removed is {self.max_removed!r}; it is a share of the profile, from 0 to 1"
            )

    def exceeded(
        self, document: Mapping[str, Any], applied: Sequence[Applied], rejections: Iterable[Refused]
    ) -> tuple[ExtractionReason, str] | None:
        """Why these changes must not be made, as a reason and in words; None if they may.

        Args:
            document: The profile before.
            applied: What would be done to it.
            rejections: What would not; an answer of which the end was not even read is too long.
        """
        longer = next((one.detail for one in rejections if one.reason == "too_many"), None)
        if longer is not None:
            return "too_many", longer
        if len(applied) > self.max_changes:
            return "too_many", f"{len(applied)} changes at once, {self.max_changes} at most"
        removed = sum(one.before is not None and one.after is None for one in applied)
        known = sum(_values(value) for value in document.values())
        if removed > max(FEW, self.max_removed * known):
            most = max(FEW, int(self.max_removed * known))
            return "removes_too_much", f"{removed} of {known} values removed, {most} at most"
        return None

    def too_much_tidied(self, document: Mapping[str, Any], taken: Iterable[int]) -> str:
        """Why a tidy pass may not propose all that it does, in words; empty if it may.

        Args:
            document: The profile.
            taken: How many values each of its proposals takes away.
        """
        removed, known = sum(taken), sum(_values(value) for value in document.values())
        most = max(FEW, int(self.max_removed * known))
        return f"{removed} of {known} values, {most} at most" if removed > most else ""

    def full(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
        """Why a profile may not become this, in words; None if it may.

        It measures both documents: for a batch of changes take `room`, which measures once.
        """
        size = _size(after)
        grows = size > _size(before) and _facts(after) > _facts(before)
        return _too_large(size, self.max_profile) if size > self.max_profile and grows else None

    def room(self, document: Mapping[str, Any]) -> Room:
        """How much may be added to a profile by changes that are made one after the other."""
        return Room(self.max_profile, _size(document))

    def is_full(self, document: Mapping[str, Any]) -> bool:
        """Whether a profile is as long as it may be, give or take a short fact."""
        return _size(document) >= self.max_profile - _A_FACT


@dataclass(slots=True)
class Room:
    """The size of a profile while changes are made to it: measured once, then by difference.

    Attributes:
        most: Characters that it may have.
        size: Characters that it has as JSON, right but for a comma a change.
    """

    most: int
    size: int

    def full(self, done: Applied) -> str | None:
        """Why this change may not be made, in words; None if it may.

        A correction may be longer than what it corrects: only what says more is an addition.
        """
        growth = _growth(done)
        size = self.size + growth
        adds = growth > 0 and _facts(done.after) > _facts(done.before)
        return _too_large(size, self.most) if size > self.most and adds else None

    def take(self, done: Applied) -> None:
        """Count a change that was made."""
        self.size += _growth(done)


def _growth(done: Applied) -> int:
    """Characters that a change adds to the profile's JSON, below 0 if it takes some away."""
    growth = _size(done.after) - _size(done.before)
    item = done.index is not None
    entry = not item and done.key is not None and done.action in ("set", "remove")
    if None not in (done.before, done.after) or not (item or entry):
        return growth  # a value in place of another, or of the null that stands for none
    # An item comes and goes with a comma, an entry with its key too; no null is in its place.
    around = 1 + _size(None) + (_size(done.key) + 1 if entry else 0)
    return growth + around if done.before is None else growth - around


def _too_large(size: int, most: int) -> str:
    return (
        f"the profile would have {size} characters, {most} at most (max_profile); corrections and "
        "removals still go through"
    )


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _facts(value: Any) -> int:
    """How much a value says, to the last of its parts: what is null or empty says nothing."""
    if isinstance(value, Mapping):
        return sum(_facts(part) for part in cast("Mapping[str, Any]", value).values())
    if isinstance(value, (list, tuple)):
        return sum(_facts(part) for part in cast("list[Any]", value))
    return int(value is not None)


def _values(value: Any) -> int:
    """How many things a value says: each item of a list and each entry of a map is one."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).values()
        return sum(_values(entry) for entry in entries)
    if isinstance(value, (list, tuple)):
        return len(cast("list[Any]", value))
    return int(value is not None)
