"""What is compared: the messages of a call, and the marks that a thread keeps of its own."""

from __future__ import annotations

from operator import length_hint
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from usermemory.records import Message


WINDOW = 64
"""How many of a thread's newest marks are compared with a call."""

CONTEXT = 8
"""So many messages in order prove a place."""

_SHORT_WINDOW = 24  # of fewer messages than a context only the thread's end can be proven


class Mark(NamedTuple):
    """What is kept of a message that a thread was given: enough to know it again."""

    id: str | None
    digest: str


def window(newest_first: Iterable[Message]) -> int:
    """How many of the thread's newest marks a call is compared with.

    Args:
        newest_first: The call's messages; what says how many those are at most saves work.
    """
    return WINDOW if length_hint(newest_first, CONTEXT) >= CONTEXT else _SHORT_WINDOW


class Passed:
    """The messages of one call from its end, read and hashed only as far as somebody looks.

    Args:
        newest_first: The messages, newest first. Of several with one id the newest counts.
        digest: Gives a message's digest.
    """

    def __init__(self, newest_first: Iterable[Message], digest: Callable[[Message], str]) -> None:
        self.window = window(newest_first)
        self._unread = iter(newest_first)
        self._read: list[Message] = []
        self._ids: set[str] = set()
        self._digest = digest
        self._digests: dict[Message, str] = {}

    def __iter__(self) -> Iterator[Message]:
        return self.since(0)

    def since(self, index: int) -> Iterator[Message]:
        """The messages from this one on, towards older ones."""
        while index < len(self._read) or self._read_one():
            yield self._read[index]
            index += 1

    def digest(self, message: Message) -> str:
        """The digest of one of the messages, computed once."""
        if message not in self._digests:
            self._digests[message] = self._digest(message)
        return self._digests[message]

    def _read_one(self) -> bool:
        for message in self._unread:
            if message.id is None or message.id not in self._ids:
                self._read.append(message)
                self._ids.update({message.id} if message.id is not None else ())
                return True
        return False
