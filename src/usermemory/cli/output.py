"""What every command prints with: a console, JSON for programs, times for people."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Colours on a terminal, plain text elsewhere and under ``NO_COLOR``."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output; records become objects, times stay seconds."""
    import typer

    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def clean(text: str) -> str:
    """Text that cannot drive the terminal: what people and models wrote may hold escape codes."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs"}
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def shown(value: Any) -> str:
    """A value of a profile as a person reads it."""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def shortened(text: str, length: int = 60) -> str:
    """One line, cut with an ellipsis."""
    line = " ".join(clean(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def when(at: float | None) -> str:
    """A moment in the local time zone; empty for none."""
    return "" if at is None else f"{datetime.fromtimestamp(at, tz=UTC).astimezone():%Y-%m-%d %H:%M}"


def how_far(at: float | None) -> str:
    """How far a moment is from now, such as ``in 42 s``; empty for none."""
    if at is None:
        return ""
    seconds = at - time.time()
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def span(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def count(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {plural(number, noun)}"


def plural(number: int, one: str, more: str = "") -> str:
    """The word for so many: ``message``, ``messages``."""
    return one if number == 1 else more or f"{one}s"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {**cast("Mapping[str, Any]", value)}
    raise TypeError(f"{value!r} has no JSON form")
