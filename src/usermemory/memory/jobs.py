"""Running the memory: what waits, what failed, and who is left alone."""

from __future__ import annotations

import asyncio

from usermemory.memory.core import Core, Id, checked_thread, checked_user
from usermemory.records import Job, ThreadState
from usermemory.store.flows import queue as queues
from usermemory.store.flows import recall as recalls

_ALL = 1 << 31
"""More threads than there are."""


def _has_failed(job: Job) -> bool:
    """Whether it failed or waits for a provider; what a gate or the budget holds has not."""
    outage = job.last_error.startswith("outage:")
    return bool(job.attempts or job.dead or (job.last_error and (outage or job.state != "held")))


class JobVerbs(Core):
    """Jobs, retry, drop, pause and resume."""

    def jobs(self, state: ThreadState | None = None, user_id: Id | None = None) -> list[Job]:
        """Threads with unread messages, the most urgent first; at most a thousand.

        Args:
            state: Only those.
            user_id: Only this user's.
        """
        whose = None if user_id is None else checked_user(user_id)
        return self.driver.read(recalls.jobs, state, whose)

    async def ajobs(self, state: ThreadState | None = None, user_id: Id | None = None) -> list[Job]:
        """As `jobs`."""
        whose = None if user_id is None else checked_user(user_id)
        return await self.driver.aread(recalls.jobs, state, whose)

    def retry(self, user_id: Id, thread_id: Id) -> bool:
        """Make a thread due now with fresh attempts; False if nothing in it is unread."""
        done = self.driver.write(queues.retry, checked_user(user_id), checked_thread(thread_id))
        self.wake(0.0)
        return done

    async def aretry(self, user_id: Id, thread_id: Id) -> bool:
        """As `retry`."""
        key = checked_user(user_id), checked_thread(thread_id)
        done = await self.driver.awrite(queues.retry, *key)
        self.wake(0.0)
        return done

    def retry_all(self, reason: str = "", *, dry_run: bool = False) -> list[Job]:
        """Make every thread due now that failed, dead letters too, with fresh attempts.

        Args:
            reason: Only threads whose last error has this in its text, whatever the case.
            dry_run: Only say which.

        Returns:
            Those threads, as they were.
        """
        every = self.driver.read(recalls.jobs, None, None, _ALL)
        wanted = reason.casefold()
        failed = [job for job in every if _has_failed(job) and wanted in job.last_error.casefold()]
        if dry_run:
            return failed
        found = [
            job for job in failed if self.driver.write(queues.retry, job.user_id, job.thread_id)
        ]
        self.consolidator.outage.ended(self.clock.now())
        self.wake(0.0)
        return found

    async def aretry_all(self, reason: str = "", *, dry_run: bool = False) -> list[Job]:
        """As `retry_all`."""
        return await asyncio.to_thread(self.retry_all, reason, dry_run=dry_run)

    def drop(self, user_id: Id, thread_id: Id) -> int:
        """Give up on a thread's unread messages: never read. Returns how many."""
        return self.driver.write(queues.drop, checked_user(user_id), checked_thread(thread_id))

    async def adrop(self, user_id: Id, thread_id: Id) -> int:
        """As `drop`."""
        key = checked_user(user_id), checked_thread(thread_id)
        return await self.driver.awrite(queues.drop, *key)

    def pause(self, user_id: Id) -> None:
        """Stop learning about a user; what is said until `resume` is never learned."""
        self.driver.write(queues.pause, checked_user(user_id), paused=True)

    async def apause(self, user_id: Id) -> None:
        """As `pause`."""
        await self.driver.awrite(queues.pause, checked_user(user_id), paused=True)

    def resume(self, user_id: Id) -> None:
        """Learn about a user again, from what is said from now on."""
        self.driver.write(queues.pause, checked_user(user_id), paused=False)
        self.wake(0.0)

    async def aresume(self, user_id: Id) -> None:
        """As `resume`."""
        await self.driver.awrite(queues.pause, checked_user(user_id), paused=False)
        self.wake(0.0)
