"""One batch of one thread: what a consolidation reads, judges and learns from.

A `Batch` travels the whole way from the claim to the commit: the extractor reads it, the wall and
the second look judge by it. How much of an inbox it takes in is decided here too: whole turns,
within the model's budget.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from usermemory.settings import Limits
from usermemory.text import tokens

if TYPE_CHECKING:
    from usermemory.erasure import Tombstone
    from usermemory.records import Message
    from usermemory.schema import Schema
    from usermemory.schema.document import Reading

    Turn = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was said, and what is known already.

    Attributes:
        schema: The fields of the profile.
        document: The profile as it is, valid against the schema.
        batch: The messages that nobody has read yet, oldest first: only what the user says in these
            is evidence.
        context: Messages right before them, already read: to understand, never to learn from.
        user_id: Whose profile.
        thread_id: Where it was said.
        now: The current time, in seconds since the epoch.
        edited: When each field was last edited by hand.
        learned: When what each field holds was said.
        salt: The user's secret, to know what was erased.
        tombstones: What was erased: words from before do not bring it back.
        limits: How much one consolidation may change, and a profile may hold.
        reading: What is stored, where misfits stand beside the document: changes may speak of them.
    """

    schema: Schema
    document: Mapping[str, Any]
    batch: tuple[Message, ...]
    context: tuple[Message, ...] = ()
    user_id: str = ""
    thread_id: str = ""
    now: float = 0.0
    edited: Mapping[str, float] = field(default_factory=dict[str, float])
    learned: Mapping[str, float] = field(default_factory=dict[str, float])
    salt: str = ""
    tombstones: Sequence[Tombstone] = ()
    limits: Limits = field(default_factory=Limits)
    reading: Reading | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The same as ``batch``, which is what extractors call it."""
        return self.batch

    def lent(self) -> Batch:
        """The batch as an extractor gets it: what one of the application's does to it is undone."""
        return replace(self, document=json.loads(json.dumps(self.document)), reading=None)


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
