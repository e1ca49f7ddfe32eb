"""Copy a whole memory into another database, and prove that it arrived.

A page of users is one transaction with all their rows, so that no worker of the target ever sees
half a user. Who is there already, the same in every row, is passed over: a copy that was killed
goes on where it was, and one that is made again later brings over what has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from usermemory.errors import InvalidInput
from usermemory.store import codec
from usermemory.store.driver import Driver, Flow, tables

UserRows = frozenset[tuple[str, str]]
"""All rows of a user, each as its table and its JSON: equal users have equal sets."""


def overview() -> Flow[tuple[int, str]]:
    """How many users there are, and a worker that holds a lease, if one does."""
    row = (yield "copy_overview", {})[0]
    return row["users"], row["worker"] or ""


def users_after(user_id: str, limit: int) -> Flow[list[str]]:
    """Ids of users in the database's own order, after the one given."""
    rows = yield "copy_users", {"after": user_id, "count": limit}
    return [row["user_id"] for row in rows]


def user_rows(user_ids: Sequence[str]) -> Flow[dict[str, UserRows]]:
    """Everything that is stored of these users; nothing for those whom nobody knows."""
    found: dict[str, set[tuple[str, str]]] = {}
    for table in tables():
        for row in (yield f"copy_read_{table}", {"ids": codec.dumps(user_ids)}):
            found.setdefault(row["user_id"], set()).add((table, codec.dumps(dict(row))))
    return {user_id: frozenset(rows) for user_id, rows in found.items()}


def put_users(users: Mapping[str, UserRows]) -> Flow[None]:
    """Store these users instead of what was known of them; nobody holds their leases."""
    for table in tables():
        yield f"copy_clear_{table}", {"ids": codec.dumps(list(users))}
    for user_id, rows in users.items():
        for table, row in rows:
            yield f"copy_put_{table}", json.loads(row)
        yield "refresh_user", {"user_id": user_id}


_USERS_PAGE = 100
"""Users in a transaction."""

_MODULUS = 1 << 48
"""Small enough for any program that reads JSON."""


@dataclass(slots=True)
class Sum:
    """What a table holds, whatever the order of its rows.

    Attributes:
        rows: How many there are.
        checksum: The sum of their hashes.
    """

    rows: int = 0
    checksum: int = 0

    def add(self, row: str) -> None:
        """Take in one row."""
        self.rows += 1
        digest = hashlib.sha256(row.encode()).digest()
        self.checksum = (self.checksum + int.from_bytes(digest[:6])) % _MODULUS


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did, and both databases by table as they were found afterwards.

    Attributes:
        users: How many were written now; the others were there already.
        source: What each table of the source holds.
        target: The same of the target.
    """

    users: int
    source: dict[str, Sum]
    target: dict[str, Sum]

    @property
    def complete(self) -> bool:
        """Whether both hold the same."""
        return self.source == self.target


def copy(source: Driver, target: Driver, progress: Callable[[int], object]) -> Copied:
    """Bring over everything: profiles, revisions, what waits and what was erased.

    Args:
        source: Should be quiet: what is stored meanwhile may be missed, and then the sums differ.
        target: Empty, or an earlier copy of this source, where nobody has worked since.
        progress: Told after each page how many users it had.

    Raises:
        InvalidInput: Both are the same database, or the target knows what the source does not.
        StoreError: A database failed; what was copied so far stays, and a new copy goes on there.
    """
    if source.url == target.url:
        raise InvalidInput(f"source and target are the same database, {source.url}")
    there = _already_there(source, target)
    written = 0
    for page in _pages(source):
        users = source.read(user_rows, [user_id for user_id in page if user_id not in there])
        if users:
            target.write(put_users, users)
        written += len(users)
        progress(len(page))
    return Copied(written, _sums(source), _sums(target))


def everything(driver: Driver, user_id: str) -> str:
    """All that is stored of a user, as text: for looking whether something is in it."""
    rows = driver.read(user_rows, [user_id]).get(user_id, frozenset())
    return "\n".join(row for _, row in sorted(rows))


def _already_there(source: Driver, target: Driver) -> set[str]:
    """Users whom the target has exactly as the source has them."""
    same: set[str] = set()
    for page in _pages(target):
        ours, theirs = source.read(user_rows, page), target.read(user_rows, page)
        for user_id, rows in theirs.items():
            if rows == ours.get(user_id):
                same.add(user_id)
            elif is_foreign(rows, ours.get(user_id, frozenset())):
                raise InvalidInput(
                    f"{target.url} knows of user {user_id!r} what {source.url} does not: it is no "
                    "earlier copy of it, or somebody has used it since; copy into an empty one"
                )
    return same


def is_foreign(theirs: UserRows, ours: UserRows) -> bool:
    """Whether these rows are of another origin than ours, or have moved on further."""
    known = _counters(ours)
    return any(count > known.get(name, -1) for name, count in _counters(theirs).items())


def _counters(rows: UserRows) -> dict[tuple[str, str], int]:
    """What only ever grows; the salt, drawn at random with the user, tells origins apart."""
    counters: dict[tuple[str, str], int] = {}
    for table, text in rows:
        row = json.loads(text)
        if table == "users":
            counters |= {(name, row["salt"]): row[name] for name in ("token", "epoch", "revision")}
        elif table == "threads":
            counters["next_seq", row["thread_id"]] = row["next_seq"]
    return counters


def _sums(driver: Driver) -> dict[str, Sum]:
    sums = {table: Sum() for table in tables()}
    for page in _pages(driver):
        for rows in driver.read(user_rows, page).values():
            for table, row in rows:
                sums[table].add(row)
    return sums


def _pages(driver: Driver) -> Iterator[list[str]]:
    last = ""
    while page := driver.read(users_after, last, _USERS_PAGE):
        yield page
        last = page[-1]
