"""How much of an inbox one consolidation reads: whole turns, within the model's budget."""

from __future__ import annotations

from collections.abc import Sequence

from usermemory.messages import tokens
from usermemory.records import Message


def fitting(inbox: Sequence[Message], budget: int) -> tuple[Message, ...]:
    """The longest beginning of an inbox that fits the budget and ends with a turn.

    A turn begins with a message by the user or another person, so that a tool call is never
    parted from its result, nor an answer from its question. A single turn larger than the budget
    is taken alone: nothing is dropped.

    Args:
        inbox: Unread messages, oldest first.
        budget: Tokens, by the same estimate as the gate's.
    """
    spent, end = 0, 0
    for index, message in enumerate(inbox):
        if message.author in {"user", "other"} and index > 0:
            end = index
        spent += tokens(message.text)
        if spent > budget and end:
            return tuple(inbox[:end])
    return tuple(inbox)
