"""Profiles that were learned with another schema: counted, and taken over."""

from __future__ import annotations

import json

from usermemory.store.driver import Flow
from usermemory.store.flows.common import lock_user
from usermemory.store.flows.profile import Profile


def stored(after: str, limit: int) -> Flow[list[tuple[str, Profile]]]:
    """Users with a profile as it is stored, in the database's own order, after the one given."""
    rows = yield "profiles", {"after": after, "count": limit}
    return [
        (
            row["user_id"],
            Profile(
                json.loads(row["document"]),
                row["revision"],
                json.loads(row["stamps"]),
                row["fingerprint"],
            ),
        )
        for row in rows
    ]


def accept(user_id: str, revision: int, fingerprint: str) -> Flow[None]:
    """Let a profile count as one of this schema, unless it has moved on meanwhile."""
    yield from lock_user(user_id)
    asked = {"user_id": user_id, "revision": revision, "fingerprint": fingerprint}
    yield "accept_schema", asked
