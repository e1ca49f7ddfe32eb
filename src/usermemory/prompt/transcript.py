"""What was said, as fenced text in which nobody can speak for somebody else.

Every message is one block: author and text; further lines of the text are indented, so that a line
in a user's text can pose neither as another message nor as a time. Our own fences cannot be closed
from inside.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from usermemory.records import Message

# A reader takes the full-width form for the same sign, so both are replaced.
_FENCE = re.compile(r"[<\uff1c](?=\s*[/\uff0f]?\s*(?:messages|earlier)\b)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_HALF_A_PAIR = re.compile(r"[\ud800-\udfff]")  # no encoder takes it
# Tags (text that only a model sees) and marks that reorder what follows.
_INVISIBLE = re.compile(r"[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_A_NAME = re.compile(r"[^\w .'-]")
_LONGEST_NAME = 40
_PAUSE = 600.0
"""Seconds after which the time is told again."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def harmless(text: str) -> str:
    """Text without control characters, lone surrogates and fences of ours; otherwise as it is."""
    text = _INVISIBLE.sub("", text)
    text = _HALF_A_PAIR.sub("\ufffd", _CONTROL.sub(" ", text))
    return _FENCE.sub("\u2039", text)


def one_line(value: Any) -> str:
    """A JSON value on one line, harmless inside a prompt."""
    return harmless(json.dumps(value, ensure_ascii=False))


def fenced(messages: Iterable[Message], fence: str = "messages") -> str:
    """Messages between ``<fence>`` and ``</fence>``, oldest first, with lines that tell the time.

    Args:
        messages: What was said.
        fence: ``messages`` for the batch, ``earlier`` for what was read before.

    Returns:
        The fenced text. A line of its own gives day and time (UTC) before the first message, and
        again where ten minutes have passed.
    """
    lines = [f"<{fence}>"]
    told: float | None = None
    for message in messages:
        if message.at is not None and (told is None or abs(message.at - told) >= _PAUSE):
            lines += _time(message.at)
            told = message.at
        text = harmless("\n".join(message.text.splitlines())).replace("\n", "\n    ")
        lines.append(f"{_speaker(message)}: {text}")
    return "\n".join([*lines, f"</{fence}>"])


def _time(at: float) -> list[str]:
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):  # no such year
        return []
    return [f"[{_DAYS[when.weekday()]} {when:%Y-%m-%d %H:%M}]"]


def _speaker(message: Message) -> str:
    name = _NOT_IN_A_NAME.sub("", message.name or "")[:_LONGEST_NAME].strip()
    return f"{message.author} ({name})" if name else message.author
