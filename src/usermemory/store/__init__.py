"""The store: every operation once, as flows, over thin drivers."""

from __future__ import annotations

import re
from pathlib import Path

from usermemory.clock import Clock
from usermemory.errors import ConfigurationError
from usermemory.store.driver import NO_TEXT, Driver
from usermemory.store.sqlite import SQLite

__all__ = ["Driver", "open_driver"]


_NO_NAME = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")
"""What no path holds; other surrogates stand for its bytes that are no UTF-8."""


def open_driver(url: str, clock: Clock) -> Driver:
    """The driver for a database URL, not yet connected.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, a plain path to a file, or
            ``postgresql://…`` as libpq takes it, with ``schema=…`` among its options if need be.
        clock: What time it is; on PostgreSQL the system's own stands for the server's.

    Raises:
        ConfigurationError: If no driver serves this URL, or its package is missing.
    """
    if _NO_NAME.search(url):  # libpq would take what stands before a NUL: another database
        raise ConfigurationError(f"the database's name cannot be read: {NO_TEXT}")
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "sqlite", "/" + url
    if scheme in {"postgresql", "postgres"}:
        return _postgresql(url, clock)
    if scheme != "sqlite":
        raise ConfigurationError(
            f"no driver for {_without_password(url)!r}: use sqlite:///memory.db or postgresql://…"
        )
    path = rest.removeprefix("/")
    if path in {"", ":memory:"} or rest == ":memory:":
        raise ConfigurationError(
            "a memory must outlive its process, and ':memory:' is gone with its connection (the "
            "chat and the worker would not even see the same one); name a file, such as "
            "sqlite:///memory.db, in a temporary folder if need be"
        )
    return SQLite(Path(path), clock)


def _postgresql(url: str, clock: Clock) -> Driver:
    try:
        from usermemory.store.postgres import PostgreSQL
    except ImportError as error:
        raise ConfigurationError(
            f"PostgreSQL needs a package that is missing ({error}): pip install "
            "'usermemory[postgres]'"
        ) from error
    return PostgreSQL(url, clock)


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url)
