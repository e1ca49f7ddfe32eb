"""Leave no copy of what was deleted in the file or its log.

``secure_delete`` zeroes what is freed, but an update may leave older copies of a row in pages that
are in use, and the log holds them until it is overwritten.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from usermemory.errors import StoreBusy, StoreFull
from usermemory.store.sqlite.connection import connect, translated


def clean(path: Path, busy_timeout: float) -> bool:
    """Write the file anew and empty its log, on a connection of its own.

    Args:
        path: The file.
        busy_timeout: Seconds to wait for whoever reads or writes.

    Returns:
        False while another connection reads or writes, or there is no room for the file twice:
        then a copy may be left. What was erased is committed, so that is no error.
    """
    try:
        with translated(path), closing(connect(path, busy_timeout)) as connection:
            # Looked at first: to write a large file anew in vain would cost more.
            if not _emptied(connection):
                return False
            connection.execute("VACUUM")
            return _emptied(connection)
    except (StoreBusy, StoreFull):
        return False


def _emptied(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file and cut it to nothing, if nobody else needs it."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
