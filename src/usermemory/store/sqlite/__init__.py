"""SQLite: the database of one machine."""

from usermemory.store.sqlite.database import SQLite

__all__ = ["SQLite"]
