"""Where a database is: what libpq gets, what people see, and which schema is ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from usermemory.errors import ConfigurationError

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_DEFAULTS: Mapping[str, str | int] = {
    "fallback_application_name": "usermemory",
    "client_encoding": "utf8",
    # A host that does not answer is an error while somebody still waits for it.
    "connect_timeout": 5,
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


def address_of(url: str) -> Address:
    """Read a URL: libpq's own, and ``schema=…`` among its options (default ``usermemory``).

    What the URL leaves open libpq takes from where it always does: ``PG…`` variables, a service
    file, a password file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    parts = urlsplit(url)
    options = [option for option in parts.query.split("&") if option]
    ours = [unquote(option[7:]) for option in options if option.startswith("schema=")]
    schema = ours[-1] if ours else "usermemory"
    if not _SCHEMA.fullmatch(schema):
        raise ConfigurationError(
            f"schema={schema!r} in the database's URL: use small letters, digits and _, at most 63"
        )
    query = "&".join(option for option in options if not option.startswith("schema="))
    try:
        conninfo = urlunsplit(parts._replace(query=query))
        given = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        # libpq quotes what it cannot read, which may be a part of the password.
        raise ConfigurationError(
            "the database's URL cannot be read; write postgresql://user:password@host/name, with "
            "special characters of the password as %XX"
        ) from None
    host, port, database = given.get("host", ""), given.get("port", 5432), given.get("dbname", "")
    name = f"postgresql://{host}:{port}/{database}?schema={schema}"
    added = {name: value for name, value in _DEFAULTS.items() if name not in given}
    return Address(make_conninfo(conninfo, **added), name, schema)
