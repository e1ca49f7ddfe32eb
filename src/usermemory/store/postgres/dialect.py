"""Addresses, statements, rows and errors as PostgreSQL has them."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo, PGconn, PollingStatus
from psycopg.rows import DictRow

from usermemory.errors import (
    ConfigurationError,
    InvalidInput,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    did_you_mean,
)
from usermemory.store.driver import NO_TEXT, Row, copy_statements, statements

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_CONNECT_TIMEOUT = 5

_DEFAULTS: Mapping[str, str | int] = {
    "fallback_application_name": "usermemory",
    "client_encoding": "utf8",
    # A host that does not answer is an error while somebody still waits for it.
    "connect_timeout": _CONNECT_TIMEOUT,
    # A connection that a firewall or a dead host has cut is noticed within half a minute; else
    # the kernel takes hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


@dataclass(frozen=True, slots=True)
class Address:
    """One schema of one database.

    Attributes:
        conninfo: What libpq connects with; it may hold a password.
        name: The database for people, without user and password.
        schema: The schema that holds our tables.
    """

    conninfo: str = field(repr=False)
    name: str
    schema: str


def _unreadable() -> ConfigurationError:
    # Raised without its cause: who cannot read a URL quotes it, which may be the password.
    return ConfigurationError(
        "the database's URL cannot be read; write postgresql://user:password@host/name, with "
        "special characters of the password as %XX"
    )


def _unknown_option(names: Sequence[str]) -> ConfigurationError:
    """A URL whose option libpq does not know; names only, since a value may be a password."""
    known = {one.keyword.decode() for one in Conninfo.get_defaults()} | {"schema"}
    wrong = next((name for name in names if name not in known and name.isidentifier()), None)
    if wrong is None:
        return _unreadable()
    return ConfigurationError(
        f"the database's URL cannot be read: no option is {wrong!r}{did_you_mean(wrong, known)}"
    )


def address_of(url: str) -> Address:
    """Read a URL: libpq's own, and ``schema=…`` among its options (default ``usermemory``).

    What the URL leaves open libpq takes from where it always does: ``PG…`` variables, a service
    file, a password file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        urlsplit(url)
        url.encode()
    except ValueError:
        raise _unreadable() from None
    place, _, query = url.partition("?")
    options = [option for option in query.split("&") if option]
    ours = [unquote(option[7:]) for option in options if option.startswith("schema=")]
    schema = ours[-1] if ours else "usermemory"
    if not _SCHEMA.fullmatch(schema):
        raise ConfigurationError(
            f"schema={schema!r} in the database's URL: use small letters, digits and _, at most 63"
        )
    conninfo = f"{place}?{'&'.join(one for one in options if not one.startswith('schema='))}"
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        # With an @ behind the question mark that one may stand in the password.
        names = () if "@" in query else [option.partition("=")[0] for option in options]
        raise _unknown_option(names) from None
    if place.count("@") > 1:  # libpq ends the password at the first
        raise _unreadable() from None
    host, port, database = given.get("host", ""), given.get("port", 5432), given.get("dbname", "")
    name = f"postgresql://{host}:{port}/{database}?schema={schema}"
    added = {name: value for name, value in _DEFAULTS.items() if name not in given}
    return Address(make_conninfo(conninfo, **added), name, schema)


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


def in_schema(sql: str, schema: str) -> str:
    """The statement with our tables in this schema."""
    return sql.replace("usermemory.", f'"{schema}".')


@cache
def postgres_statements(schema: str, *, server_clock: bool) -> Mapping[str, bytes]:
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
    return in_schema(re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql), schema).encode()


FULL = "53300"
"""The state of a server, a database or a role that has as many connections as it may have."""

_REFUSED = "08004"
"""The state of a refusal of which no more is known than its words."""

_STATES: Sequence[tuple[str, type[StoreError], str]] = (
    ("55P03", StoreBusy, "kept us waiting too long for a lock; try again, or find who holds it"),
    ("57014", StoreBusy, "cancelled a statement that took too long; is it overloaded?"),
    ("40", StoreBusy, "had us in each other's way, again and again; try again"),
    (FULL, StoreBusy, "has no connection left; raise max_connections, or use a pooler"),
    ("53100", StoreFull, "cannot grow: there is no room on its disk"),
    ("25006", StoreReadOnly, "is read-only: a standby? connect to the primary"),
    ("42501", StoreError, "does not let us: grant this role what `usermemory migrate` needs"),
    ("57P", StoreError, "is shutting down or starting"),
    ("28P01", StoreError, "does not know this user or password"),
    ("28", StoreError, "does not let this role in; see its LOGIN, and pg_hba.conf"),
    (_REFUSED, StoreError, "answered, and refused the connection"),
    ("3D", StoreError, "does not exist; create it"),
    ("42P01", StoreError, "has lost tables of ours; restore it from a backup"),
)

_IN_EACH_OTHERS_WAY = {"40001", "40P01"}
_ENDED = {"57P01", "57P02", "25P03"}
"""The server has ended this connection; libpq may not have noticed that it is closed."""


def passing(error: psycopg.Error, connection: psycopg.Connection[Any]) -> bool:
    """Whether the same transaction, of which nothing was stored, may well succeed now."""
    if error.sqlstate in _ENDED:
        connection.close()
    return connection.closed or error.sqlstate in _IN_EACH_OTHERS_WAY


_SENTENCE = re.compile(r": [^:\n]+:  (.+)")
"""What a server says when it refuses a connection. In any language two spaces stand between its
severity and its words, and libpq's own texts have none."""

_IN_ENGLISH = (
    (FULL, r"too many (?:clients|connections)|connection slots|no more connections"),
    ("28P01", r"password authentication failed"),
    ("28000", r"pg_hba\.conf|not permitted to log in|^role \S+ does not exist"),
    ("3D000", r"^database \S+ does not exist"),
    ("57P03", r"(?:starting up|shutting down|not yet accepting connections|in recovery mode)$"),
    ("42501", r"^permission denied"),
)

_states: dict[str, str] = {}
"""The states of refusals that are not in English, by their words."""


def state_and_words(error: psycopg.Error) -> tuple[str, str]:
    """The SQLSTATE of an error and what the server said, in a line and without a row's values.

    libpq keeps no state of a server that refuses a connection, only its words: those are known
    where they are English, or where `learn_refusal` has asked. Empty where no server answered.
    """
    if error.sqlstate is not None:
        # What the server calls detail may hold a row; the first line never does.
        return error.sqlstate, error.diag.message_primary or str(error).strip()
    text = str(error)
    said = _SENTENCE.search(text)
    if said is None:
        lacks_password = error.pgconn is not None and error.pgconn.needs_password
        return "28P01" if lacks_password else "", " ".join(text.split())
    bare = re.sub(r'"[^"]*"', '""', said[1])  # names may hold anything
    for state, words in _IN_ENGLISH:
        if re.search(words, bare):
            return state, said[1]
    return _states.get(said[1], _REFUSED), said[1]


def learn_refusal(error: psycopg.Error, conninfo: str) -> None:
    """Find out what words of another language mean: libpq's trace of another attempt has the state.

    Once for the same words, on Linux only; elsewhere they stay a refusal without a reason.
    """
    state, sentence = state_and_words(error)
    if state != _REFUSED or sentence in _states:
        return
    with suppress(psycopg.Error, OSError):
        for line in _traced(conninfo).splitlines():
            if sentence in line and (found := re.search(r' C "(\w{5})"', line)):
                _states[sentence] = found[1]


_EVENTS: Mapping[int, int] = {PollingStatus.READING: 1, PollingStatus.WRITING: 4}
"""What to wait for at a socket: `select.POLLIN` and `POLLOUT`, which Windows has not."""


def _traced(conninfo: str) -> str:
    """What libpq and a server say to each other until there is a connection, or none."""
    reading, writing = os.pipe()  # no file: a password may stand in it
    with os.fdopen(reading, "rb", buffering=0) as trace, os.fdopen(writing, "wb"):
        connection = PGconn.connect_start(conninfo.encode())
        connection.trace(writing)
        end = time.monotonic() + _CONNECT_TIMEOUT
        while (now := connection.connect_poll()) in _EVENTS and time.monotonic() < end:
            poll = select.poll()
            poll.register(connection.socket, _EVENTS[now])
            poll.poll(_CONNECT_TIMEOUT * 1_000)
        connection.untrace()
        connection.finish()
        return trace.read(65_536).decode(errors="replace")


@contextmanager
def postgres_errors(name: str) -> Generator[None]:
    """Turn psycopg's errors into ours.

    Args:
        name: The database for people, without its password.
    """
    try:
        yield
    except UnicodeEncodeError:
        raise InvalidInput(NO_TEXT) from None  # its own text holds what was passed
    except psycopg.Error as error:
        if error.sqlstate is None and "NUL" in str(error):
            raise InvalidInput(NO_TEXT) from error
        state, text = state_and_words(error)
        for prefix, kind, advice in _STATES:
            if state.startswith(prefix):
                raise kind(f"the database {name} {advice} ({text})") from error
        failed = "failed" if state else "cannot be reached"
        raise StoreError(f"the database {name} {failed}: {text}") from error


class PipelineRows(Sequence[Row]):
    """What a statement of a pipeline answers.

    A flow that yields three statements and then looks at what they answered waits once, and one
    that looks at nothing does not wait at all. What a statement did wrong is raised where the next
    rows are looked at, or with COMMIT: in the same transaction.

    Args:
        cursor: It has been told to execute; nobody has fetched from it.
    """

    def __init__(self, cursor: psycopg.Cursor[DictRow]) -> None:
        self._cursor = cursor
        self._fetched: list[DictRow] | None = None

    def __getitem__(self, index: Any) -> Any:
        rows: Any = self._rows()
        return rows[index]

    def __len__(self) -> int:
        return len(self._rows())

    def _rows(self) -> list[DictRow]:
        # No cached_property: up to Python 3.11 that has one lock for all threads.
        if self._fetched is None:
            self._fetched = self._cursor.fetchall()
        return self._fetched
