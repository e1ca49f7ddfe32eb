"""Checkpointers and stores in databases of their own, opened to be read."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.base import BaseStore
from langgraph.store.sqlite import SqliteStore

from usermemory.errors import ConfigurationError
from usermemory.store.elsewhere import file_of, opened


@contextmanager
def saver_in(url: str) -> Generator[BaseCheckpointSaver[Any]]:
    """The checkpointer in this database.

    Args:
        url: A path, ``sqlite:///…`` or ``postgresql://…``.

    Raises:
        StoreError: There is none, or it cannot be read.
        ConfigurationError: A package is missing, or the URL cannot be read.
    """
    path = file_of(url)
    if path is None:
        with _postgres().saver_at(url) as saver:
            yield saver
        return
    with opened(path, "checkpoints", "thread_id", "checkpoint_ns") as connection:
        yield SqliteSaver(connection)


@contextmanager
def store_in(url: str) -> Generator[BaseStore]:
    """The LangGraph store in this database; arguments and errors as for `saver_in`."""
    path = file_of(url)
    if path is None:
        with _postgres().store_at(url) as store:
            yield store
        return
    with opened(path, "store", "prefix", "key", "value") as connection:
        connection.isolation_level = None  # as the store expects it: it begins by itself
        yield SqliteStore(connection)


def _postgres() -> Any:
    try:
        from usermemory.langgraph.threads import postgres
    except ImportError as error:
        raise ConfigurationError(
            f"PostgreSQL needs a package that is missing ({error}): pip install "
            "'usermemory[postgres]'"
        ) from error
    return postgres
