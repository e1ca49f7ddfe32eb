"""The profile as one line of JSON, the long parts of a long one shortened.

A profile of hundreds of items would cost more than the messages do. Shown are the items that share
a word with the messages, then the newest, until the room is used up. Nothing is lost by that:
changes name items by value, and adding one again that is there already is refused later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from usermemory.prompt.json_values import is_list, is_object
from usermemory.prompt.transcript import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from usermemory.records import Message
    from usermemory.schema import Schema

ROOM = 6_000
"""Characters of the items of all lists and maps together; about 1,500 tokens of English."""

_WORD = re.compile(r"\w{3,}")


def shown(
    schema: Schema, document: Mapping[str, Any], messages: Iterable[Message], room: int = ROOM
) -> str:
    """The profile as one line of JSON, with a second line that names what was left out.

    Args:
        schema: Says which fields a model may see, and in which order.
        document: The profile.
        messages: What it will be compared with.
        room: Characters for the items of lists and maps.

    Returns:
        The text; fields with ``Remember(ask=False)`` never appear in it.
    """
    seen = visible(schema, document)
    if len(one_line(seen)) <= room:
        return one_line(seen)
    return _shortened(seen, _words("\n".join(message.text for message in messages)), room)


def visible(schema: Schema, document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a document that a model may see, in the schema's order."""
    return {
        field.name: document.get(field.name)
        for field in schema.fields.values()
        if field.settings.ask
    }


def _shortened(seen: dict[str, Any], about: set[str], room: int) -> str:
    long = [name for name, value in seen.items() if _items(value)]
    left_out: list[str] = []
    for name in long:
        items = _items(seen[name])
        kept = _kept([one_line(item) for item in items], about, room // len(long))
        if len(kept) < len(items):
            left_out.append(f"{len(items) - len(kept)} of {name}")
            seen[name] = _only(seen[name], kept)
    note = f"\n(not shown, but known: {', '.join(left_out)})" if left_out else ""
    return one_line(seen) + note


def _kept(items: Sequence[str], about: set[str], room: int) -> set[int]:
    """Which items to show: those that the messages may be about first, then the newest."""
    newest_first = sorted(
        range(len(items)),
        key=lambda at: (not about.isdisjoint(_words(items[at])), at),
        reverse=True,
    )
    kept: set[int] = set()
    for at in newest_first:
        room -= len(items[at]) + 2
        if room < 0:
            break
        kept.add(at)
    return kept


def _items(value: Any) -> list[Any]:
    """The items of a list, the entries of a map; nothing for a single value."""
    if is_object(value):
        return [{key: item} for key, item in value.items()]
    return value if is_list(value) else []


def _only(value: Any, kept: set[int]) -> Any:
    items = [item for at, item in enumerate(_items(value)) if at in kept]
    if is_list(value):
        return items
    return {key: item for entry in items for key, item in entry.items()}


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
