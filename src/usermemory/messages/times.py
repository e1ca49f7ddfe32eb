"""When a message was said, as programs write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from usermemory.messages.content import is_mapping

_LATEST_MOMENT = 1e11  # seconds; the year 5138. A greater number counts milliseconds, or smaller.
_COUNTED = re.compile(r"\d{9,19}(?:\.\d+)?", re.ASCII)
_WRAPPED_TIMES = ("$date", "$numberLong", "_seconds", "seconds")
_LONGEST_TIME = 60


def moment(given: Any) -> float | None:
    """A time as programs write it, in seconds since the epoch; None for what is none.

    Args:
        given: A ``datetime``, ISO 8601 or RFC 2822 (UTC where no zone is named), or seconds,
            milli-, micro- or nanoseconds since the epoch, as a number or written as a text; any of
            them as MongoDB (``{"$date": …}``) and Firestore (``{"_seconds": …}``) write it.
    """
    for _ in range(2):  # MongoDB's may hold its number in a wrapping of its own
        if is_mapping(given):
            given = next((given[name] for name in _WRAPPED_TIMES if name in given), None)
    try:
        if isinstance(given, str):
            given = float(given) if _COUNTED.fullmatch(given) else _written_moment(given.strip())
        if isinstance(given, datetime):
            # A time without a zone is taken as UTC, as every time in this package.
            given = (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
        if isinstance(given, bool) or not isinstance(given, int | float):
            return None
        seconds = float(given)
    except (ValueError, OverflowError):
        return None
    for _ in range(3):
        seconds = seconds / 1000 if seconds >= _LATEST_MOMENT else seconds
    # What no calendar holds (NaN too) is no time.
    return seconds if 0 <= seconds < _LATEST_MOMENT else None


def _written_moment(text: str) -> datetime:
    """A time in ISO 8601, strict or as programs vary it, or in RFC 2822.

    Raises:
        ValueError: It is neither.
    """
    if len(text) > _LONGEST_TIME:
        raise ValueError(text[:_LONGEST_TIME])
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if not text[:4].isdigit():
            return parsedate_to_datetime(text)
        plain = re.sub(r"\s*(?:UTC|GMT)$", "", text).replace("/", "-")
        return datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", plain))
