"""What a database has to do for us: open, run a flow as one transaction, close.

A *flow* is a generator that yields ``(statement name, parameters)``, is sent the rows and returns
a value; one flow is one transaction. It knows nothing of databases, and a driver knows nothing of
memory. (The pattern is httpx's authentication flow.) Because every statement passes `step`, a test
can stop a process before and after each of them.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache
from typing import Any, ParamSpec, TypeVar

from usermemory.errors import ForkedProcess, MemoryClosed, SchemaTooNew
from usermemory.records import Place
from usermemory.text import clean

Row = Mapping[str, Any]
Step = tuple[str, Mapping[str, Any]]
T = TypeVar("T")
P = ParamSpec("P")
Flow = Generator[Step, Sequence[Row], T]
Hook = Callable[[str, str, str], None]
"""Called with ``before`` or ``after``, the flow's name, and the statement's name or ``commit``."""

OF_ONE_MOMENT = frozenset({"take_out", "user_rows"})
"""Flows that read tables which have to agree: nothing is written between their statements."""

IN_A_TURN = frozenset({"remember", "propose", "record"})
"""The flows that somebody who talks with the bot waits for."""

NO_TEXT = "there is a NUL or half of a surrogate pair in a text: nothing stores that"
CLOSED = "this memory was closed; build a new UserMemory to go on"


class Driver(ABC):
    """One database. Safe to use from any thread and any event loop.

    Opened once, in one process, and closed once.

    Args:
        url: The database for people, without a password.
    """

    cleaned = "The disk holds no copies of what was erased."
    not_cleaned = "Somebody is reading the database: copies of what was erased may be left."
    """What a `clean` came to, in words."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.hook: Hook | None = None
        self._gate = threading.Lock()
        self._process = 0
        self._closed = False

    @property
    def opened(self) -> bool:
        """Whether it holds threads and files: opened in this process and not closed."""
        return not self._closed and self._process == os.getpid()

    def open(self) -> None:
        """Connect and migrate; a second call does nothing."""
        if self._process and not self._closed:
            self._check_process()
            return
        with self._gate:
            if self._closed:
                raise MemoryClosed(CLOSED)
            if not self._process:
                self._start()
                self._process = os.getpid()

    async def aopen(self) -> None:
        """The same, off the event loop the first time."""
        if self._process and not self._closed:
            self._check_process()
        else:
            await asyncio.to_thread(self.open)

    def close(self) -> None:
        """Finish what was begun and disconnect; a second call does nothing, nor one in a fork."""
        if self._process not in {0, os.getpid()}:
            self._closed = True  # without the gate, which a thread of the parent may have held
            return
        with self._gate:
            if self._closed:
                return
            self._closed = True
        self._stop()

    def _tell_commit(self, stage: str, flow: str = "") -> None:
        if self.hook:
            self.hook(stage, flow, "commit")

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise ForkedProcess(
                f"this memory was opened in process {self._process} and is used in its fork "
                f"{os.getpid()}; connections do not survive a fork: build the UserMemory, or use "
                "it for the first time, after forking"
            )

    @abstractmethod
    def _start(self) -> None:
        """Connect and migrate."""

    @abstractmethod
    def _stop(self) -> None:
        """Finish what was begun and disconnect."""

    @abstractmethod
    def write(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow in a transaction and return after it is durable."""

    @abstractmethod
    async def awrite(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same without blocking the event loop; it is done even if the caller is cancelled."""

    @abstractmethod
    def read(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a flow that only reads, in the caller's thread."""

    @abstractmethod
    async def aread(self, flow: Callable[P, Flow[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same without blocking the event loop."""

    @abstractmethod
    def listen(self, heard: Callable[[], object]) -> Callable[[], None]:
        """Call back when another process has made a user due, if the database can tell.

        Returns:
            What stops it.
        """

    @abstractmethod
    def migrated(self) -> Mapping[int, int]:
        """The migrations the tables have had, each with the oldest code that can serve them since.

        Changes nothing, whether it is open or not; empty if there are no tables.
        """

    @abstractmethod
    def clean(self) -> bool:
        """Remove from the disk what updates and deletions left there; False if it has to wait."""

    @abstractmethod
    def doubts(self) -> Sequence[str]:
        """Settings of the database under which what was committed could be lost, in words."""

    def misses(self) -> str:
        """Why the database does not take every text, in words; empty if it does."""
        return ""

    @abstractmethod
    def search(
        self, user_id: str, texts: Sequence[str], spared: Sequence[str] = ()
    ) -> Sequence[Place]:
        """Every table and file that can be looked into, with how often the text stands there."""


Execute = Callable[[str, Mapping[str, Any]], Sequence[Row]]


def run(flow: Flow[T], execute: Execute, name: str = "", hook: Hook | None = None) -> T:
    """Drive a flow to its end.

    Args:
        flow: The generator.
        execute: Runs one named statement and returns its rows.
        name: The flow's name, for the hook.
        hook: Called around every statement.

    Returns:
        What the flow returns.
    """
    try:
        statement, parameters = next(flow)
        while True:
            if hook:
                hook("before", name, statement)
            rows = execute(statement, _storable(parameters))
            if hook:
                hook("after", name, statement)
            statement, parameters = flow.send(rows)
    except StopIteration as end:
        value: T = end.value
        return value


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters without what no database takes, in ids and names as in messages."""
    for one in parameters.values():
        # What is printable has nothing of it, and is told sooner.
        if isinstance(one, str) and not one.isprintable() and _UNSTORABLE.search(one):
            return {
                name: clean(one) if isinstance(one, str) else one
                for name, one in parameters.items()
            }
    return parameters


MIGRATIONS_TABLE = """CREATE TABLE IF NOT EXISTS usermemory.migrations (
    number INTEGER PRIMARY KEY,
    oldest_code INTEGER NOT NULL, -- the oldest code that can still serve these tables
    applied_at DOUBLE PRECISION NOT NULL)"""

_STATEMENT_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_OLDEST = re.compile(r"^-- oldest code: (\d+)$", re.MULTILINE)


@cache
def statements() -> Mapping[str, str]:
    """The named statements of ``queries.sql``, without their comments."""
    from importlib.resources import files

    text = files("usermemory.store").joinpath("queries.sql").read_text(encoding="utf-8")
    pieces = _STATEMENT_NAME.split(text)[1:]
    return {
        name: "\n".join(line for line in sql.splitlines() if not line.startswith("--")).strip()
        for name, sql in zip(pieces[::2], pieces[1::2], strict=True)
    }


@cache
def migrations() -> Sequence[tuple[int, str]]:
    """The numbered migrations, in order."""
    from importlib.resources import files

    folder = files("usermemory.store").joinpath("migrations")
    found = [
        (int(entry.name[:4]), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if re.fullmatch(r"\d{4}\.sql", entry.name)
    ]
    return tuple(sorted(found))


def oldest_code(number: int, script: str) -> int:
    """Which code can serve the tables after this migration: the one that came with it, or earlier.

    A migration that only expands says so in a line of its own, ``-- oldest code: 1``; then
    processes of that version go on while others are upgraded.
    """
    said = _OLDEST.search(script)
    return int(said[1]) if said else number


def missing(done: Mapping[int, int], name: str) -> Sequence[tuple[int, str]]:
    """The migrations that a database has not had, in order.

    Args:
        done: Those that it had, each with the oldest code that can serve the tables since.
        name: The database, for people.

    Raises:
        SchemaTooNew: The tables need a later version of this package.
    """
    newest = migrations()[-1][0]
    if max(done.values(), default=0) > newest:
        raise SchemaTooNew(
            f"the database {name} was written by a later version of usermemory (its tables are at "
            f"{max(done)}, this version knows up to {newest}); upgrade the package"
        )
    return [migration for migration in migrations() if migration[0] not in done]


_TABLE = re.compile(r"^CREATE TABLE usermemory\.(\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    ([a-z_]+) ", re.MULTILINE)
_ADDED = re.compile(r"^ALTER TABLE usermemory\.(\w+) ADD COLUMN (\w+)", re.MULTILINE)

_LEFT_BEHIND = {"lease_until", "lease_by", "next_due"}
"""Who works on a user is true of one database only; who is next is worked out anew."""

_OF_THE_SERVER = {"tokens", "signing", "replies"}
"""What `usermemory serve` keeps about itself: no part of a user's memory, and never copied."""

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
        if table not in _OF_THE_SERVER
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
