"""Today's schema and what is stored: how much fits, and taking it over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from usermemory.errors import InvalidInput
from usermemory.memory.core import Core
from usermemory.records import MIGRATION, Migrated, Migration, Revision, SchemaCheck
from usermemory.schema.document import dropped
from usermemory.schema.lineage import renamed_history
from usermemory.store.flows import amend as amends
from usermemory.store.flows import recall as recalls
from usermemory.store.flows import schemas

if TYPE_CHECKING:
    from usermemory.memory.migrating import Move, Task
    from usermemory.records import Applied
    from usermemory.schema.lineage import State
    from usermemory.store.flows.profile import Profile

_PAGE = 200


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
        everyone: bool = False,
        dry_run: bool = True,
        done: Callable[[Migrated], None] | None = None,
    ) -> Migration:
        """Take over what another schema has stored, user by user.

        Each user is one transaction and one revision by ``migration``, which `undo` takes back:
        stopped in the middle, it goes on where it was when it is called again. A value that moves
        keeps the words it rests on. What does not fit afterwards stays a misfit, and no longer
        keeps workers with this schema from reading.

        Args:
            mapping: Fields to move, old name to new; where the new one holds a value, it stays.
                History, dates and erasures of the old name belong to the new one from then on.
            function: Makes of a stored document one of today's schema, instead of a mapping. What
                it leaves out is emptied. It is applied once to each user, and to nobody who was
                begun under today's schema. One of another name goes on where it stopped, if it did
                not reach everybody; else it is a migration of its own.
            everyone: Apply the function to users too who were begun under today's schema.
            dry_run: Only say what it would do.
            done: Called after each user, for progress.

        Returns:
            The users whose profile was, or would be, changed or accepted; ``skipped`` says how many
            the function passes over.

        Raises:
            InvalidInput: The mapping names a field that the schema has not, or that nobody ever
                had; or the function fails, or makes something else than a document: the text names
                the user, and those before stay migrated.
        """
        task = self._task(mapping or {}, function, everyone=everyone)
        if not dry_run:
            self._carry_erasures(task)
        found = Migration()
        for user_id, profile in self._stored():
            if not self._is_wanted(user_id, profile, task, dry_run=dry_run):
                found.skipped += 1
            elif one := self._migrated(user_id, profile, task, dry_run=dry_run):
                found.append(one)
                if done:
                    done(one)
        return found

    async def amigrate_schema(
        self,
        mapping: Mapping[str, str] | None = None,
        function: Move | None = None,
        *,
        everyone: bool = False,
        dry_run: bool = True,
        done: Callable[[Migrated], None] | None = None,
    ) -> Migration:
        """As `migrate_schema`."""
        call = partial(self.migrate_schema, everyone=everyone, dry_run=dry_run, done=done)
        return await asyncio.to_thread(call, mapping, function)

    def _stored(self) -> Iterator[tuple[str, Profile]]:
        after = ""
        while page := self.driver.read(schemas.stored, after, _PAGE):
            yield from page
            after = page[-1][0]

    def _task(self, mapping: Mapping[str, str], function: Move | None, *, everyone: bool) -> Task:
        from usermemory.memory.migrating import Task

        if mapping and function is not None:
            raise InvalidInput("a migration goes by a mapping or by a function, not by both")
        for new in mapping.values():
            if new not in self.schema.fields:
                known = ", ".join(self.schema.fields)
                raise InvalidInput(f"{new!r} is no field of {self.schema.name}; it has {known}")
        self._check_old_names(mapping)
        return Task(self.schema, mapping, function, everyone)

    def _check_old_names(self, mapping: Mapping[str, str]) -> None:
        """See that each old name was ever one: in a document, a history, an erasure, the schema."""
        known = {*self.schema.fields, *self.schema.old_names}
        known.update(self.driver.read(schemas.buried_fields))
        seen: set[str] = set()
        for names in self._names():
            if known.issuperset(mapping):
                return
            known |= names
            seen |= names
        if wrong := sorted(mapping.keys() - known) if seen else []:
            near = get_close_matches(wrong[0], sorted(seen), n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(sorted(seen))}"
            raise InvalidInput(f"nobody has, or ever had, a field {wrong[0]!r}: {meant}")

    def _names(self) -> Iterator[set[str]]:
        """The fields that users have, profile by profile; then those of their histories."""
        for _, profile in self._stored():
            yield set(profile.document or {})
        for user_id, _ in self._stored():
            changes = [change for one in self._history(user_id) for change in one.changes]
            yield {change.field for change in changes}

    def _carry_erasures(self, task: Task) -> None:
        """See that nothing that was erased comes back under another name.

        A function does not say where values go: what was erased of a field that the schema has no
        more is not learned again in any.
        """
        moves = list(task.mapping.items())
        if task.function is not None:
            buried = set(self.driver.read(schemas.buried_fields))
            gone = buried - self.schema.fields.keys() - self.schema.old_names.keys()
            moves = list(product(sorted(gone), self.schema.fields))
        if moves:
            self.driver.write(schemas.carry, moves)

    def _is_wanted(self, user_id: str, profile: Profile, task: Task, *, dry_run: bool) -> bool:
        """Whether a migration takes a user.

        Whom another function has brought to today's schema is done, as long as that one has not
        reached everybody: this one goes on for it, and that is noted.
        """
        state = self._state(user_id, task)
        if state == "behind":
            task.some_behind = True
        if state == "another" and task.some_behind is None:
            users = (one for one, _ in self._stored())
            task.some_behind = any(self._state(one, task) == "behind" for one in users)
        if state != "another" or not task.some_behind:
            return state in {"behind", "another"}
        while not dry_run:
            stored = self.schema.read(profile.document or {}).stored
            answer = self._noted(user_id, profile, task, stored, ())
            if isinstance(answer, Revision):
                break
            profile = answer
        return False

    def _state(self, user_id: str, task: Task) -> State:
        return task.state(self._history(user_id) if task.function else ())

    def _migrated(
        self, user_id: str, profile: Profile, task: Task, *, dry_run: bool
    ) -> Migrated | None:
        """One user; again on the newer profile, if it has moved meanwhile; None if all is done."""
        from usermemory.changes.edit import changed
        from usermemory.memory.migrating import with_words

        while True:
            history = self._history(user_id) if task.mapping else []
            stored = self.schema.read(profile.document or {}).stored
            reading = self.schema.read(task.made(user_id, stored))
            changes = tuple(changed(stored, reading.stored, self.schema))
            if not changes and task.is_told(history, profile):
                return None
            result = Migrated(user_id, changes, reading.misfits)
            if dry_run:
                return result
            past = renamed_history(self.schema, history or self._history(user_id))
            kept = with_words(changes, past, stored)
            answer = self._noted(user_id, profile, task, reading.stored, kept)
            if isinstance(answer, Revision):
                return replace(result, changes=kept)
            profile = answer

    def _noted(
        self,
        user_id: str,
        profile: Profile,
        task: Task,
        document: Mapping[str, Any],
        changes: tuple[Applied, ...],
    ) -> Revision | Profile:
        """Write what a migration made of a user, if the profile is still the one it was made of."""
        from usermemory.store.flows.amend import Amendment

        made = Amendment(
            document,
            changes,
            MIGRATION,
            self.schema.fingerprint,
            model=task.name,
            stamps=task.stamps(profile.stamps),
        )
        return self.driver.write(amends.amend, user_id, profile, made)

    def _history(self, user_id: str) -> list[Revision]:
        return self.driver.read(recalls.whole, user_id)[1]
