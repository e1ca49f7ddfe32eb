"""Take a user out of a database, and put them into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from usermemory.carry.document import document_of, rows_from
from usermemory.errors import Conflict, StoreBusy
from usermemory.store.copying import is_foreign
from usermemory.store.driver import Flow
from usermemory.store.flows.common import lock_user
from usermemory.store.flows.copying import Rows, put, rows_of


def take_out(user_id: str, schema: Mapping[str, Any], at: float) -> Flow[dict[str, Any] | None]:
    """The whole of a user as one JSON document; None for a user nobody knows."""
    rows = (yield from rows_of([user_id])).get(user_id)
    return document_of(user_id, rows, schema, at) if rows else None


def put_in(user_id: str, document: Any) -> Flow[bool]:
    """Store an exported user; False if all of it is there already.

    Raises:
        InvalidInput: The document is no export.
        Conflict: The user is known here from elsewhere, or has moved on since the export.
        StoreBusy: A worker is at work on the user.
    """
    given = rows_from(document, user_id)
    there: Rows = (yield from rows_of([user_id])).get(user_id, frozenset())
    if there == given:
        return False
    if there:
        if is_foreign(there, given):
            raise Conflict(
                f"this database knows of user {user_id!r} what the export does not: it is of "
                "another origin, or was used since; forget the user here first, or choose "
                "another id"
            )
        user = yield from lock_user(user_id)
        if user.lease_until > user.now:
            raise StoreBusy(f"a worker is reading a thread of {user_id!r}; try again")
    yield from put({user_id: given})
    return True
