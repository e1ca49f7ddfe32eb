"""How much of an inbox one consolidation reads: whole turns, within the model's budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from usermemory.messages import tokens
from usermemory.records import Message

Turn = tuple[Message, ...]


def turns(messages: Iterable[Message]) -> list[Turn]:
    """The messages in turns, which are never parted.

    A turn begins with a message by the user or another person: a tool call stays with its result,
    and an answer with its question.
    """
    found: list[list[Message]] = []
    for message in messages:
        if not found or message.author in {"user", "other"}:
            found.append([])
        found[-1].append(message)
    return [tuple(turn) for turn in found]


def fitting(
    inbox: Sequence[Message], budget: int, at_most: int | None = None, *, more: bool = False
) -> tuple[Message, ...]:
    """The beginning of an inbox that one consolidation reads.

    Args:
        inbox: Unread messages, oldest first.
        budget: Tokens, by estimate; a single turn beyond it is read alone, nothing is dropped.
        at_most: Turns, where a larger batch made the model fail.
        more: Whether the inbox goes on behind these, so that the last turn may be incomplete.
    """
    every = turns(inbox)
    if more and len(every) > 1:
        every.pop()
    spent = 0
    for index, turn in enumerate(every):
        spent += sum(tokens(message.text) for message in turn)
        if index and (spent > budget or (at_most is not None and index >= at_most)):
            every = every[:index]
            break
    return tuple(chain.from_iterable(every))


def half(batch: Sequence[Message]) -> int | None:
    """How many turns the first half of a batch has; None if it is a single turn."""
    count = len(turns(batch))
    return (count + 1) // 2 if count > 1 else None


def newest_turn(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """What the user said last, with all that came of it, behind what was said before.

    Args:
        messages: Of a thread, oldest first.

    Returns:
        The messages before, and those from the user's newest in a row up to the end; no such
        messages where the user said nothing.
    """
    last = max((at for at, one in enumerate(messages) if one.author == "user"), default=None)
    if last is None:
        return messages, ()
    while last and messages[last - 1].author in {"user", "other"}:
        last -= 1
    return messages[:last], messages[last:]
