"""PostgreSQL: the database of many machines."""

from usermemory.store.postgres.database import PostgreSQL

__all__ = ["PostgreSQL"]
