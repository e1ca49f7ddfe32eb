"""What is compared: the messages of a call, and the marks that a thread keeps of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from usermemory.records import Message


WINDOW = 64
"""How many of a thread's newest marks are compared."""


class Mark(NamedTuple):
    """What is kept of a message that a thread was given: enough to know it again."""

    id: str | None
    digest: str


class Passed:
    """The messages of one call from its end, read and hashed only as far as somebody looks.

    Args:
        newest_first: The messages, newest first. Of several with one id the newest counts.
        digest: Gives a message's digest.
    """

    def __init__(self, newest_first: Iterable[Message], digest: Callable[[Message], str]) -> None:
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
