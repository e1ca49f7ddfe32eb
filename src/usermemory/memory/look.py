"""What people look at: where the profile comes from."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from usermemory.errors import InvalidInput
from usermemory.memory.chat import ChatVerbs
from usermemory.memory.core import Id, checked_user
from usermemory.records import Evidence, Misfit, Refused, Revision, Snapshot
from usermemory.schema.lineage import renamed_history
from usermemory.schema.renames import renamed_revision
from usermemory.store.flows import amend as amends
from usermemory.store.flows import recall as recalls
from usermemory.store.flows.profile import Profile
from usermemory.store.flows.refused import refused as listing
from usermemory.why import about, evidence_of


class LookVerbs(ChatVerbs):
    """History, why, misfits, refused and snapshot."""

    def history(self, user_id: Id, field: str | None = None) -> list[Revision]:
        """What changed the profile, the newest first.

        Args:
            user_id: Whose.
            field: Only changes of this field, and the revisions that have any.
        """
        found = self.driver.read(recalls.history, checked_user(user_id))
        return about(self._renamed(found), field)

    async def ahistory(self, user_id: Id, field: str | None = None) -> list[Revision]:
        """As `history`."""
        found = await self.driver.aread(recalls.history, checked_user(user_id))
        return about(self._renamed(found), field)

    def misfits(self, user_id: Id) -> list[Misfit]:
        """What is stored of a user and today's schema does not take, item by item.

        It is kept as it is, with its history, until somebody edits, moves or erases it; it counts
        again as soon as a schema takes it.

        Args:
            user_id: Whose profile.
        """
        found = self.driver.read(amends.profile, checked_user(user_id))
        return list(self.schema.read(found.document or {}).misfits)

    async def amisfits(self, user_id: Id) -> list[Misfit]:
        """As `misfits`."""
        found = await self.driver.aread(amends.profile, checked_user(user_id))
        return list(self.schema.read(found.document or {}).misfits)

    def why(self, user_id: Id, field: str, value: Any = None) -> list[Evidence]:
        """The user's words that a field, a misfit too, or one value of it rests on; newest first.

        Args:
            user_id: Whose profile.
            field: The field's name, or a JSON pointer such as ``/interests/0``.
            value: The item of a list or the key of a map; None for the whole field.

        Raises:
            InvalidInput: The schema has no such field, or the pointer leads nowhere.
        """
        document = self._document(user_id)
        self._check_field(field, document)
        return evidence_of(self.history(user_id), document, field, value)

    async def awhy(self, user_id: Id, field: str, value: Any = None) -> list[Evidence]:
        """As `why`."""
        document = await self._adocument(user_id)
        self._check_field(field, document)
        return evidence_of(await self.ahistory(user_id), document, field, value)

    def refused(self, user_id: Id, field: str | None = None, limit: int = 100) -> list[Refused]:
        """What was proposed for the profile and not made, each with its reason; the newest first.

        By the background job, and by `propose` and tools. ``reason == "duplicate"`` only says that
        it was known already. Value and quote are left out where the words may not be the user's.
        What is kept is bounded: 50 of one batch (the last says how many more there were), and of
        the newest 200 batches.

        Args:
            user_id: Whose profile.
            field: Only what was proposed for this field; it need not be one of the schema.
            limit: How many at most, 1 or more.
        """
        return self.driver.read(listing, checked_user(user_id), field, max(1, limit))

    async def arefused(
        self, user_id: Id, field: str | None = None, limit: int = 100
    ) -> list[Refused]:
        """As `refused`."""
        return await self.driver.aread(listing, checked_user(user_id), field, max(1, limit))

    def _check_field(self, field: str, document: Mapping[str, Any]) -> None:
        if not field.startswith("/") and field not in {*self.schema.fields, *document}:
            known = ", ".join(self.schema.fields)
            near = get_close_matches(field, [*self.schema.fields, *document], n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise InvalidInput(f"the profile has no field {field!r}{meant}; it has {known}")

    def snapshot(self, user_id: Id, revision: int | None = None) -> Snapshot:
        """The profile as a revision left it: what has changed it since is taken back, by value.

        Args:
            user_id: Whose.
            revision: Which; 0 for before anything was learned, None for as it is now.

        Raises:
            InvalidInput: There is no such revision, or all of that time has been erased.
        """
        profile, history = self.driver.read(recalls.whole, checked_user(user_id))
        return self._snapshot(profile, history, revision)

    async def asnapshot(self, user_id: Id, revision: int | None = None) -> Snapshot:
        """As `snapshot`."""
        profile, history = await self.driver.aread(recalls.whole, checked_user(user_id))
        return self._snapshot(profile, history, revision)

    def _snapshot(
        self, profile: Profile, history: list[Revision], revision: int | None
    ) -> Snapshot:
        from usermemory.snapshot import snapshot

        wanted = profile.revision if revision is None else revision
        past = [renamed_revision(self.schema, one) for one in history]
        return snapshot(profile.document or {}, profile.revision, past, wanted, self.schema)

    def _renamed(self, history: list[Revision]) -> list[Revision]:
        return renamed_history(self.schema, history)
