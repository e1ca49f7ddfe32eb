"""What an undo came to, in words: what it took back, and what stays and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from usermemory.cli.output import listed, plural
from usermemory.cli.show import change_text

if TYPE_CHECKING:
    from usermemory.records import Applied, Revision, Undone
    from usermemory.schema import Schema


def undone_text(undone: Undone, history: Sequence[Revision], schema: Schema) -> Text:
    """All of it.

    Args:
        undone: What the undo returned.
        history: The user's revisions from before it, the newest first.
        schema: The profile's.
    """
    lines: list[str] = []
    if undone.revision:
        numbers = undone.revision.undoes
        named = f"{plural(len(numbers), 'revision')} {listed(map(str, sorted(numbers)))}"
        lines.append(f"Takes back {named}, as revision {undone.revision.number}:")
        lines += [f"  {change_text(change)}" for change in undone.revision.changes]
    for change in undone.conflicts:
        made = next((one for one in history if change in one.changes), None)
        where = f" (revision {made.number})" if made else ""
        lines.append(f"Stays: {change_text(change)}{where}, since {why(change, history, schema)}")
    return Text("\n".join(lines or ["There is nothing left to take back."]))


def why(change: Applied, history: Sequence[Revision], schema: Schema) -> str:
    """Why a change cannot be taken back."""
    if change.field not in schema.fields:
        return "the profile has no such field any more"
    if change.erased:
        return "a value of it has been erased"
    made = next((one.number for one in history if change in one.changes), 0)
    for revision in reversed(history):
        if revision.number <= made:
            continue
        for later in revision.changes:
            if (later.field, later.key) == (change.field, change.key):
                return f"revision {revision.number} changed it again: {change_text(later)}"
    return "the schema refuses the profile without it"
