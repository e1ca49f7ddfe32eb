"""Our SQL as PostgreSQL reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from usermemory.store.driver import statements
from usermemory.store.tables import copy_statements

SERVER_TIME = "(SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION))"
"""The server's clock: one for all workers. As a subquery it is read once per statement, after the
row lock where the statement returns it, and an index can be searched with it."""

SOON = 5.0
"""Seconds: who is due within these is worth a notification; later ones a worker finds by itself,
since it looks at least that often."""

_REPLACEMENTS = (
    (r"%", r"%%"),
    (r"\{skip_locked\}", "FOR UPDATE SKIP LOCKED"),
    (
        r"\{numbers (\w+)\}",
        r"(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:\1 AS JSON)))",
    ),
    (r"\{texts (\w+)\}", r"(SELECT value FROM json_array_elements_text(CAST(:\1 AS JSON)))"),
)


def placed(sql: str, schema: str) -> str:
    """The statement with our tables in this schema."""
    return sql.replace("usermemory.", f'"{schema}".')


@cache
def prepared(schema: str, *, server_clock: bool) -> Mapping[str, bytes]:
    """All named statements in PostgreSQL's dialect.

    Args:
        schema: Where the tables are.
        server_clock: Whether ``:now`` is the server's time; else a parameter.
    """
    every = {**statements(), **copy_statements()}
    return {name: _translated(sql, schema, server_clock) for name, sql in every.items()}


def _translated(sql: str, schema: str, server_clock: bool) -> bytes:  # noqa: FBT001 - private
    for pattern, replacement in _REPLACEMENTS:
        sql = re.sub(pattern, replacement, sql)
    notify = (
        rf"RETURNING CASE WHEN \1 < :now + {SOON} THEN pg_notify('{schema}', '') END AS notified"
    )
    sql = re.sub(r"\{notify ([\w.]+)\}", notify, sql)
    if server_clock:
        sql = re.sub(r":now\b", SERVER_TIME, sql)
    return placed(re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql), schema).encode()
