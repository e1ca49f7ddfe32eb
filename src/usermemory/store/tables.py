"""The tables of a memory, and the statements that carry whole users from one to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from usermemory.store.driver import migrations

_TABLE = re.compile(r"^CREATE TABLE usermemory\.(\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    ([a-z_]+) ", re.MULTILINE)
_ADDED = re.compile(r"^ALTER TABLE usermemory\.(\w+) ADD COLUMN (\w+)", re.MULTILINE)

_LEFT_BEHIND = {"lease_until", "lease_by", "next_due"}
"""Who works on a user is true of one database only; who is next is worked out anew."""

_OVERVIEW = """SELECT COUNT(*) AS users,
    MAX(CASE WHEN lease_until > :now THEN lease_by END) AS worker
FROM usermemory.users"""

_USERS = """SELECT user_id FROM usermemory.users WHERE user_id > :after
ORDER BY user_id LIMIT :count"""


@cache
def tables() -> Mapping[str, tuple[str, ...]]:
    """The tables that are kept by user, each with the columns that a copy takes along."""
    found: dict[str, list[str]] = {}
    for _, script in migrations():
        for table, body in _TABLE.findall(script):
            found[table] = _COLUMN.findall(body)
        for table, column in _ADDED.findall(script):
            found[table].append(column)
    return {
        table: tuple(column for column in columns if column not in _LEFT_BEHIND)
        for table, columns in found.items()
    }


@cache
def copy_statements() -> Mapping[str, str]:
    """The statements of a copy by name, written as those of ``queries.sql``."""
    made = {"copy_overview": _OVERVIEW, "copy_users": _USERS}
    for table, columns in tables().items():
        names = ", ".join(columns)
        values = ", ".join(f":{column}" for column in columns)
        these = f"usermemory.{table} WHERE user_id IN {{texts ids}}"
        made[f"copy_read_{table}"] = f"SELECT {names} FROM {these}"  # noqa: S608 - names of ours
        made[f"copy_clear_{table}"] = f"DELETE FROM {these}"  # noqa: S608 - names of ours
        made[f"copy_put_{table}"] = f"INSERT INTO usermemory.{table} ({names}) VALUES ({values})"  # noqa: S608 - names of ours
    return made
