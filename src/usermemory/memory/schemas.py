"""Today's schema and what is stored: how much fits, and taking it over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

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
        done: Callable[[Migrated], None] | None = None,
    ) -> list[Migrated]:
        """Take over what another schema has stored, user by user.

        Each user is one transaction: stopped in the middle, it goes on where it was when it is
        called again. What changes is a revision by ``migration``, which `undo` takes back; a value
        that moves keeps the words it rests on. What does not fit afterwards stays a misfit, and no
        longer keeps workers with this schema from reading.

        Args:
            mapping: Fields to move, old name to new; where the new one holds a value, it stays.
            function: Makes of a stored document one of today's schema, instead of a mapping. What
                it leaves out is emptied.
            dry_run: Only say what it would do.
            done: Called after each user, for progress.

        Returns:
            The users whose profile was, or would be, changed or accepted.

        Raises:
            InvalidInput: The mapping names a field that the schema has not, or the function made
                something else than a document.
        """
        moved = function or partial(_moved, mapping=self._checked(mapping or {}))
        found: list[Migrated] = []
        for user_id, profile in self._stored():
            one = self._migrated(user_id, profile, moved, dry_run=dry_run)
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
        done: Callable[[Migrated], None] | None = None,
    ) -> list[Migrated]:
        """As `migrate_schema`."""
        call = partial(self.migrate_schema, dry_run=dry_run, done=done)
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
        return mapping

    def _migrated(
        self, user_id: str, profile: Profile, move: Move, *, dry_run: bool
    ) -> Migrated | None:
        """One user; again on the newer profile, if it has moved meanwhile."""
        from usermemory.changes.edit import changed
        from usermemory.store.flows.amend import Amendment

        while True:
            stored = self.schema.read(profile.document or {}).stored
            new = move(dict(stored))
            if not is_mapping(new):
                raise InvalidInput(f"the function made {type(new).__name__}, no document")
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
            made = Amendment(reading.stored, kept, _BY, self.schema.fingerprint, stamps=stamps)
            answer = self.driver.write(amends.amend, user_id, profile, made)
            if isinstance(answer, Revision):
                return replace(result, changes=kept)
            profile = answer


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
