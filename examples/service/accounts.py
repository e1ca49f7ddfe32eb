"""Who may sign in: names and passwords, and the tokens of those who did.

Passwords are kept as Argon2 hashes, tokens as digests: what leaks of the file lets nobody in.
"""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import uuid4

from pwdlib import PasswordHash

TOKEN_SECONDS = 30 * 24 * 3600

_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    digest TEXT PRIMARY KEY, expires REAL NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE);
"""
_passwords = PasswordHash.recommended()
_NOBODYS = _passwords.hash(secrets.token_urlsafe())


class NameTaken(Exception):
    """Somebody else has this name."""


class Accounts:
    """Accounts in a SQLite file; safe to use from many threads."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._open() as connection:
            connection.executescript(_TABLES)

    def sign_up(self, name: str, password: str) -> None:
        """A new account, whose id nobody had before: who takes a name takes no memories with it.

        Raises:
            NameTaken: Somebody else has this name.
        """
        row = (uuid4().hex, name, _passwords.hash(password))
        try:
            with self._open() as connection:
                connection.execute("INSERT INTO accounts VALUES (?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise NameTaken(name) from error

    def sign_in(self, name: str, password: str) -> str | None:
        """A token that stands for this account; None if name and password don't belong together."""
        with self._open() as connection:
            found = connection.execute(
                "SELECT id, password FROM accounts WHERE name = ?", (name,)
            ).fetchone()
        # A name that nobody has takes as long, so that nobody learns which names there are.
        account, known = found or (None, _NOBODYS)
        if not _passwords.verify(password, known) or account is None:
            return None
        token = secrets.token_urlsafe(32)
        with self._open() as connection:
            connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?)",
                (_digest(token), time.time() + TOKEN_SECONDS, account),
            )
        return token

    def user_of(self, token: str) -> str | None:
        """The id of the account that a token stands for; None if it stands for none (any more)."""
        with self._open() as connection:
            found = connection.execute(
                "SELECT account FROM tokens WHERE digest = ? AND expires > ?",
                (_digest(token), time.time()),
            ).fetchone()
        return found and found[0]

    def sign_out(self, token: str) -> None:
        """From now on the token stands for nobody."""
        with self._open() as connection:
            connection.execute("DELETE FROM tokens WHERE digest = ?", (_digest(token),))

    def delete(self, user_id: str) -> None:
        """No such account any more, and no token for it."""
        with self._open() as connection:
            connection.execute("DELETE FROM accounts WHERE id = ?", (user_id,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
