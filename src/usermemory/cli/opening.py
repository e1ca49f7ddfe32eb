"""From what a person typed to an open memory."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from usermemory.memory import UserMemory


def opened(
    db: str, schema: str | None = None, model: Any = "offline", **settings: Any
) -> UserMemory:
    """A memory, connected, so that a database that cannot serve is told at once.

    Args:
        db: A path or a URL.
        schema: ``module:Name``; None for `UserProfile`.
        model: As for `UserMemory`; commands that only look or write nothing new never ask it.
        settings: The rest of `UserMemory`'s arguments.

    Raises:
        ConfigurationError: The URL, the schema or the model cannot work.
        StoreError: The database cannot serve.
    """
    from usermemory import UserMemory, UserProfile

    source = UserProfile if schema is None else named(schema)
    return UserMemory(db, source, model, **settings).open()


def existing(db: str, schema: str | None = None, model: Any = "offline") -> UserMemory:
    """A memory that somebody has made before, without a worker: for looking and managing.

    Raises:
        StoreError: There is none, or it cannot serve.
    """
    require_file(db)
    return opened(db, schema, model, worker=False)


@contextmanager
def opened_or_scratch(
    db: str, schema: str | None = None, *, scratch: bool
) -> Generator[UserMemory]:
    """A memory without a worker, made if there is none, unless it is only to be tried.

    Args:
        db: A path or a URL.
        schema: ``module:Name``; None for `UserProfile`.
        scratch: Instead of making a file that is not there, use one that is gone afterwards.
    """
    with TemporaryDirectory() as folder:
        if scratch and not _is_there(db):
            db = f"sqlite:///{folder}/empty.db"
        with opened(db, schema, worker=False) as memory:
            yield memory


def require_file(db: str) -> None:
    """See that a database that is a file is there: opening would make an empty one.

    Raises:
        StoreError: It is not.
    """
    if not _is_there(db):
        raise StoreError(
            f"there is no database at {_path(db)}; name yours with --db or USERMEMORY_DB "
            "(usermemory chat makes one)"
        )


def _is_there(db: str) -> bool:
    return "://" in str(db).removeprefix("sqlite://") or _path(db).exists()


def _path(db: str) -> Path:
    return Path(db.removeprefix("sqlite:///")).expanduser()


def named(name: str) -> Any:
    """The object that ``module:Name`` names; modules of the current folder are found too.

    Raises:
        ConfigurationError: There is no such thing.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ConfigurationError(f"schema {name!r}: write it as module:Name")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"schema {name!r} cannot be loaded: {error}") from error
