"""A model's JSON -> proposed changes: lenient about the wrapping, strict about what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from usermemory.extract.answer import parsed
from usermemory.records import Change, Refused
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
