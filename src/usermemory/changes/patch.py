"""RFC 6902 patches of what was done, for display and export. Undo goes by value, not by these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from usermemory.changes.place import inverted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from usermemory.records import Applied

Operation = dict[str, Any]


def patch(applied: Sequence[Applied]) -> list[Operation]:
    """The JSON patch of these changes, applicable to the document before them.

    What was erased is left out: then it shows what is left, and applies to nothing.
    """
    return [_operation(each) for each in applied if not each.erased]


def inverse(applied: Sequence[Applied]) -> list[Operation]:
    """The JSON patch that takes these changes back, applicable to the document after them."""
    return [_operation(inverted(each)) for each in reversed(applied) if not each.erased]


def _operation(applied: Applied) -> Operation:
    path = _pointer(applied)
    if applied.action == "remove":
        return {"op": "remove", "path": path}
    # Only what can be absent is added: items and the keys of maps. All else is in every document.
    new_key = applied.action == "set" and applied.key is not None and applied.before is None
    if applied.action == "add" or new_key:
        return {"op": "add", "path": path, "value": applied.after}
    return {"op": "replace", "path": path, "value": applied.after}


def _pointer(applied: Applied) -> str:
    item = applied.before if applied.after is None else applied.after
    # The key of an item of a list of objects is its name, not a place in the document.
    named = applied.index is not None and isinstance(item, dict)
    steps = (applied.field, None if named else applied.key, applied.index)
    return "".join(
        "/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps if step is not None
    )
