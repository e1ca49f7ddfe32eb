"""Today's schema and what is stored: how much fits, and taking it over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from usermemory.erasure import EVERYTHING
from usermemory.errors import InvalidInput
from usermemory.memory.core import Core
from usermemory.messages import is_mapping
from usermemory.records import Applied, Migrated, Revision, SchemaCheck
from usermemory.schema.document import dropped
from usermemory.schema.renames import is_empty, renamed_stamps
from usermemory.store.flows import amend as amends
from usermemory.store.flows import recall as recalls
from usermemory.store.flows import schemas
from usermemory.why import evidence_of

if TYPE_CHECKING:
    from usermemory.store.flows.profile import Profile

Move = Callable[[dict[str, Any]], Any]
"""Makes a stored document one of today's schema."""

_PAGE = 200
_BY = "migration"


class SchemaVerbs(Core):
    """Check_schema and migrate_schema."""

    def check_schema(self) -> SchemaCheck:
        """How much of what is stored today's schema takes; reads every profile, changes nothing."""
        users = misfitting = unread = 0
        values: Counter[Any] = Counter()
        holders: Counter[Any] = Counter()
        for _, profile in self._stored():
            users += 1
            misfits = self.schema.read(profile.document or {}).misfits
            kinds = Counter((one.field, one.reason) for one in misfits)
            values += kinds
            holders.update(kinds.keys())
            misfitting += bool(misfits)
            other = profile.fingerprint != self.schema.fingerprint
            unread += other and bool(dropped(misfits))
        fields = {kind: (values[kind], holders[kind]) for kind in sorted(values)}
        return SchemaCheck(users, misfitting, unread, fields)

    async def acheck_schema(self) -> SchemaCheck:
        """As `check_schema`."""
        return await asyncio.to_thread(self.check_schema)

    def migrate_schema(
        self,
        mapping: Mapping[str, str] | None = None,
        function: Move | None = None,
        *,
        dry_run: bool = True,
        again: bool = False,
        done: Callable[[Migrated], None] | None = None,
    ) -> list[Migrated]:
        """Take over what another schema has stored, user by user.

        Each user is one transaction: stopped in the middle, it goes on where it was when it is
        called again. What changes is a revision by ``migration``, which `undo` takes back; a value
        that moves keeps the words it rests on, and what was erased of it stays erased. What does
        not fit afterwards stays a misfit, and no longer keeps workers with this schema from
        reading.

        Args:
            mapping: Fields to move, old name to new; where the new one holds a value, it stays.
            function: Makes of a stored document one of today's schema, instead of a mapping. What
                it leaves out is emptied. A profile that it has made for this schema before, or
                that was written with this schema and fits it, is not shown to it.
            dry_run: Only say what it would do.
            again: Show the function those profiles too.
            done: Called after each user, for progress.

        Returns:
            The users whose profile was, or would be, changed or accepted.

        Raises:
            InvalidInput: The mapping names a field that the schema has not, or one that looks like
                a slip for a field that is stored; or the function raised, or made something else
                than a document: it says for whom, and those before are done.
        """
        mapping = self._checked(mapping or {})
        move = function or partial(_moved, mapping=mapping)
        skips = function is not None and not again
        found: list[Migrated] = []
        for user_id, profile in self._stored():
            if skips and self._is_done(user_id, profile):
                continue
            one = self._migrated(user_id, profile, move, dry_run=dry_run)
            if not dry_run:
                self._carry(user_id, mapping, every=function is not None)
            if one is not None:
                found.append(one)
                if done:
                    done(one)
        return found

    async def amigrate_schema(
        self,
        mapping: Mapping[str, str] | None = None,
        function: Move | None = None,
        *,
        dry_run: bool = True,
        again: bool = False,
        done: Callable[[Migrated], None] | None = None,
    ) -> list[Migrated]:
        """As `migrate_schema`."""
        call = partial(self.migrate_schema, dry_run=dry_run, again=again, done=done)
        return await asyncio.to_thread(call, mapping, function)

    def _stored(self) -> Iterator[tuple[str, Profile]]:
        after = ""
        while page := self.driver.read(schemas.stored, after, _PAGE):
            yield from page
            after = page[-1][0]

    def _checked(self, mapping: Mapping[str, str]) -> Mapping[str, str]:
        for new in mapping.values():
            if new not in self.schema.fields:
                known = ", ".join(self.schema.fields)
                raise InvalidInput(f"{new!r} is no field of {self.schema.name}; it has {known}")
        strange = {old for old in mapping if old not in self.schema.fields}
        stored = set[str]()
        if strange:
            for _, profile in self._stored():
                stored |= (profile.document or {}).keys()
        for old in sorted(strange - stored):
            if near := get_close_matches(old, stored - self.schema.fields.keys(), 1):
                raise InvalidInput(f"no profile has a field {old!r}; did you mean {near[0]!r}?")
        return mapping

    def _is_done(self, user_id: str, profile: Profile) -> bool:
        """Whether a function has nothing to do in a profile: it knows nothing of this schema."""
        if profile.fingerprint != self.schema.fingerprint:
            return False
        if not self.schema.read(profile.document or {}).misfits:
            return True
        history = self.driver.read(recalls.history, user_id)
        undone = {number for revision in history for number in revision.undoes}
        return any(
            (one.by, one.prompt) == (_BY, self.schema.fingerprint) and one.number not in undone
            for one in history
        )

    def _carry(self, user_id: str, mapping: Mapping[str, str], *, every: bool) -> None:
        """Let tombstones count under the new names.

        Where a function puts values is not known: what was erased of a field that is gone does not
        come back in any field, from words of before.
        """
        moves: dict[str, list[str]] = {old: [new] for old, new in mapping.items()}
        if every:
            erased = self.driver.read(schemas.erased_fields, user_id)
            gone = erased - self.schema.fields.keys() - self.schema.old_names.keys() - {EVERYTHING}
            moves = {old: [*self.schema.fields] for old in gone}
        if moves:
            self.driver.write(schemas.carry, user_id, moves)

    def _migrated(
        self, user_id: str, profile: Profile, move: Move, *, dry_run: bool
    ) -> Migrated | None:
        """One user; again on the newer profile, if it has moved meanwhile."""
        from usermemory.changes.edit import changed
        from usermemory.store.flows.amend import Amendment

        while True:
            stored = self.schema.read(profile.document or {}).stored
            new = _made(user_id, move, stored)
            reading = self.schema.read(new)
            changes = tuple(changed(stored, reading.stored, self.schema))
            accepted = profile.fingerprint == self.schema.fingerprint
            if not changes and accepted:
                return None
            result = Migrated(user_id, changes, reading.misfits)
            if dry_run:
                return result
            if not changes:
                self.driver.write(
                    schemas.accept, user_id, profile.revision, self.schema.fingerprint
                )
                return result
            history = self.driver.read(recalls.history, user_id)
            kept = tuple(_with_words(one, changes, history, stored) for one in changes)
            stamps = renamed_stamps(self.schema, profile.stamps)
            print_ = self.schema.fingerprint
            made = Amendment(reading.stored, kept, _BY, print_, stamps=stamps, prompt=print_)
            answer = self.driver.write(amends.amend, user_id, profile, made)
            if isinstance(answer, Revision):
                return replace(result, changes=kept)
            profile = answer


def _made(user_id: str, move: Move, stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a function makes of a user's document."""
    try:
        new = move(deepcopy(dict(stored)))
    except Exception as error:
        told = f"the function raised {type(error).__name__} on the profile of {user_id!r}: {error}"
        raise InvalidInput(f"{told}. Those before are done; mend it and run it again") from error
    if not is_mapping(new):
        raise InvalidInput(
            f"the function made {type(new).__name__} of the profile of {user_id!r}, no document"
        )
    return new


def _moved(document: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The document with values under new names, where these hold none."""
    for old, new in mapping.items():
        if not is_empty(document.get(old)) and is_empty(document.get(new)):
            document[new] = document.pop(old)
    return document


def _with_words(
    change: Applied, every: tuple[Applied, ...], history: list[Revision], stored: Mapping[str, Any]
) -> Applied:
    """A value that moved, with the words it rests on where it stood before."""
    if change.after is None:
        return change
    for other in every:
        if (
            other.before is not None
            and other.before == change.after
            and other.field != change.field
        ):
            words = evidence_of(history, stored, other.field, other.before)
            return replace(change, evidence=tuple(words))
    return change
