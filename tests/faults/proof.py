"""Every message was read exactly once, by one worker at a time, and nothing hangs."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from pathlib import Path


def proof(path: Path, facts: Collection[str]) -> list[str]:
    """What is wrong with a database in which all is said and read; nothing, if all is well.

    Args:
        path: The file.
        facts: What the users said they like, each once.
    """
    wrong: list[str] = []
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT user_id, thread_id, seqs, outcome FROM usermemory_consolidations"
        ).fetchall()
        read = Counter(
            (user_id, thread_id, seq)
            for user_id, thread_id, seqs, outcome in rows
            if outcome != "failed"
            for seq in json.loads(seqs)
        )
        wrong += [f"read {count} times: {key}" for key, count in read.items() if count > 1]
        ids = connection.execute(
            "SELECT user_id, thread_id, message_id, COUNT(*) FROM usermemory_inbox "
            "WHERE message_id IS NOT NULL AND part = 0 GROUP BY 1, 2, 3 HAVING COUNT(*) > 1"
        ).fetchall()
        wrong += [f"stored twice: {row}" for row in ids]
        unread = "SELECT COUNT(*) FROM usermemory_inbox WHERE state = 'unread'"
        if connection.execute(unread).fetchone()[0]:
            wrong.append("something is still unread")
        leased = "SELECT COUNT(*) FROM usermemory_users WHERE lease_by <> ''"
        if connection.execute(leased).fetchone()[0]:
            wrong.append("a lease is still held")
        wrong += _chain(connection, facts)
    return wrong


def _chain(connection: sqlite3.Connection, facts: Collection[str]) -> list[str]:
    """Revisions without a gap or a fork, whose changes add up to the profile."""
    wrong: list[str] = []
    users = connection.execute("SELECT user_id, revision, document FROM usermemory_profiles")
    learned: list[str] = []
    for user_id, revision, document in users.fetchall():
        rows = connection.execute(
            "SELECT revision, token, changes FROM usermemory_revisions "
            "WHERE user_id = ? ORDER BY revision",
            (user_id,),
        ).fetchall()
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
