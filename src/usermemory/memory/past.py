"""Taking in what was said before the memory was in use; everybody's profile and costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from usermemory.memory.chat import ChatVerbs
from usermemory.memory.core import Id, checked_seconds, checked_thread, checked_user
from usermemory.messages import newest_first
from usermemory.records import Cost, Message, News, Recalled, Scheduled
from usermemory.store.flows import recall as recalls
from usermemory.store.flows.costs import costs
from usermemory.store.flows.remember import Past, Policy, remember, unknown

_LATEST = 1e11
"""Later than any reading."""


class PastVerbs(ChatVerbs):
    """Backfill, news, profiles and costs."""

    def backfill(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        *,
        said: Mapping[str, float] | None = None,
        before: float | None = None,
    ) -> Scheduled:
        """Take in a thread of the past: as `remember`, but what is in it counts as old.

        A message counts as received at its own time, if it has one (``timestamp`` or
        ``created_at``), else before every erasure: what was forgotten is not learned again. The
        thread is due at once, behind what is due already; the gate and the daily budget apply.
        Of a paused user nothing is taken in: do it after `resume`. Calling it again is cheap and
        adds nothing.

        Args:
            user_id: Whose words.
            thread_id: Their thread.
            messages: As for `remember`.
            said: When messages without a time of their own were said, by their id, in seconds
                since the epoch.
            before: When all others were said at the latest; None: now.

        Raises:
            InvalidInput: As for `remember`.
            StoreError: As for `remember`.
        """
        args = self._backfilling(user_id, thread_id, messages, said, before)
        return self._scheduled(args[0], args[1], self.driver.write(remember, *args))

    async def abackfill(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        *,
        said: Mapping[str, float] | None = None,
        before: float | None = None,
    ) -> Scheduled:
        """As `backfill`."""
        args = self._backfilling(user_id, thread_id, messages, said, before)
        return self._scheduled(args[0], args[1], await self.driver.awrite(remember, *args))

    def news(self, user_id: Id, thread_id: Id, messages: Iterable[Any]) -> News:
        """How much `remember` or `backfill` would find new in these messages; changes nothing.

        Args:
            user_id: Whose words.
            thread_id: Their thread.
            messages: As for `remember`.
        """
        return self.driver.read(unknown, *self._looking(user_id, thread_id, messages))

    async def anews(self, user_id: Id, thread_id: Id, messages: Iterable[Any]) -> News:
        """As `news`."""
        return await self.driver.aread(unknown, *self._looking(user_id, thread_id, messages))

    def profiles(self, after: str = "", limit: int = 100) -> list[tuple[str, Recalled]]:
        """Users that have a profile, each with it, page by page: for administration, not for chats.

        Args:
            after: The last user of the page before; empty to begin.
            limit: Users of a page, 1 or more.

        Returns:
            In the database's own order; ``pending`` is not counted. Empty at the end.
        """
        return self.driver.read(recalls.profiles, after, max(1, limit), self._made)

    async def aprofiles(self, after: str = "", limit: int = 100) -> list[tuple[str, Recalled]]:
        """As `profiles`."""
        return await self.driver.aread(recalls.profiles, after, max(1, limit), self._made)

    def costs(
        self, user_id: Id | None = None, *, since: float = 0.0, until: float | None = None
    ) -> list[Cost]:
        """What learning cost, by user, day (UTC) and model; the oldest day first.

        Counted is what each reading used, as the provider counts it: second looks and failed
        attempts too, not what a tool's own second look used, nor a reading that was void when it
        ended. What is known of a user's costs goes with `forget_user`.

        Args:
            user_id: About whom; None for everybody: the whole table is read.
            since: From when, in seconds since the epoch.
            until: To when; None: now.
        """
        return self.driver.read(costs, *self._spent(user_id, since, until))

    async def acosts(
        self, user_id: Id | None = None, *, since: float = 0.0, until: float | None = None
    ) -> list[Cost]:
        """As `costs`."""
        return await self.driver.aread(costs, *self._spent(user_id, since, until))

    def _spent(
        self, user_id: Id | None, since: float, until: float | None
    ) -> tuple[str | None, float, float]:
        known = None if user_id is None else checked_user(user_id)
        return known, since, _LATEST if until is None else until

    def _looking(
        self, user_id: Id, thread_id: Id, messages: Iterable[Any]
    ) -> tuple[str, str, Iterable[Message]]:
        user_id, thread_id = checked_user(user_id), checked_thread(thread_id)
        return user_id, thread_id, newest_first(messages, user_id, self.author)

    def _backfilling(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        said: Mapping[str, float] | None,
        before: float | None,
    ) -> tuple[str, str, Iterable[Message], Policy]:
        latest = self.clock.now() if before is None else checked_seconds("before", before)
        past = Past(said or {}, latest)
        policy = Policy(0.0, self.max_wait, secrets=self.secrets, past=past)
        return *self._looking(user_id, thread_id, messages), policy
