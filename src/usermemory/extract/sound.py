"""What an extractor answers is looked at before it is judged: it may be anybody's code."""

from __future__ import annotations

from typing import Any

from usermemory.extract import Extraction, UnusableAnswer
from usermemory.records import Change, Refused, Usage

MOST = 1_000
"""Changes of one answer that are judged; who proposes more has lost the way."""

_COUNTS = ("calls", "input_tokens", "output_tokens", "cached_tokens")


def sound(extraction: Any) -> Extraction:
    """The answer, of which every part can be judged and stored.

    A change that is none is a refusal; the others are kept.

    Args:
        extraction: What an extractor returned.

    Raises:
        UnusableAnswer: It is no answer at all, or holds more changes than are read (``too_many``).
    """
    if not isinstance(extraction, Extraction):
        raise UnusableAnswer(f"the extractor answered {type(extraction).__name__}, no Extraction")
    usage = _counted(extraction.usage)
    proposed = list[Any](extraction.changes)
    if len(proposed) > MOST:
        told = f"{len(proposed)} changes at once, {MOST} are read at most"
        raise UnusableAnswer(told, "too_many", usage)
    changes = tuple(one for one in proposed if _is_change(one))
    lost = len(proposed) - len(changes)
    malformed = Refused(Change("", "set"), "wrong_type", "it is no change as `Change` describes it")
    return Extraction(
        changes,
        usage,
        _name(extraction.model),
        _name(extraction.prompt),
        (*extraction.rejections, *[malformed] * lost),
    )


def _is_change(one: Any) -> bool:
    if not isinstance(one, Change):
        return False
    texts: list[Any] = [one.field, one.action, one.quote, "" if one.key is None else one.key]
    return all(isinstance(text, str) for text in texts)


def _counted(usage: Any) -> Usage:
    """The usage in whole numbers; what is none counts as 0."""
    counts = [getattr(usage, name, 0) for name in _COUNTS]
    return Usage(*(one if type(one) is int and 0 <= one < 2**53 else 0 for one in counts))


def _name(name: Any) -> str:
    """A name as a database takes it: without half pairs and zeros; empty for what is no text."""
    if not isinstance(name, str):
        return ""
    return name.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
