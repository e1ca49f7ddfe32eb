"""Which threads a checkpointer holds, the one that rested longest first."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver

from usermemory.store.elsewhere import THREADS


def thread_ids(saver: BaseCheckpointSaver[Any]) -> list[str]:
    """All threads of a sync checkpointer, without loading what is in them where that can be.

    Args:
        saver: LangGraph's for SQLite or PostgreSQL is asked in one statement; of any other every
            state of every thread is read.
    """
    if isinstance(saver, SqliteSaver):
        with saver.cursor(transaction=False) as cursor:
            return [str(row[0]) for row in cursor.execute(THREADS)]
    if any(
        base.__module__.startswith("langgraph.checkpoint.postgres") for base in type(saver).mro()
    ):
        from usermemory.langgraph.threads.postgres import rows

        return [str(row[0]) for row in rows(saver, THREADS)]
    newest: dict[str, str] = {}
    for found in saver.list(None):
        configurable = found.config.get("configurable", {})
        if not configurable.get("checkpoint_ns"):
            thread_id = str(configurable["thread_id"])
            newest[thread_id] = max(newest.get(thread_id, ""), found.checkpoint["id"])
    return sorted(newest, key=lambda thread_id: (newest[thread_id], thread_id))
