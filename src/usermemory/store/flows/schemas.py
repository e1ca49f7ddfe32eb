"""Profiles that were learned with another schema: looked at, and taken over."""

from __future__ import annotations

import json
from collections.abc import Iterable

from usermemory.store.driver import Flow
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


def buried_fields() -> Flow[list[str]]:
    """The fields of which something was erased, of anybody."""
    rows = yield "buried_fields", {}
    return [row["field"] for row in rows]


def carry(moves: Iterable[tuple[str, str]]) -> Flow[None]:
    """See that what was erased of one field does not come back in another, for every user."""
    for old, new in moves:
        yield "carry_tombstones", {"old": old, "new": new}
