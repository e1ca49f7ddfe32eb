"""What callers pass to a memory, checked: ids and spans of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from usermemory.errors import ConfigurationError, IdentityError, InvalidInput

Id = str | int | UUID
"""What a user or a thread is called: text, or a number or UUID, which counts as its text."""

When = float | str | date | None
"""A time: seconds since the epoch, a date or time of Python's, or one as ISO 8601 writes it."""

_ID_LENGTH = 512
_DATE_LENGTH = len("2026-05-01")
_FOREVER = 1e11
"""Seconds; some three thousand years."""


def checked_seconds(name: str, value: float) -> float:
    """A span of time, or an error that names the argument."""
    if isinstance(value, bool) or not value >= 0:
        raise InvalidInput(f"{name} is {value!r}; it is a number of seconds, 0 or more")
    return float(value)


def checked_time(name: str, value: When, *, end: bool = False) -> float | None:
    """A time in seconds since the epoch, or an error that names the argument.

    Args:
        name: The argument.
        value: Such a time, a date or time of Python's, or one as ISO 8601 writes it; without a
            zone it is in UTC. None stays None.
        end: A date without a time of day means its end.
    """
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    try:
        given = value if isinstance(value, date) else _read_time(str(value).strip())
    except ValueError as error:
        raise InvalidInput(
            f"{name} is {value!r}; write a date as 2026-05-01, or seconds since the epoch"
        ) from error
    if not isinstance(given, datetime):
        given = datetime.combine(given + timedelta(days=1 if end else 0), time())
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


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


def checked_user(user_id: object) -> str:
    """A usable user id as text, or an error."""
    return _checked_id("user_id", user_id)


def checked_thread(thread_id: object) -> str:
    """A usable thread id as text, or an error."""
    return _checked_id("thread_id", thread_id)


def _checked_id(name: str, value: object) -> str:
    if isinstance(value, UUID) or (isinstance(value, int) and not isinstance(value, bool)):
        if isinstance(value, int) and value.bit_length() > _ID_LENGTH:
            raise IdentityError(
                f"{name} is a number of more than {_ID_LENGTH} bits; pass a plain id"
            )
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise IdentityError(
            f"{name} is {value!r}; it is a non-empty string, an integer or a UUID that you choose"
        )
    if len(value) > _ID_LENGTH or not value.isprintable():
        raise IdentityError(
            f"{name} {value[:40]!r}… has control characters or lone surrogates, or is longer than "
            f"{_ID_LENGTH} characters; pass a plain id, such as the one of your database"
        )
    return value
