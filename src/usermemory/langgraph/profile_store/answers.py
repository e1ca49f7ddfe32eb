"""What the store answers, without asking the memory itself: generators that say whom to look up.

Each yields a `Look` and is sent the profiles that were found, so that the store's plain and
awaited methods run the same code.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import GetOp, Item, ListNamespacesOp, Op, PutOp, SearchItem, SearchOp

from usermemory.errors import InvalidInput
from usermemory.langgraph.profile_store.items import (
    FIELDS,
    USERS,
    fields_namespace,
    held,
    items_of,
    profile_namespace,
)
from usermemory.langgraph.profile_store.labels import user_of
from usermemory.langgraph.profile_store.matching import (
    check_conditions,
    check_filter,
    check_labels,
    fits,
    matches,
    score,
)
from usermemory.records import Recalled

Known = list[tuple[str, Recalled]]
"""Users with their profiles."""

_READ_ONLY = (
    "ProfileStore is read-only, and nothing was {done}: profiles change by what users say. To "
    "change one by hand call memory.edit(user_id, …), to erase something memory.forget(user_id, "
    "…), to hand over a conversation memory.remember(user_id, thread_id, messages); other data of "
    "your program belongs into a store of its own"
)


@dataclass(frozen=True, slots=True)
class Look:
    """Whom to look up: this user, or the page of users after that one."""

    user_id: str | None = None
    after: str = ""


Asking = Generator[Look, Known, Any]


def checked(op: Op) -> GetOp | SearchOp | ListNamespacesOp:
    """The operation, if it only reads, and asks for what there can be.

    The methods of `BaseStore` look at namespaces; whoever hands over operations passes them by, so
    LangGraph's own stores look here too.

    Raises:
        InvalidNamespaceError: A label of it is none.
        InvalidInput: It writes, or has a negative limit, a filter or condition that is none.
    """
    match op:
        case PutOp():
            check_labels(op.namespace)
            raise InvalidInput(_READ_ONLY.format(done="deleted" if op.value is None else "stored"))
        case GetOp():
            check_labels(op.namespace)
        case SearchOp():
            check_labels(op.namespace_prefix)
            check_filter(op.filter)
            _check_counts(limit=op.limit, offset=op.offset)
        case ListNamespacesOp():
            check_conditions(op.match_conditions)
            _check_counts(limit=op.limit, offset=op.offset, max_depth=op.max_depth or 0)
        case _:
            raise InvalidInput(f"a store has no operation {type(op).__name__}")
    return op


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 0:
            raise InvalidInput(f"{name} is {count}; it is 0 or more")


def answer(op: GetOp | SearchOp | ListNamespacesOp) -> Asking:
    """What a reading operation finds."""
    if isinstance(op, GetOp):
        return (yield from _get(op))
    if isinstance(op, SearchOp):
        return (yield from _search(op))
    return (yield from _namespaces(op))


def _get(op: GetOp) -> Generator[Look, Known, Item | None]:
    user_id = _one(op.namespace)
    if user_id is None:
        return None
    for found, known in (yield Look(user_id)):
        for item in items_of(found, known):
            if item.namespace == tuple(op.namespace) and item.key == op.key:
                return Item(
                    value=item.value,
                    key=item.key,
                    namespace=item.namespace,
                    created_at=item.created_at,
                    updated_at=item.updated_at,
                )
    return None


def _search(op: SearchOp) -> Generator[Look, Known, list[SearchItem]]:
    prefix, wanted = tuple(op.namespace_prefix), op.offset + op.limit
    best: list[SearchItem] = []
    users = _everybody(prefix)
    found = yield from _first(users)
    while found:
        best += _hits(op, prefix, found)
        if op.query:
            # Only those that may be in the answer are kept; equal ones stay in order.
            best = sorted(best, key=lambda item: -(item.score or 0.0))[:wanted]
        elif len(best) >= wanted:
            break
        found = yield from _next(users, found)
    return best[op.offset : wanted]


def _hits(op: SearchOp, prefix: tuple[str, ...], found: Known) -> Iterator[SearchItem]:
    for user_id, known in found:
        for item in items_of(user_id, known):
            if item.namespace[: len(prefix)] != prefix or not fits(item.value, op.filter):
                continue
            if op.query:
                item.score = score(item, op.query)
            if item.score != 0.0:
                yield item


def _namespaces(op: ListNamespacesOp) -> Generator[Look, Known, list[tuple[str, ...]]]:
    listed: dict[tuple[str, ...], None] = {}
    prefixes = [c.path for c in op.match_conditions or () if c.match_type == "prefix"]
    users = _everybody(max(prefixes, key=len, default=()))
    found = yield from _first(users)
    while found:
        for user_id, known in found:
            own = [profile_namespace(user_id)]
            own += [fields_namespace(user_id)] if held(known.document) else []
            fitting = (path[: op.max_depth] for path in own if matches(path, op.match_conditions))
            listed |= dict.fromkeys(fitting)
        if len(listed) >= op.offset + op.limit or (op.max_depth == 1 and listed):
            break
        found = yield from _next(users, found)
    return list(listed)[op.offset : op.offset + op.limit]


def _one(path: tuple[str, ...]) -> str | None:
    """The user whom a namespace is about, if it is about one who may exist."""
    if len(path) < 2 or path[0] not in {USERS, "*"}:
        return None
    return user_of(path[1])


def _everybody(path: tuple[str, ...]) -> Look | None:
    """Whom a prefix reaches: all users, one, or nobody."""
    if path and path[0] not in {USERS, "*"}:
        return None
    if len(path) > 2 and path[2] not in {FIELDS, "*"}:
        return None
    if len(path) < 2 or path[1] == "*":
        return Look()
    user_id = user_of(path[1])
    return None if user_id is None else Look(user_id)


def _first(users: Look | None) -> Generator[Look, Known, Known]:
    return [] if users is None else (yield users)


def _next(users: Look | None, found: Known) -> Generator[Look, Known, Known]:
    if users is None or users.user_id is not None:
        return []
    return (yield Look(after=found[-1][0]))
