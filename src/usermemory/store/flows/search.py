"""What a search looks through."""

from __future__ import annotations

from collections.abc import Sequence

from usermemory.records import Revision
from usermemory.store.driver import Flow, Row
from usermemory.store.flows.profile import Profile
from usermemory.store.flows.recall import whole


def everything_said(user_id: str) -> Flow[tuple[Profile, list[Revision], Sequence[Row]]]:
    """A user's profile, all of its revisions, and the messages whose text is kept."""
    profile, history = yield from whole(user_id)
    return profile, history, (yield "kept_messages", {"user_id": user_id})
