"""A user's threads in the checkpointer of the memory's own database."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usermemory.memory import UserMemory


class OwnThreads:
    """A checkpointer that deletes threads of one user only: it knows threads, not users.

    Attributes:
        deleted: Threads that it deleted.
        others: Threads that it left, since somebody else spoke in them last.
    """

    def __init__(self, saver: Any, user_id: str) -> None:
        self._saver = saver
        self._user_id = user_id
        self.deleted: list[str] = []
        self.others: list[str] = []

    def held(self, threads: Iterable[str]) -> list[str]:
        """Those of these threads that are there and the user's."""
        return [thread_id for thread_id in threads if self._owner(thread_id) == self._user_id]

    def delete_thread(self, thread_id: str) -> None:
        """Delete a thread, if it is there and the user's."""
        owner = self._owner(thread_id)
        if owner == self._user_id:
            self._saver.delete_thread(thread_id)
            self.deleted.append(thread_id)
        elif owner is not None:
            self.others.append(thread_id)

    def _owner(self, thread_id: str) -> str | None:
        """Who spoke in a thread last, as its run was configured; None where it is not there."""
        found = self._saver.get_tuple({"configurable": {"thread_id": thread_id}})
        if found is None:
            return None
        owner: str = found.metadata.get("user_id", self._user_id)
        return owner

    async def adelete_thread(self, thread_id: str) -> None:
        """The same: the command line never awaits."""
        self.delete_thread(thread_id)


@contextmanager
def own_threads(memory: UserMemory, user_id: str) -> Generator[OwnThreads]:
    """The threads of a user, on a connection of its own."""
    from usermemory.langgraph import checkpointer

    with checkpointer(memory) as saver:
        yield OwnThreads(saver, user_id)
