"""Carrying a user elsewhere, and proving that something is gone."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from usermemory.errors import InvalidInput
from usermemory.memory.core import Core, Id, checked_user
from usermemory.records import Imported, Proof
from usermemory.store.flows.amend import profile
from usermemory.store.flows.cleaning import newest_erasure
from usermemory.words import leaves


class CarryVerbs(Core):
    """Export, import and verify_erased."""

    def export(self, user_id: Id, *, for_user: bool = False) -> dict[str, Any]:
        """All that is kept of a user as one JSON document.

        Profile, history with quotes, messages that wait to be read and marks of those that were,
        what was erased (hashed), and the profile's schema. It holds the secret that the hashes
        are keyed with: keep it as confidential as the conversations.

        Args:
            user_id: Whose.
            for_user: For the user to read, and not to be imported: no secrets, no counters, no
                hashes, times in ISO 8601; see `usermemory.carry.document`.

        Returns:
            A document as ``usermemory/carry/format.json`` describes it.

        Raises:
            InvalidInput: Nobody knows this user.
        """
        from usermemory.carry import readable, take_out

        user_id = checked_user(user_id)
        now = self.clock.now()
        found = self.driver.read(take_out, user_id, self.schema.json_schema, now)
        if found is None:
            raise InvalidInput(f"nothing is kept of user {user_id!r}")
        return readable(found) if for_user else found

    async def aexport(self, user_id: Id, *, for_user: bool = False) -> dict[str, Any]:
        """As `export`."""
        return await asyncio.to_thread(partial(self.export, user_id, for_user=for_user))

    def import_(self, user_id: Id, data: Any) -> Imported:
        """Put an exported user into this memory; the same again changes nothing.

        Pending messages come along and are read here. The plain twin of `aimport` has a trailing
        underscore, since ``import`` is a word of the language.

        Args:
            user_id: Under which id; it need not be the one of the export.
            data: What `export` gave.

        Raises:
            InvalidInput: It is no export, or of a later version; says where.
            Conflict: This memory knows of the user what the export does not.
            StoreBusy: A worker is at work on the user.
        """
        from usermemory.carry import put_in

        user_id = checked_user(user_id)
        written = self.driver.write(put_in, user_id, data)
        document: dict[str, Any] = data["profile"]["document"] if data["profile"] else {}
        misfits = self.schema.read(document).misfits
        return Imported(written, tuple(dict.fromkeys(one.field for one in misfits)))

    async def aimport(self, user_id: Id, data: Any) -> Imported:
        """As `import_`."""
        return await asyncio.to_thread(self.import_, user_id, data)

    def verify_erased(self, user_id: Id, text: str) -> Proof:
        """Look for a text in every table and file: the proof that it is erased.

        Whatever the case, and escaped as JSON too. Words are told from parts of words, and from
        what other items of the profile say more of ("tennis" in "table tennis"): that is kept, and
        counted as such. Rows of other users are told apart; a file's bytes can't be. On
        PostgreSQL the server's files, log and backups are out of reach.

        Args:
            user_id: Whose text it was.
            text: What was erased; at least two characters.
        """
        if len(text.strip()) < 2:
            raise InvalidInput(f"{text!r} is too short to look for: it would be found everywhere")
        user_id = checked_user(user_id)
        held = self.driver.read(profile, user_id).document or {}
        spared = [leaf for leaf in leaves([*held.values()]) if isinstance(leaf, str)]
        places = self.driver.search(user_id, text.strip(), spared)
        return Proof(tuple(places), self.driver.read(newest_erasure) is not None)

    async def averify_erased(self, user_id: Id, text: str) -> Proof:
        """As `verify_erased`."""
        return await asyncio.to_thread(self.verify_erased, user_id, text)
