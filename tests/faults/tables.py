"""What the tables of a memory hold, whatever database it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from usermemory.clock import SystemClock
from usermemory.store import open_driver
from usermemory.store.copying import everything, users_after
from usermemory.store.postgres.dialect import address_of, in_schema
from usermemory.store.sqlite.connection import dialect


def rows_of(url: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement, in which tables are written ``usermemory.users``."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(dialect(sql)).fetchall()
    address = address_of(url)
    with psycopg.connect(address.conninfo) as server:
        return server.execute(in_schema(sql, address.schema).encode()).fetchall()


def change(url: str, sql: str) -> None:
    """Do something to the tables of a PostgreSQL database, written as for `rows_of`."""
    address = address_of(url)
    with psycopg.connect(address.conninfo) as server:
        server.execute(in_schema(sql, address.schema).encode())


def drop(url: str) -> None:
    """Make room: nothing of the memory is left."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        return
    address = address_of(url)
    with psycopg.connect(address.conninfo) as server:
        server.execute(f'DROP SCHEMA IF EXISTS "{address.schema}" CASCADE'.encode())


def holding(url: str, text: str) -> list[str]:
    """Rows in which a text stands, and for a file also where it stands as bytes."""
    with closing(open_driver(url, SystemClock())) as driver:
        users = driver.read(users_after, "", 1_000)
        found = [user_id for user_id in users if text in everything(driver, user_id)]
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        files = path.parent.glob(f"{path.name}*")
        found += [file.name for file in files if text.encode() in file.read_bytes()]
    return found
