"""Erasing: a value, a message, what a thread taught, a user."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from usermemory.errors import InvalidInput
from usermemory.memory.core import Id, checked_thread, checked_user
from usermemory.memory.look import LookVerbs
from usermemory.records import Forgotten
from usermemory.store.cleaning import clean
from usermemory.why import resolve

if TYPE_CHECKING:
    from usermemory.erasure import OfValue, Target


class Saver(Protocol):
    """What is needed of a LangGraph checkpointer."""

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread."""
        ...

    async def adelete_thread(self, thread_id: str) -> None:
        """The same, awaited."""
        ...


class ForgetVerbs(LookVerbs):
    """Forget a value, a message, a thread, a user."""

    def forget(
        self,
        user_id: Id,
        field: str,
        value: Any = None,
        checkpointer: Saver | None = None,
        *,
        anywhere: bool = False,
        dry_run: bool = False,
    ) -> Forgotten:
        """Erase a value from the profile, its history, its quotes and what is not yet read.

        No message received before teaches that field the same value again; the user may say it
        anew. What was consolidated meanwhile is discarded and read again.

        Args:
            user_id: Whose.
            field: The field, or a JSON pointer such as ``/interests/0``.
            value: The item of a list, the key of a map, the property of an object, or what stands
                inside of one of them; None for the whole field with its history. What other items
                say stays: of "tennis" goes neither the item "table tennis" nor the quote that it
                rests on.
            anywhere: The value need be no item, and need stand nowhere: the field is kept from
                learning it from words said before.
            checkpointer: A LangGraph saver: the threads in which it was said are deleted there,
                whole. Without one they are only named.
            dry_run: Only say what it would reach.

        Returns:
            What it reached; ``pending`` while copies may be left on the disk.

        Raises:
            InvalidInput: The schema has no such field, the pointer leads nowhere, or the value is
                no item and stands nowhere by itself (the text lists the items); nothing was erased.
        """
        target = self._value(user_id, field, value, anywhere=anywhere)
        return self._forget(user_id, target, checkpointer, dry_run=dry_run)

    async def aforget(
        self,
        user_id: Id,
        field: str,
        value: Any = None,
        checkpointer: Saver | None = None,
        *,
        anywhere: bool = False,
        dry_run: bool = False,
    ) -> Forgotten:
        """As `forget`."""
        find = partial(self._value, anywhere=anywhere)
        target = await asyncio.to_thread(find, user_id, field, value)
        return await self._aforget(user_id, target, checkpointer, dry_run=dry_run)

    def forget_message(
        self,
        user_id: Id,
        thread_id: Id,
        message: str | int,
        checkpointer: Saver | None = None,
        *,
        dry_run: bool = False,
    ) -> Forgotten:
        """Erase a message and what rests on it alone; what rests on others too stays without it.

        Args:
            user_id: Whose.
            thread_id: The message's thread.
            message: The caller's id of it, or its number as `Evidence.seq` has it.
            checkpointer: As for `forget`.
            dry_run: As for `forget`.
        """
        target = _of_message(thread_id, message)
        return self._forget(user_id, target, checkpointer, dry_run=dry_run)

    async def aforget_message(
        self,
        user_id: Id,
        thread_id: Id,
        message: str | int,
        checkpointer: Saver | None = None,
        *,
        dry_run: bool = False,
    ) -> Forgotten:
        """As `forget_message`."""
        target = _of_message(thread_id, message)
        return await self._aforget(user_id, target, checkpointer, dry_run=dry_run)

    def forget_thread(
        self,
        user_id: Id,
        thread_id: Id,
        checkpointer: Saver | None = None,
        *,
        dry_run: bool = False,
    ) -> Forgotten:
        """Erase what was said in a thread and what rests on that alone.

        Args:
            user_id: Whose.
            thread_id: Which.
            checkpointer: As for `forget`.
            dry_run: As for `forget`.
        """
        target = _of_thread(thread_id)
        return self._forget(user_id, target, checkpointer, dry_run=dry_run)

    async def aforget_thread(
        self,
        user_id: Id,
        thread_id: Id,
        checkpointer: Saver | None = None,
        *,
        dry_run: bool = False,
    ) -> Forgotten:
        """As `forget_thread`."""
        target = _of_thread(thread_id)
        return await self._aforget(user_id, target, checkpointer, dry_run=dry_run)

    def forget_user(
        self, user_id: Id, checkpointer: Saver | None = None, *, dry_run: bool = False
    ) -> Forgotten:
        """Erase all that is known and kept of a user.

        What stays are counters, which make void whatever is being worked out now, and hashed
        marks, by which an open thread's old messages are known and not read again.

        Args:
            user_id: Whom.
            checkpointer: As for `forget`; all threads of the user are deleted.
            dry_run: As for `forget`.
        """
        return self._forget(user_id, None, checkpointer, dry_run=dry_run)

    async def aforget_user(
        self, user_id: Id, checkpointer: Saver | None = None, *, dry_run: bool = False
    ) -> Forgotten:
        """As `forget_user`."""
        return await self._aforget(user_id, None, checkpointer, dry_run=dry_run)

    def clean(self) -> bool:
        """Try to remove what pending erasures left on the disk; True if nothing is left."""
        return clean(self.driver)

    async def aclean(self) -> bool:
        """As `clean`."""
        return await asyncio.to_thread(self.clean)

    def _value(self, user_id: Id, field: str, value: Any, *, anywhere: bool) -> OfValue:
        from usermemory.erasure import OfValue

        if field.startswith("/"):
            if value is not None:
                raise InvalidInput(f"{field!r} names the value already; leave out {value!r}")
            field, value = resolve(self._document(user_id), field)
        if field not in self.schema.fields:
            self._check_field(field, self._document(user_id))
        return OfValue(field, value, anywhere)

    def _forget(
        self, user_id: Id, target: Target | None, checkpointer: Saver | None, *, dry_run: bool
    ) -> Forgotten:
        if dry_run:
            return self._rehearse(user_id, target)
        done = self._erase(user_id, target)
        if checkpointer is not None:
            for thread_id in done.threads:
                checkpointer.delete_thread(thread_id)
        return replace(done, pending=not self.clean())

    async def _aforget(
        self, user_id: Id, target: Target | None, checkpointer: Saver | None, *, dry_run: bool
    ) -> Forgotten:
        if dry_run:
            return await asyncio.to_thread(self._rehearse, user_id, target)
        done = await asyncio.to_thread(self._erase, user_id, target)
        if checkpointer is not None:
            for thread_id in done.threads:
                await _adelete(checkpointer, thread_id)
        return replace(done, pending=not await self.aclean())

    def _rehearse(self, user_id: Id, target: Target | None) -> Forgotten:
        from usermemory.store.flows.erase import rehearse

        return self.driver.read(rehearse, checked_user(user_id), target, self.schema)

    def _erase(self, user_id: Id, target: Target | None) -> Forgotten:
        from usermemory.store.flows.erase import erase, erase_user

        user_id = checked_user(user_id)
        if target is None:
            done = self.driver.write(erase_user, user_id)
        else:
            done = self.driver.write(erase, user_id, target, self.schema)
        self.consolidator.drop_answers(user_id)
        return done


def _of_message(thread_id: Id, message: str | int) -> Target:
    from usermemory.erasure import OfMessage

    return OfMessage(checked_thread(thread_id), message)


def _of_thread(thread_id: Id) -> Target:
    from usermemory.erasure import OfThread

    return OfThread(checked_thread(thread_id))


async def _adelete(checkpointer: Saver, thread_id: str) -> None:
    """Delete a thread's checkpoints; a saver for sync graphs has only the plain way."""
    try:
        await checkpointer.adelete_thread(thread_id)
    except NotImplementedError:
        await asyncio.to_thread(checkpointer.delete_thread, thread_id)
