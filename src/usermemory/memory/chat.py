"""What a chat calls: remember and recall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from usermemory.events import Event
from usermemory.gate import guarded
from usermemory.memory.core import Core, Id, checked_seconds, checked_thread, checked_user
from usermemory.messages import newest_first
from usermemory.records import Message, Recalled, Revision, Scheduled
from usermemory.render import render
from usermemory.schema.renames import renamed, renamed_revision, renamed_stamps
from usermemory.store.flows import recall as recalls
from usermemory.store.flows.remember import Policy, remember, screened_before

_TAIL = 20
"""Unread messages of other threads that a recall with ``tail=True`` brings at most."""


class ChatVerbs(Core):
    """Remember and recall."""

    def remember(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        delay: float | None = None,
        *,
        keep: bool = True,
    ) -> Scheduled:
        """Take in what is new of a thread; it is consolidated once the thread goes quiet.

        Args:
            user_id: Whose words; given by the application, never by a model. A number or a UUID
                counts as its text: 42 and "42" are one user.
            thread_id: Their thread; as above.
            messages: The whole thread, a window of it, or the new messages: LangChain messages,
                OpenAI-style dicts, ``(role, text)`` pairs or strings.
            delay: Seconds of quiet for this thread from now on; None for the memory's own.
            keep: False: only mark the messages as seen; nothing said in them is ever learned.

        Returns:
            When the thread is due and how much was new, after it is on the disk.

        Raises:
            InvalidInput: An id or a message that cannot be used; nothing was stored.
            StoreError: The database failed; nothing was stored, the next call that passes the
                messages stores them.
        """
        args = self._remembering(user_id, thread_id, messages, delay, keep)
        return self._scheduled(args[0], args[1], self.driver.write(remember, *args))

    async def aremember(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        delay: float | None = None,
        *,
        keep: bool = True,
    ) -> Scheduled:
        """As `remember`."""
        args = await asyncio.to_thread(self._remembering, user_id, thread_id, messages, delay, keep)
        return self._scheduled(args[0], args[1], await self.driver.awrite(remember, *args))

    def recall(
        self,
        user_id: Id,
        tail: bool = False,  # noqa: FBT001, FBT002 - a public name of the design
        earlier: int = 0,
        *,
        thread_id: Id = "",
    ) -> Recalled:
        """The user's profile: one statement, no model, no network but the database.

        Args:
            user_id: Whose.
            tail: Add the newest messages by the user that nobody has read yet.
            earlier: Add what this many of the newest revisions put an end to, with the dates and
                the user's own reasons.
            thread_id: With ``tail``, the thread to leave out, since the caller has it.

        Returns:
            The profile; the schema's empty document for a user nobody knows.
        """
        asked = checked_user(user_id), _TAIL if tail else 0, str(thread_id), earlier
        return self._recalled(asked[0], self.driver.read(recalls.recall, *asked, self._made))

    async def arecall(
        self,
        user_id: Id,
        tail: bool = False,  # noqa: FBT001, FBT002 - a public name of the design
        earlier: int = 0,
        *,
        thread_id: Id = "",
    ) -> Recalled:
        """As `recall`."""
        asked = checked_user(user_id), _TAIL if tail else 0, str(thread_id), earlier
        found = await self.driver.aread(recalls.recall, *asked, self._made)
        return self._recalled(asked[0], found)

    def _remembering(
        self,
        user_id: Id,
        thread_id: Id,
        messages: Iterable[Any],
        delay: float | None,
        keep: bool,  # noqa: FBT001 - passed on as given
    ) -> tuple[str, str, Iterable[Message], Policy]:
        user_id, thread_id = checked_user(user_id), checked_thread(thread_id)
        found = newest_first(messages, user_id, self.author)
        policy = Policy(
            delay=self.delay if delay is None else checked_seconds("delay", delay),
            max_wait=self.max_wait,
            keep=keep,
            at_once=guarded(self.gate.at_once) if self.gate else None,
            moved=delay is not None,
            secrets=self.secrets,
            screened=screened_before(found, self.secrets) if keep else {},
        )
        return user_id, thread_id, found, policy

    def _scheduled(self, user_id: str, thread_id: str, scheduled: Scheduled) -> Scheduled:
        self.wake(scheduled.due_at)
        now = self.clock.now()
        self.emit(Event("scheduled", user_id, thread_id, now, scheduled=scheduled))
        return scheduled

    def _recalled(self, user_id: str, found: Recalled) -> Recalled:
        self.wake()
        self.emit(Event("recalled", user_id, at=self.clock.now()))
        return found

    def _document(self, user_id: Id) -> Mapping[str, Any]:
        """The profile, for verbs that look something up in it: that is no recall."""
        return self.driver.read(recalls.recall, *self._whole(user_id)).document

    async def _adocument(self, user_id: Id) -> Mapping[str, Any]:
        """As `_document`."""
        return (await self.driver.aread(recalls.recall, *self._whole(user_id))).document

    def _whole(self, user_id: Id) -> tuple[str, int, str, int, Callable[..., Recalled]]:
        return checked_user(user_id), 0, "", 0, self._made

    def _made(
        self,
        document: Mapping[str, Any],
        stamps: Mapping[str, Any],
        earlier: Iterable[Revision] = (),
        **rest: Any,
    ) -> Recalled:
        """What was recalled, under today's names, able to load and render itself."""
        return Recalled(
            self._complete(renamed(self.schema, document)),
            stamps=renamed_stamps(self.schema, stamps),
            earlier=tuple(renamed_revision(self.schema, one) for one in earlier),
            **rest,
            load=self.schema.load,
            to_text=partial(render, schema=self.schema),
        )

    def _complete(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """In the schema's order, with the fields that it got since the profile was saved."""
        fields = self.schema.fields
        all_there = document.keys() >= fields.keys()
        return {**(dict.fromkeys(fields) if all_there else self.schema.empty()), **document}
