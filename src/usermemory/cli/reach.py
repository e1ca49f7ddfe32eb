"""What an erasure reaches, or has reached, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from usermemory.cli.output import clean, count, listed, plural, shown

if TYPE_CHECKING:
    from usermemory.records import Forgotten

PENDING = (
    "Copies may be left on the disk, since somebody is reading the database just now. A worker "
    "that runs removes them as soon as it can; usermemory clean does when nobody reads."
)


def reach_lines(reach: Forgotten, *, done: bool) -> Iterator[str]:
    """What it reaches, a line for each kind; its threads are another matter.

    Args:
        reach: In numbers.
        done: Whether it has been erased already.
    """
    counted = (
        (reach.values, "value in the profile", "values in the profile"),
        (reach.changes, "change in the history", "changes in the history"),
        (reach.quotes, "quote", "quotes"),
        (reach.messages, "message that is still kept", "messages that are still kept"),
    )
    found = [f"{number} {one if number == 1 else more}" for number, one, more in counted if number]
    if found:
        yield f"{'Erased' if done else 'It is in'}: {listed(found)}."
    else:
        yield "Nothing was kept of it." if done else "Nothing is kept of it."
    if reach.elsewhere:
        mention = plural(len(reach.elsewhere), "mentions", "mention")
        fields = clean(listed(reach.elsewhere))
        yield f"{fields} {mention} it too and {plural(len(reach.elsewhere), 'keeps', 'keep')} it."
    yield from _others(reach)


def _others(reach: Forgotten) -> Iterator[str]:
    for field, value, quotes in reach.others:
        named = clean(f"{shown(value)} in {field}")
        yield f"{named} stays, without {count(quotes, 'quote')} in which this is named."


def threads_line(threads: Sequence[str]) -> str:
    """Where the conversation itself may still be, and what to do about it."""
    named = f"{plural(len(threads), 'thread')} {clean(listed(threads))}"
    return (
        f"A checkpointer may still hold the conversation: {named}. --checkpoints deletes what is "
        "in this database; elsewhere delete_thread of your saver does."
    )


def deleted_lines(deleted: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    """What became of threads in the checkpointer."""
    if deleted:
        named = f"{count(len(deleted), 'thread')}, {clean(listed(deleted))}"
        yield f"Deleted from the checkpointer: {named}."
    if others:
        yield f"Left in the checkpointer, since somebody else spoke there last: {listed(others)}."
    if not deleted and not others:
        yield "The checkpointer of this database holds none of these threads."
