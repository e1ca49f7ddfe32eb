"""Consolidating on demand, instead of waiting for quiet."""

from __future__ import annotations

import asyncio

from usermemory.memory.core import Core, Id, checked_thread, checked_user
from usermemory.records import Outcome


class LearnVerbs(Core):
    """Trigger, for a thread, a user or everybody; and run what is due."""

    def trigger(self, user_id: Id, thread_id: Id | None = None) -> list[Outcome]:
        """Consolidate now what is unread: no delay, no gate, in the caller's thread.

        Waits where a worker already holds the user; does nothing for a paused one.

        Args:
            user_id: Whose.
            thread_id: Only this thread.

        Returns:
            What came of each batch; empty if nothing was unread.
        """
        user_id = checked_user(user_id)
        if thread_id is None:
            return self._trigger.user(user_id)
        return self._trigger.thread(user_id, checked_thread(thread_id))

    async def atrigger(self, user_id: Id, thread_id: Id | None = None) -> list[Outcome]:
        """As `trigger`, in a thread of its own: no model is ever awaited on your loop."""
        return await asyncio.to_thread(self.trigger, user_id, thread_id)

    def trigger_all(self) -> list[Outcome]:
        """As `trigger`, for everybody who is not paused."""
        return self._trigger.everybody()

    async def atrigger_all(self) -> list[Outcome]:
        """As `trigger_all`."""
        return await asyncio.to_thread(self.trigger_all)

    def run_due(self, limit: int | None = None) -> list[Outcome]:
        """Consolidate what is due, as a worker would; safe to call from anywhere, at any time.

        Args:
            limit: At most so many batches.
        """
        return self._trigger.due(limit)

    async def arun_due(self, limit: int | None = None) -> list[Outcome]:
        """As `run_due`."""
        return await asyncio.to_thread(self.run_due, limit)
