"""What callers pass to a memory, checked: ids and spans of time."""

from __future__ import annotations

from uuid import UUID

from usermemory.errors import IdentityError, InvalidInput

Id = str | int | UUID
"""What a user or a thread is called: text, or a number or UUID, which counts as its text."""

_ID_LENGTH = 512


def checked_seconds(name: str, value: float) -> float:
    """A span of time, or an error that names the argument."""
    if isinstance(value, bool) or not value >= 0:
        raise InvalidInput(f"{name} is {value!r}; it is a number of seconds, 0 or more")
    return float(value)


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
