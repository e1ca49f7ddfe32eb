"""Putting a profile right by hand: what an edit and an undo write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from usermemory.changes import edited, misfit_places, undo
from usermemory.clock import Clock
from usermemory.errors import Conflict, InvalidInput
from usermemory.past import snapshot
from usermemory.records import Revision, Undone
from usermemory.schema import Field, Schema
from usermemory.schema.document import counts_as
from usermemory.schema.form import identity
from usermemory.schema.reading import Unreadable
from usermemory.schema.renames import renamed, renamed_history, renamed_stamps
from usermemory.schema.shape import is_list, is_object
from usermemory.store import Driver
from usermemory.store.flows import Profile, load_profile
from usermemory.store.flows import amend as amends
from usermemory.store.flows import recall as recalls
from usermemory.store.flows import review as reviews
from usermemory.store.flows.amend import Amendment

_OURS = frozenset({"model", "undo", "forget", "migration", "tidy"})
"""Who a revision is by, where it is no person's: undo, history and search go by it."""


def checked_editor(by: object) -> str:
    """Who edits or approves, for the history.

    Raises:
        InvalidInput: Nobody is named, or one of the memory's own names.
    """
    if not isinstance(by, str) or not by.strip():
        raise InvalidInput(f"by= is {by!r:.60}; say who does it, such as an id of yours")
    if by in _OURS:
        raise InvalidInput(f"by={by!r} is what the memory signs its own revisions with")
    return by


class Correcting:
    """Works corrections out and writes them; again on the newer profile, if that has moved.

    Args:
        driver: The database.
        schema: The profile's.
        clock: What time it is, for a dry run.
    """

    def __init__(self, driver: Driver, schema: Schema, clock: Clock) -> None:
        self._driver = driver
        self._schema = schema
        self._clock = clock

    def edit(
        self, user_id: str, wanted: Any, by: str, revision: int | None, *, dry_run: bool
    ) -> Revision | None:
        """As `UserMemory.edit` says."""
        checked_editor(by)

        def change(profile: Profile) -> Amendment | None:
            shown = 0 if profile.document is None else profile.revision
            if revision is not None and revision not in {profile.revision, shown}:
                raise Conflict(
                    f"the profile of {user_id!r} is at revision {profile.revision}, not at "
                    f"{revision} any more: look at it again"
                )
            document, changes = edited(profile.document or {}, wanted, self._schema)
            if not changes:
                return None
            before = renamed(self._schema, profile.document or {})
            for name in dict.fromkeys(one.field for one in changes):
                if (field := self._schema.fields.get(name)) and field.kind == "objects":
                    _check_names(field, before.get(name), document.get(name))
            fingerprint = counts_as(self._schema, document, profile.fingerprint)
            return Amendment(document, changes, by, fingerprint)

        return self._write(user_id, change, dry_run=dry_run)

    def undo(self, user_id: str, revision: int | None, *, dry_run: bool) -> Undone:
        """As `UserMemory.undo` says."""

        def chosen(history: list[Revision]) -> list[Revision]:
            if revision is None:
                return _newest(history)
            found = [one for one in history if one.number == revision]
            if not found:
                raise InvalidInput(f"there is no revision {revision} of {user_id!r}")
            return found

        return self._undo(user_id, chosen, dry_run=dry_run)

    def undo_thread(self, user_id: str, thread_id: str, *, dry_run: bool) -> Undone:
        """As `UserMemory.undo_thread` says."""

        def chosen(history: list[Revision]) -> list[Revision]:
            undone = {number for one in history for number in one.undoes}
            return [
                one for one in history if one.thread_id == thread_id and one.number not in undone
            ]

        undone = self._undo(user_id, chosen, dry_run=dry_run)
        if not dry_run:
            for one in self._driver.read(reviews.waiting, user_id, recalls.ROWS):
                if one.thread_id == thread_id:
                    self._driver.write(reviews.decline_proposal, one)
        return undone

    def _undo(
        self, user_id: str, chosen: Callable[[list[Revision]], list[Revision]], *, dry_run: bool
    ) -> Undone:
        conflicts: tuple[Any, ...] = ()

        def change(profile: Profile) -> Amendment | None:
            nonlocal conflicts
            # Read again each time: what was erased meanwhile must not be put back.
            history = self._driver.read(recalls.history, user_id, recalls.ROWS)
            past = renamed_history(self._schema, history)
            targets = chosen(past)
            done = [one for revision in reversed(targets) for one in revision.changes]
            stored = profile.document or {}
            document, changes, conflicts = undo(stored, done, self._schema)
            if conflicts:
                then = self._misfits_before(targets, profile, past)
                document, changes, conflicts = undo(stored, done, self._schema, then)
            if not changes:
                return None
            numbers = tuple(one.number for one in targets)
            fingerprint = counts_as(self._schema, document, profile.fingerprint)
            return Amendment(document, changes, "undo", fingerprint, undoes=numbers)

        return Undone(self._write(user_id, change, dry_run=dry_run), conflicts)

    def _misfits_before(
        self, targets: list[Revision], profile: Profile, past: list[Revision]
    ) -> frozenset[str]:
        """What did not fit the schema before each of these revisions: it may come back as that."""
        found: set[str] = set()
        for target in targets:
            with suppress(InvalidInput):  # where the past was erased
                then = snapshot(
                    profile.document or {}, profile.revision, past, target.number - 1, self._schema
                )
                found |= misfit_places(self._schema.read(then.document).misfits)
        return frozenset(found)

    def _write(
        self, user_id: str, change: Callable[[Profile], Amendment | None], *, dry_run: bool
    ) -> Revision | None:
        profile = self._driver.read(load_profile, user_id)
        while True:
            profile = replace(profile, stamps=renamed_stamps(self._schema, profile.stamps))
            amendment = change(profile)
            if amendment is None:
                return None
            if dry_run:
                return amendment.revision(profile.revision + 1, self._clock.now())
            answer = self._driver.write(amends.amend, user_id, profile, amendment)
            if isinstance(answer, Revision):
                return answer
            profile = answer


def _check_names(field: Field, before: Any, after: Any) -> None:
    """See that an edit gives no two items one name; doubles of older times stay.

    Raises:
        InvalidDocument: It does.
    """
    key = field.settings.key or ""
    was, now = (
        [
            None if not is_object(item) or item.get(key) is None else identity(str(item[key]))
            for item in (items if is_list(items) else ())
        ]
        for items in (before, after)
    )
    for name, count in Counter(now).items():
        if name is not None and count > max(1, was.count(name)):
            last = len(now) - 1 - now[::-1].index(name)
            told = "another item is called that; items are told apart by it"
            raise Unreadable([((field.name, last, key), told)])


def _newest(history: list[Revision]) -> list[Revision]:
    """The newest revision that was not taken back and takes nothing back itself."""
    undone = {number for one in history for number in one.undoes}
    standing = (
        one
        for one in history
        if one.changes and not one.undoes and one.by != "forget" and one.number not in undone
    )
    return [first] if (first := next(standing, None)) else []
