"""What people look at: where the profile comes from."""

from __future__ import annotations

from typing import Any

from usermemory.memory.chat import ChatVerbs
from usermemory.memory.core import checked_user
from usermemory.records import Evidence, Revision
from usermemory.store.flows import recall as recalls
from usermemory.why import evidence_of


class LookVerbs(ChatVerbs):
    """History and why."""

    def history(self, user_id: str) -> list[Revision]:
        """What changed the profile, the newest first."""
        return self.driver.read(recalls.history, checked_user(user_id))

    async def ahistory(self, user_id: str) -> list[Revision]:
        """As `history`."""
        return await self.driver.aread(recalls.history, checked_user(user_id))

    def why(self, user_id: str, field: str, value: Any = None) -> list[Evidence]:
        """The user's words that a field, or one value of it, rests on; the newest first.

        Args:
            user_id: Whose profile.
            field: The field's name, or a JSON pointer such as ``/interests/0``.
            value: The item of a list or the key of a map; None for the whole field.
        """
        document = self.recall(user_id).document
        return evidence_of(self.history(user_id), document, field, value)

    async def awhy(self, user_id: str, field: str, value: Any = None) -> list[Evidence]:
        """As `why`."""
        document = (await self.arecall(user_id)).document
        return evidence_of(await self.ahistory(user_id), document, field, value)
