"""Profiles as a LangGraph store, for code and tools that read stores; nothing is kept twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from langgraph.store.base import BaseStore, Op, Result

from usermemory.errors import IdentityError
from usermemory.langgraph.profile_store.answers import Asking, Known, Look, answer, checked
from usermemory.langgraph.profile_store.items import fields_namespace, profile_namespace
from usermemory.settings import Id, checked_user

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Recalled

__all__ = ["ProfileStore"]


class ProfileStore(BaseStore):
    """A read-only view of everybody's profile, as LangGraph's stores are read.

    The whole profile of a user is the item ``profile`` in ``("users", <id>)``; each field that
    holds something is an item under its name in ``("users", <id>, "fields")``, with the value
    ``{"field": name, "value": …}``. In ids, ``.``, ``*`` and ``%`` are written as ``%2E``, ``%2A``
    and ``%25``, since LangGraph's labels may not hold them: `ProfileStore.namespace` does it.

    Searching filters by value (``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt``, ``$lte`` too). There
    are no vectors: ``query=`` finds items that contain a word of it, those with more of its words
    first; ``score`` is their share. Across all users a search reads profile after profile.

    Items are as old as the profile says: ``created_at`` is the earliest time that is known of any
    of its fields, ``updated_at`` the last change; a field has its own two times.

    It shows every user: whoever may call the store may read them all. Keep it from code that acts
    for one user, and never let a model choose the namespace.

    Args:
        memory: Whose profiles. Every read goes to its database; nothing is cached.
    """

    def __init__(self, memory: UserMemory) -> None:
        self.memory = memory

    @staticmethod
    def namespace(user_id: Id, *, fields: bool = False) -> tuple[str, ...]:
        """Where a user's profile is, or with ``fields`` its fields."""
        known = checked_user(user_id)
        return fields_namespace(known) if fields else profile_namespace(known)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Answer several operations; if one of them writes or cannot be, none.

        Raises:
            InvalidInput: One of them writes, and the text says what to call instead; or one has a
                negative limit, or a filter or condition that is none.
            InvalidNamespaceError: A label of a namespace is no text, is empty, or has a period.
        """
        return [self._run(answer(op)) for op in [checked(op) for op in ops]]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, on no event loop's time."""
        return [await self._arun(answer(op)) for op in [checked(op) for op in ops]]

    def _run(self, asking: Asking) -> Any:
        try:
            look = next(asking)
            while True:
                look = asking.send(self._look(look))
        except StopIteration as end:
            return end.value

    async def _arun(self, asking: Asking) -> Any:
        try:
            look = next(asking)
            while True:
                look = asking.send(await self._alook(look))
        except StopIteration as end:
            return end.value

    def _look(self, look: Look) -> Known:
        if look.user_id is None:
            return self.memory.profiles(look.after)
        try:
            return _known(look.user_id, self.memory.recall(look.user_id))
        except IdentityError:
            return []

    async def _alook(self, look: Look) -> Known:
        if look.user_id is None:
            return await self.memory.aprofiles(look.after)
        try:
            return _known(look.user_id, await self.memory.arecall(look.user_id))
        except IdentityError:
            return []


def _known(user_id: str, recalled: Recalled) -> Known:
    """A user nobody knows has no profile."""
    return [(user_id, recalled)] if recalled.updated_at is not None else []
