"""Putting the profile right: edit and undo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from usermemory.errors import Conflict, InvalidInput
from usermemory.memory.core import Core, Id, checked_thread, checked_user
from usermemory.records import Revision, Undone
from usermemory.schema.document import counts_as
from usermemory.schema.lineage import renamed_history
from usermemory.schema.renames import renamed_stamps
from usermemory.store.flows import recall as recalls

if TYPE_CHECKING:
    from usermemory.store.flows.amend import Amendment
    from usermemory.store.flows.profile import Profile

    Amend = Callable[[Profile], Amendment | None]

_OURS = frozenset({"model", "undo", "forget"})
"""Who a revision is by, where it is no edit: undo and history go by it."""


class CorrectVerbs(Core):
    """Edit and undo."""

    def edit(
        self,
        user_id: Id,
        patch_or_document: Any,
        *,
        by: str,
        revision: int | None = None,
        dry_run: bool = False,
    ) -> Revision | None:
        """Change the profile by hand. Afterwards only later words of the user change these fields.

        Args:
            user_id: Whose.
            patch_or_document: RFC 6902 operations, or the whole document: what is not in it is
                emptied.
            by: Who edits, for the history; an id or a name, but not ``model``, ``undo`` or
                ``forget``.
            revision: The revision that the editor was shown; None to edit whatever is there.
            dry_run: Only say what it would change.

        Returns:
            The new revision, or what it would be; None if the profile says so already.

        Raises:
            Conflict: The profile has moved on since that revision, or a ``test`` does not hold.
            InvalidDocument: The schema refuses the result; names the field.
            InvalidInput: This is no edit, the patch does not apply, or nobody edits.
        """
        from usermemory.changes import edited
        from usermemory.store.flows.amend import Amendment

        if not by.strip():
            raise InvalidInput("by= is empty; say who edits, such as an id of yours")
        if by in _OURS:
            raise InvalidInput(f"by={by!r} is what the memory signs its own revisions with")

        def change(profile: Profile) -> Amendment | None:
            shown = 0 if profile.document is None else profile.revision
            if revision is not None and revision not in {profile.revision, shown}:
                raise Conflict(
                    f"the profile of {user_id!r} is at revision {profile.revision}, not at "
                    f"{revision} any more: look at it again"
                )
            document, changes = edited(profile.document or {}, patch_or_document, self.schema)
            if not changes:
                return None
            fingerprint = counts_as(self.schema, document, profile.fingerprint)
            return Amendment(document, changes, by, fingerprint)

        return self._amended(checked_user(user_id), change, dry_run=dry_run)

    async def aedit(
        self,
        user_id: Id,
        patch_or_document: Any,
        *,
        by: str,
        revision: int | None = None,
        dry_run: bool = False,
    ) -> Revision | None:
        """As `edit`."""
        call = partial(self.edit, by=by, revision=revision, dry_run=dry_run)
        return await asyncio.to_thread(call, user_id, patch_or_document)

    def undo(self, user_id: Id, revision: int | None = None, *, dry_run: bool = False) -> Undone:
        """Take back what one revision changed, as a new revision; what came since stays.

        Args:
            user_id: Whose profile.
            revision: Which; None for the newest that is neither an undo nor taken back already,
                so that undoing again goes further back. An undo's own number takes that back.
            dry_run: Only say what it would change.

        Returns:
            The new revision, or what it would be, and what could not be taken back.

        Raises:
            InvalidInput: There is no such revision.
        """
        user_id = checked_user(user_id)

        def chosen(history: list[Revision]) -> list[Revision]:
            if revision is None:
                return _newest(history)
            found = [one for one in history if one.number == revision]
            if not found:
                raise InvalidInput(f"there is no revision {revision} of {user_id!r}")
            return found

        return self._undone(user_id, chosen, dry_run=dry_run)

    async def aundo(
        self, user_id: Id, revision: int | None = None, *, dry_run: bool = False
    ) -> Undone:
        """As `undo`."""
        return await asyncio.to_thread(self.undo, user_id, revision, dry_run=dry_run)

    def undo_thread(self, user_id: Id, thread_id: Id, *, dry_run: bool = False) -> Undone:
        """Unlearn a conversation: take back all that it taught, as a new revision.

        Its words stay in the history as long as they are not erased: see `forget_thread`.

        Args:
            user_id: Whose profile.
            thread_id: Which conversation.
            dry_run: Only say what it would change.

        Returns:
            The new revision, or what it would be, and what could not be taken back.
        """
        thread_id = checked_thread(thread_id)

        def chosen(history: list[Revision]) -> list[Revision]:
            undone = {number for one in history for number in one.undoes}
            return [
                one for one in history if one.thread_id == thread_id and one.number not in undone
            ]

        return self._undone(checked_user(user_id), chosen, dry_run=dry_run)

    async def aundo_thread(self, user_id: Id, thread_id: Id, *, dry_run: bool = False) -> Undone:
        """As `undo_thread`."""
        return await asyncio.to_thread(self.undo_thread, user_id, thread_id, dry_run=dry_run)

    def _undone(
        self,
        user_id: str,
        chosen: Callable[[list[Revision]], list[Revision]],
        *,
        dry_run: bool,
    ) -> Undone:
        from usermemory.changes import undo
        from usermemory.store.flows.amend import Amendment

        conflicts: tuple[Any, ...] = ()

        def change(profile: Profile) -> Amendment | None:
            nonlocal conflicts
            # Read again each time: what was erased meanwhile must not be put back.
            history = self.driver.read(recalls.history, user_id)
            targets = chosen(renamed_history(self.schema, history))
            done = [change for one in reversed(targets) for change in one.changes]
            document, changes, conflicts = undo(profile.document or {}, done, self.schema)
            if not changes:
                return None
            numbers = tuple(one.number for one in targets)
            fingerprint = counts_as(self.schema, document, profile.fingerprint)
            return Amendment(document, changes, "undo", fingerprint, undoes=numbers)

        return Undone(self._amended(user_id, change, dry_run=dry_run), conflicts)

    def _amended(self, user_id: str, change: Amend, *, dry_run: bool) -> Revision | None:
        """Work it out and write it; again on the newer profile, if that has moved meanwhile."""
        from usermemory.store.flows import amend as amends

        profile = self.driver.read(amends.profile, user_id)
        while True:
            profile = replace(profile, stamps=renamed_stamps(self.schema, profile.stamps))
            amendment = change(profile)
            if amendment is None:
                return None
            if dry_run:
                return amends.revision_of(amendment, profile.revision + 1, self.clock.now())
            answer = self.driver.write(amends.amend, user_id, profile, amendment)
            if isinstance(answer, Revision):
                return answer
            profile = answer


def _newest(history: list[Revision]) -> list[Revision]:
    """The newest revision that was not taken back and takes nothing back itself."""
    undone = {number for one in history for number in one.undoes}
    standing = (
        one
        for one in history
        if one.changes and not one.undoes and one.by != "forget" and one.number not in undone
    )
    return [first] if (first := next(standing, None)) else []
