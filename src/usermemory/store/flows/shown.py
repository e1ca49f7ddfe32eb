"""What stood in the prompt of an answer: stored with it, looked up, and taken away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from usermemory.messages.align import stored_id
from usermemory.records import Shown
from usermemory.shown import KnownValues, references
from usermemory.store import codec
from usermemory.store.driver import Flow
from usermemory.store.flows import User, first, load_profile
from usermemory.store.flows.recall import ROWS, history

if TYPE_CHECKING:
    from usermemory.schema import Schema

KEEP_FOR = 90 * 86_400.0
"""Seconds for which it is known what was shown for an answer."""

ANSWERS = 200
"""Of which so many of a user are, the newest."""


def keep_shown(
    key: Mapping[str, str], user: User, answers: Mapping[str, Iterable[Shown]], schema: Schema
) -> Flow[None]:
    """Store what stood in the prompts of answers, within the transaction that stores these.

    Args:
        key: User and thread.
        user: The user, locked.
        answers: What was shown, by the answers' message ids.
        schema: Today's.
    """
    known: KnownValues | None = None
    for message_id, values in answers.items():
        shown = list(values)
        if not shown:
            continue
        items, revision = references(user.salt, shown), shown[0].revision
        if revision != user.revision:
            # While the model was thinking something may have been erased: that leaves no trace.
            known = known or (yield from _known(key["user_id"], user.salt, schema))
            items = known.left(items)
        told = {
            "message_id": stored_id(message_id),
            "revision": revision,
            "items": codec.dumps(items),
        }
        if items:
            yield "add_shown", {**key, **told, "keep_for": KEEP_FOR}
    yield "trim_shown", {"user_id": key["user_id"], "count": ANSWERS}


def shown_for(user_id: str, message_id: str, thread_id: str, schema: Schema) -> Flow[list[Shown]]:
    """What stood in the prompt of an answer, in its order there, without what was erased since."""
    where = {"user_id": user_id, "thread_id": thread_id, "message_id": message_id}
    row = first((yield "shown", where))
    user = first((yield "known_user", {"user_id": user_id}))
    if row is None or user is None:
        return []
    known = yield from _known(user_id, user["salt"], schema)
    return known.resolved(json.loads(row["items"]), row["revision"])


def forget_shown(user_id: str, salt: str, schema: Schema) -> Flow[None]:
    """Take away what is told nowhere any more, after an erasure was written."""
    rows = yield "all_shown", {"user_id": user_id}
    if not rows:
        return
    known = yield from _known(user_id, salt, schema)
    for row in rows:
        items = json.loads(row["items"])
        left = known.left(items)
        answer = {"thread_id": row["thread_id"], "message_id": row["message_id"]}
        if not left:
            yield "drop_shown", {"user_id": user_id, **answer}
        elif left != items:
            yield "rewrite_shown", {"user_id": user_id, **answer, "items": codec.dumps(left)}


def drop_shown(user_id: str, thread_id: str = "", seqs: Sequence[int] | None = None) -> Flow[None]:
    """Forget what was shown: to a user, in a thread of theirs, or for messages of that."""
    if seqs is None:
        yield "drop_shown", {"user_id": user_id, "thread_id": thread_id, "message_id": ""}
    else:
        numbers = codec.dumps(sorted(seqs))
        yield "drop_shown_rows", {"user_id": user_id, "thread_id": thread_id, "seqs": numbers}


def _known(user_id: str, salt: str, schema: Schema) -> Flow[KnownValues]:
    profile = yield from load_profile(user_id)
    past = yield from history(user_id, ROWS)
    return KnownValues(salt, schema, profile.document or {}, past)
