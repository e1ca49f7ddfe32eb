"""What a model proposes: read from its answer, and tidied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from usermemory.extract import Extraction, UnusableAnswer
from usermemory.extract.answer import parsed
from usermemory.records import Change, Refused, Usage
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from usermemory.records import Action

MOST = 100
"""Changes of one answer; a model that loops must not fill the database."""

_Proposals = tuple[tuple[Change, ...], tuple[Refused, ...]]


def proposals(value: Any, most: int = MOST) -> _Proposals | None:
    """Read a change list.

    Args:
        value: What the model answered: ``{"changes": […]}``, or the list alone, each of them
            possibly as JSON in a string.
        most: How many changes are taken; one rejection speaks for all beyond.

    Returns:
        The changes, and rejections of what is none; ``None`` if this is no change list at all.
    """
    listed = parsed(value["changes"]) if is_object(value) and "changes" in value else value
    if not is_list(listed):
        return None
    items = [parsed(item) for item in listed[:most]]
    changes = tuple(_change(item) for item in items if is_object(item))
    if items and not changes:
        return None
    rejected = [
        Refused(Change("", "set", item), "wrong_type", "an item of the answer is no object")
        for item in items
        if not is_object(item)
    ]
    if len(listed) > most:
        told = f"the answer holds {len(listed)} changes, and only {most} were read"
        rejected.append(Refused(Change("", "set"), "too_many", told))
    return changes, tuple(rejected)


def _change(item: dict[str, Any]) -> Change:
    """Unknown fields and actions are kept: the judge refuses them, with their reason.

    The action names its field ("add interests"); in a field of its own it is read as well.
    """
    key, action, field = item.get("key"), str(item.get("action", "")).strip(), item.get("field")
    if field is None:
        action, _, field = action.partition(" ")
    return Change(
        field=str(field).strip(),
        action=cast("Action", action),
        value=item.get("value"),
        quote=item["quote"] if isinstance(item.get("quote"), str) else "",
        key=None if key is None or key == "" else str(key),
    )


_MOST_CHANGES = 1_000
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
    if len(proposed) > _MOST_CHANGES:
        told = f"{len(proposed)} changes at once, {_MOST_CHANGES} are read at most"
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
