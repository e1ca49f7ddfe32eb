"""Read whole users from one database, write them to another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.tables import tables

Rows = frozenset[tuple[str, str]]
"""All rows of a user, each as its table and its JSON: equal users have equal sets."""


def overview() -> Flow[tuple[int, str]]:
    """How many users there are, and a worker that holds a lease, if one does."""
    row = (yield "copy_overview", {})[0]
    return row["users"], row["worker"] or ""


def users_after(user_id: str, limit: int) -> Flow[list[str]]:
    """Ids of users in the database's own order, after the one given."""
    rows = yield "copy_users", {"after": user_id, "count": limit}
    return [row["user_id"] for row in rows]


def rows_of(user_ids: Sequence[str]) -> Flow[dict[str, Rows]]:
    """Everything that is stored of these users; nothing for those whom nobody knows."""
    found: dict[str, set[tuple[str, str]]] = {}
    for table in tables():
        for row in (yield f"copy_read_{table}", {"ids": codec.dumps(user_ids)}):
            found.setdefault(row["user_id"], set()).add((table, codec.dumps(dict(row))))
    return {user_id: frozenset(rows) for user_id, rows in found.items()}


def put(users: Mapping[str, Rows]) -> Flow[None]:
    """Store these users instead of what was known of them; nobody holds their leases."""
    for table in tables():
        yield f"copy_clear_{table}", {"ids": codec.dumps(list(users))}
    for user_id, rows in users.items():
        for table, row in rows:
            yield f"copy_put_{table}", json.loads(row)
        yield "refresh_user", {"user_id": user_id}
