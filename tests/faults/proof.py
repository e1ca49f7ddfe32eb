"""Every message was read exactly once, by one worker at a time, and nothing hangs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection

from tests.faults.tables import rows_of


def proof(url: str, facts: Collection[str]) -> list[str]:
    """What is wrong with a database in which all is said and read; nothing, if all is well.

    Args:
        url: The database.
        facts: What the users said they like, each once.
    """
    wrong = read_more_than_once(url)
    twice = rows_of(
        url,
        "SELECT user_id, thread_id, message_id, COUNT(*) FROM usermemory.inbox "
        "WHERE message_id IS NOT NULL AND part = 0 GROUP BY 1, 2, 3 HAVING COUNT(*) > 1",
    )
    wrong += [f"stored twice: {row}" for row in twice]
    if rows_of(url, "SELECT 1 FROM usermemory.inbox WHERE state = 'unread'"):
        wrong.append("something is still unread")
    if rows_of(url, "SELECT 1 FROM usermemory.users WHERE lease_by <> ''"):
        wrong.append("a lease is still held")
    if rows_of(url, "SELECT 1 FROM usermemory.threads WHERE unread > 0 OR due_at IS NOT NULL"):
        wrong.append("a thread still waits, with nothing to read")
    if rows_of(url, "SELECT 1 FROM usermemory.users WHERE next_due IS NOT NULL"):
        wrong.append("a user is still in the queue, with nothing to do")
    return wrong + _chain(url, facts)


def read_more_than_once(url: str) -> list[str]:
    """Messages that more than one committed consolidation has read."""
    batches = rows_of(
        url,
        "SELECT user_id, thread_id, seqs FROM usermemory.consolidations WHERE outcome <> 'failed'",
    )
    read = Counter(
        (user_id, thread_id, seq)
        for user_id, thread_id, seqs in batches
        for seq in json.loads(seqs)
    )
    return [f"read {count} times: {key}" for key, count in read.items() if count > 1]


def _chain(url: str, facts: Collection[str]) -> list[str]:
    """Revisions without a gap or a fork, whose changes add up to the profile."""
    wrong: list[str] = []
    learned: list[str] = []
    revisions = rows_of(
        url,
        "SELECT user_id, revision, token, changes FROM usermemory.revisions "
        "ORDER BY user_id, revision",
    )
    profiles = rows_of(url, "SELECT user_id, revision, document FROM usermemory.profiles")
    for user_id, revision, document in profiles:
        rows = [row[1:] for row in revisions if row[0] == user_id]
        if [row[0] for row in rows] != list(range(1, revision + 1)):
            wrong.append(f"revisions of {user_id}: {[row[0] for row in rows]}")
        tokens = [row[1] for row in rows]
        if tokens != sorted(set(tokens)):
            wrong.append(f"two workers on {user_id}: tokens {tokens}")
        added = [change["after"] for row in rows for change in json.loads(row[2])]
        if added != json.loads(document)["interests"]:
            wrong.append(f"{user_id}: {added} do not add up to {document}")
        learned += added
    if sorted(learned) != sorted(facts):
        wrong.append(f"learned {sorted(learned)}, said {sorted(facts)}")
    return wrong
