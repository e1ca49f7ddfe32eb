"""The SQLite file: opened the way the promises need it, brought up to date, searched, cleaned."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from usermemory.errors import (
    InvalidInput,
    NotADatabase,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)
from usermemory.records import Place
from usermemory.store.driver import (
    MIGRATIONS_TABLE,
    NO_TEXT,
    T,
    copy_statements,
    missing,
    oldest_code,
    statements,
)
from usermemory.store.erased import Wanted, raw_bytes

PREFIX = "usermemory_"

_IN_A_TURN = 0.6
"""Seconds that a turn of a chat waits for the lock, once."""

_KNOWN_LOCKED = 0.05
"""Seconds that it waits again while the file is known to be locked: a commit is over by then."""

_KNOWN_FOR = 60.0
"""Seconds after which a file is no longer known to be locked."""

_BEGINNING = 120.0
"""Seconds within which processes that start together have all had the lock."""

_LOOKS = 8
"""Looks at a file where nothing moves before it counts as locked: where the processor is short, who
holds the lock gets as little of it as who looks."""

SETTINGS: Mapping[str, str | int] = {
    # Readers and the one writer do not wait for each other.
    "journal_mode": "wal",
    # A commit is on the disk when it returns: FULL, since WAL with NORMAL may lose the last ones.
    "synchronous": 2,
    # What is deleted or overwritten is zeroed in the file.
    "secure_delete": 1,
    # Copying the WAL into the file costs two flushes: once for some hundred commits is enough.
    "wal_autocheckpoint": 4_000,
    # A WAL that grew in a burst gives its room back.
    "journal_size_limit": 16 * 1024 * 1024,
}

_BUSY = "is locked by another process; try again, or find who holds it"

_ERRORS: Sequence[tuple[str, type[StoreError], str]] = (
    ("SQLITE_BUSY", StoreBusy, _BUSY),
    ("SQLITE_LOCKED", StoreBusy, "is locked by another connection"),
    ("SQLITE_FULL", StoreFull, "cannot grow: there is no room on the disk"),
    ("SQLITE_READONLY", StoreReadOnly, "or its folder is read-only; make both writable"),
    ("SQLITE_NOTADB", NotADatabase, "is not an SQLite database; choose another path"),
    ("SQLITE_CORRUPT", NotADatabase, "is damaged; restore it from a backup"),
    ("SQLITE_CANTOPEN", StoreError, "cannot be opened; does its folder exist, and may we use it?"),
)


class sqlite_errors:  # noqa: N801 - used like the context managers of contextlib
    """Turn SQLite's errors into ours, with the file's name and what to do next.

    A class, since the chat's look-up passes here and a generator costs ten times as much.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, UnicodeEncodeError):
            raise InvalidInput(NO_TEXT) from None  # its own text holds what was passed
        if not isinstance(error, sqlite3.Error):
            return
        code = getattr(error, "sqlite_errorname", "") or ""
        if code.startswith("SQLITE_CANTOPEN") and self._path.is_dir():
            raise StoreError(f"the database {self._path} is a folder; name a file in it") from error
        if code.startswith("SQLITE_CANTOPEN") and _no_more_files():
            raise StoreError(
                f"the database {self._path} cannot be opened: too many files are open; "
                "close memories that are not used any more, or keep one for the whole program"
            ) from error
        for prefix, fitting, advice in _ERRORS:
            if code.startswith(prefix):
                raise fitting(f"the database {self._path} {advice} ({error})") from error
        raise StoreError(f"the database {self._path} failed: {error}") from error


def _no_more_files() -> bool:
    """Whether the process may open no more files, which SQLite does not tell apart."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in {errno.EMFILE, errno.ENFILE}
    return False


@cache
def dialect(sql: str) -> str:
    """Our SQL as SQLite reads it."""
    sql = re.sub(r"\{(?:skip_locked|notify [\w.]+)\}", "", sql.replace("usermemory.", PREFIX))
    return re.sub(r"\{(?:numbers|texts) (\w+)\}", r"(SELECT value FROM json_each(:\1))", sql)


@cache
def sqlite_statements() -> Mapping[str, str]:
    """All named statements in SQLite's dialect."""
    every = {**statements(), **copy_statements()}
    return {name: dialect(sql).rstrip(";") for name, sql in every.items()}


def connect(
    path: Path,
    busy_timeout: float,
    *,
    query_only: bool = False,
    kind: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """Open the file with every setting in place.

    Args:
        path: The database file; created if it is not there.
        busy_timeout: Seconds to wait for somebody else's lock.
        query_only: Refuse writes, for readers.
        kind: The class of the connection.

    Raises:
        StoreError: Of the kind that fits.
    """
    with sqlite_errors(path):
        connection = sqlite3.connect(
            path,
            timeout=busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=kind,
        )
        try:
            for name, value in SETTINGS.items():
                connection.execute(f"PRAGMA {name} = {value}").fetchone()
            if query_only:
                connection.execute("PRAGMA query_only = 1")
        except BaseException:
            connection.close()
            raise
        connection.row_factory = sqlite3.Row
        return connection


class Patience:
    """How long to wait for somebody else's lock on the file.

    A turn of a chat comes here several times, and waits in all no longer than once: after one wait
    in vain the file counts as locked, until a lock was had or a minute has passed. Where processes
    begin together, each waits as long as it sees the others get on with it.

    Args:
        path: The file.
        seconds: How long to wait for what is worth waiting for, such as the end of a model's work.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.seconds = seconds
        self._path = path
        self._begins = True
        self._seen = _contents(path)
        self._moved_at = 0.0
        self._looks = 0
        self._locked_at: float | None = None

    def in_a_turn(self) -> float:
        """Seconds that somebody who talks with the bot is kept waiting."""
        locked = self._locked_at is not None and time.monotonic() - self._locked_at < _KNOWN_FOR
        return min(self.seconds, _KNOWN_LOCKED if locked else _IN_A_TURN)

    def is_over(self, since: float, *, in_a_turn: bool = True) -> bool:
        """Whether who waits since then, in seconds of the monotonic clock, has waited enough."""
        now = time.monotonic()
        if self._begins and now - since < _BEGINNING:
            if (contents := _contents(self._path)) != self._seen:
                self._seen, self._moved_at, self._looks = contents, now, 0
            self._looks += 1
            if self._looks < _LOOKS and self._locked_at is None:
                return False
            since = max(since, self._moved_at)
        return now - since >= (self.in_a_turn() if in_a_turn else self.seconds)

    def was_in_vain(self) -> None:
        """The file was locked all the time."""
        self._locked_at = time.monotonic()

    def was_rewarded(self) -> None:
        """The lock was had."""
        self._begins = False
        self._locked_at = None


def _contents(path: Path) -> Sequence[tuple[int, int] | None]:
    """The file's and its log's sizes and times, which change with every commit."""
    return [_size_and_time(f"{path}{log}") for log in ("", "-wal", "-journal")]


def _size_and_time(name: str) -> tuple[int, int] | None:
    try:
        status = os.stat(name)  # noqa: PTH116 - looked at often
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def busy(path: Path) -> StoreBusy:
    """What is raised where the wait was in vain."""
    return StoreBusy(f"the database {path} {_BUSY}")


def patiently(
    statement: Callable[[], T], busy_timeout: float, *, enough: Callable[[], bool] | None = None
) -> T:
    """Run what takes the file's lock, and look often whether it is free.

    SQLite's own wait sleeps for a millisecond, then for longer and longer; a commit of somebody
    else takes a third of one. A turn of a chat met that several times.

    Args:
        statement: Fails at once, without having done anything, while somebody else has the lock.
        busy_timeout: Seconds after which it is an error.
        enough: Asked between two looks, in place of the seconds, whether to give up.
    """
    try:
        return statement()
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

    often = Retrying(
        retry=retry_if_exception(is_busy),
        stop=stop_after_delay(busy_timeout) if enough is None else lambda _: enough(),
        # Who looks a thousand times a second keeps dozens of others from finishing.
        wait=wait_random_exponential(multiplier=0.0001, max=0.05),
        reraise=True,
    )
    return often(statement)


def is_busy(error: BaseException) -> bool:
    """Whether a statement met somebody else's lock."""
    return (getattr(error, "sqlite_errorname", "") or "").startswith("SQLITE_BUSY")


def look(path: Path) -> sqlite3.Connection:
    """Open a file that is there, to read it with its settings as they are."""
    # Read-only would leave the files of its WAL behind.
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)


def pragmas_of(connection: sqlite3.Connection) -> dict[str, Any]:
    """The settings as this connection has them now, for the assertion that they hold."""
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS}


def migrate(connection: sqlite3.Connection, path: Path, now: float) -> None:
    """Apply what is missing; safe when several processes do it at once.

    Raises:
        SchemaTooNew: If the tables need a later version of this package.
    """
    with sqlite_errors(path):
        for number, script in missing(done(connection), str(path)):
            if number in done(connection):
                continue  # while this one waited; a lock for nothing would keep others waiting
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(dialect(MIGRATIONS_TABLE))
                if number not in done(connection):
                    for statement in _split(dialect(script)):
                        connection.execute(statement)
                    connection.execute(
                        f"INSERT INTO {PREFIX}migrations VALUES (?, ?, ?)",
                        (number, oldest_code(number, script), now),
                    )
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def done(connection: sqlite3.Connection) -> Mapping[int, int]:
    """The migrations that were applied, each with the oldest code that can serve it."""
    table = f"{PREFIX}migrations"
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    if not known:
        return {}
    return dict(connection.execute(f"SELECT number, oldest_code FROM {table}"))


def _split(script: str) -> Iterator[str]:
    """The statements of a script, without SQLite's executescript, which commits on its own."""
    statement = ""
    for line in script.splitlines():
        if line.strip().startswith("--"):
            continue
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def search(
    path: Path, busy_timeout: float, user_id: str, texts: Sequence[str], spared: Iterable[str] = ()
) -> Iterator[Place]:
    """Every table and file with how often one of the texts stands in it."""
    with sqlite_errors(path), closing(connect(path, busy_timeout, query_only=True)) as connection:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall():
            yield _searched_table(connection, table, user_id, Wanted(texts, spared))
    for file in sorted(path.parent.glob(f"{path.name}*")):
        if file.name in {path.name, *(f"{path.name}{end}" for end in ("-wal", "-journal"))}:
            data = raw_bytes(file) if file.name == path.name else file.read_bytes()
            yield Place(f"file {file}", len(data), unknown=Wanted(texts, spared).in_bytes(data))


def _searched_table(
    connection: sqlite3.Connection, table: str, user_id: str, wanted: Wanted
) -> Place:
    connection.create_function("holds", 1, wanted.in_value, deterministic=True)
    name = '"' + table.replace('"', '""') + '"'
    columns = [row[1] for row in connection.execute(f"PRAGMA table_xinfo({name})")]
    holds = " OR ".join('holds("' + column.replace('"', '""') + '")' for column in columns)
    owner = "user_id" if "user_id" in columns else "NULL"
    thread = "thread_id" if "thread_id" in columns else "NULL"
    rows = connection.execute(f"SELECT {owner}, {thread} FROM {name} WHERE {holds}").fetchall()
    size = connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
    return replace(Place.of_rows(f"table {table}", size, user_id, rows), kept=wanted.kept)


def vacuum(path: Path, busy_timeout: float) -> bool:
    """Write the file anew and empty its log, on a connection of its own.

    Args:
        path: The file.
        busy_timeout: Seconds to wait for whoever reads or writes.

    Returns:
        False while another connection reads or writes, or there is no room for the file twice:
        then a copy may be left. What was erased is committed, so that is no error.
    """
    try:
        with sqlite_errors(path), closing(connect(path, busy_timeout)) as connection:
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
