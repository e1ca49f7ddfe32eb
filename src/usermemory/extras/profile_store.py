"""Profiles as a LangGraph store, for code and tools that read stores; nothing is kept twice.

The whole profile of a user is one item, each field that holds something another. User ids are the
labels of namespaces. A label may hold neither a period nor a NUL, and ``*`` stands for any label
where namespaces are matched; so these and the per cent sign itself are written as in URLs: ``%2E``,
``%2A``, ``%25``. All else stays, so that most ids are their own label, and each user has exactly
one.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)

from usermemory.errors import IdentityError, InvalidInput
from usermemory.extras.profile_search import (
    check_conditions,
    check_filter,
    check_labels,
    fits_filter,
    matches_all,
    says_nothing,
    score,
)
from usermemory.records import Recalled
from usermemory.settings import Id, checked_user

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

__all__ = ["ProfileStore", "label_of", "user_behind"]

_ESCAPED = {ord(sign): f"%{ord(sign):02X}" for sign in "%.*\0"}


def label_of(user_id: str) -> str:
    """The label under which a user stands: ``will.smith`` is ``will%2Esmith``."""
    return user_id.translate(_ESCAPED)


def user_behind(label: str) -> str | None:
    """The user behind a label; None if it is nobody's."""
    user_id = unquote(label, errors="replace")
    return user_id if label_of(user_id) == label else None


USERS_LABEL = "users"
FIELDS_LABEL = "fields"
PROFILE_KEY = "profile"


def profile_namespace(user_id: str) -> tuple[str, ...]:
    """Where the whole profile is, under the key ``profile``."""
    return (USERS_LABEL, label_of(user_id))


def fields_namespace(user_id: str) -> tuple[str, ...]:
    """Where the fields are, each under its name."""
    return (USERS_LABEL, label_of(user_id), FIELDS_LABEL)


def store_items(user_id: str, known: Recalled) -> list[SearchItem]:
    """The whole profile first, then its fields in the schema's order."""
    times = [at for field in known.stamps.values() for at in field.values()]
    changed = known.updated_at or 0.0
    whole = _search_item(
        profile_namespace(user_id),
        PROFILE_KEY,
        dict(known.document),
        (min([*times, changed]), changed),
    )
    return [whole, *(_field_item(user_id, name, known) for name in filled_fields(known.document))]


def filled_fields(document: Mapping[str, Any]) -> list[str]:
    """The fields that hold something."""
    return [name for name, value in document.items() if not says_nothing(value)]


def _field_item(user_id: str, name: str, known: Recalled) -> SearchItem:
    changed = known.updated_at or 0.0
    times = known.stamps.get(name, {}).values() or [changed]
    value = {"field": name, "value": known.document[name]}
    return _search_item(fields_namespace(user_id), name, value, (min(times), max(times)))


def _search_item(
    namespace: tuple[str, ...], key: str, value: dict[str, Any], times: tuple[float, float]
) -> SearchItem:
    created, updated = (datetime.fromtimestamp(at, tz=UTC) for at in times)
    # A copy: whoever gets it may do with it what they like.
    return SearchItem(namespace, key, copy.deepcopy(value), created, updated)


Profiles = list[tuple[str, Recalled]]
"""Users with their profiles."""

_READ_ONLY = (
    "ProfileStore is read-only, and nothing was {done}: profiles change by what users say. To "
    "change one by hand call memory.edit(user_id, …), to erase something memory.forget(user_id, "
    "…), to hand over a conversation memory.remember(user_id, thread_id, messages); other data of "
    "your program belongs into a store of its own"
)


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


class ProfileStore(BaseStore):
    """A read-only view of everybody's profile, as LangGraph's stores are read.

    The whole profile of a user is the item ``profile`` in ``("users", <id>)``; each field that
    holds something is an item under its name in ``("users", <id>, "fields")``, with the value
    ``{"field": name, "value": …}``. In ids, ``.``, ``*`` and ``%`` are written as ``%2E``, ``%2A``
    and ``%25``, since LangGraph's labels may not hold them: `ProfileStore.namespace` does it.

    Searching filters by value (``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt``, ``$lte`` too). There
    are no vectors: ``query=`` finds items that contain a word of it, those with more of its words
    first; ``score`` is their share. Across all users a search reads profile after profile.

    Items are as old as the profile says: ``created_at`` is the earliest time that is known of any
    of its fields, ``updated_at`` the last change; a field has its own two times.

    It shows every user: whoever may call the store may read them all. Keep it from code that acts
    for one user, and never let a model choose the namespace.

    Args:
        memory: Whose profiles. Every read goes to its database; nothing is cached.
    """

    def __init__(self, memory: UserMemory) -> None:
        self.memory = memory

    @staticmethod
    def namespace(user_id: Id, *, fields: bool = False) -> tuple[str, ...]:
        """Where a user's profile is, or with ``fields`` its fields."""
        known = checked_user(user_id)
        return fields_namespace(known) if fields else profile_namespace(known)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Answer several operations; if one of them writes or cannot be, none.

        Raises:
            InvalidInput: One of them writes, and the text says what to call instead; or one has a
                negative limit, or a filter or condition that is none.
            InvalidNamespaceError: A label of a namespace is no text, is empty, or has a period.
        """
        return [self._answer(op) for op in [checked(op) for op in ops]]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, in a thread, so that no event loop waits for it."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _answer(self, op: GetOp | SearchOp | ListNamespacesOp) -> Result:
        if isinstance(op, GetOp):
            return self._get(op)
        return self._search(op) if isinstance(op, SearchOp) else self._namespaces(op)

    def _get(self, op: GetOp) -> Item | None:
        path = tuple(op.namespace)
        user_id = user_behind(path[1]) if len(path) > 1 else None
        for found, known in self._profile_of(user_id) if user_id is not None else ():
            for item in store_items(found, known):
                if item.namespace == path and item.key == op.key:
                    return Item(
                        value=item.value,
                        key=item.key,
                        namespace=item.namespace,
                        created_at=item.created_at,
                        updated_at=item.updated_at,
                    )
        return None

    def _search(self, op: SearchOp) -> list[SearchItem]:
        prefix, wanted = tuple(op.namespace_prefix), op.offset + op.limit
        best: list[SearchItem] = []
        for page in self._pages(prefix):
            best += _hits(op, prefix, page)
            if op.query:
                # Only those that may be in the answer are kept; equal ones stay in order.
                best = sorted(best, key=lambda item: -(item.score or 0.0))[:wanted]
            elif len(best) >= wanted:
                break
        return best[op.offset : wanted]

    def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        listed: dict[tuple[str, ...], None] = {}
        conditions = op.match_conditions or ()
        prefixes = [one.path for one in conditions if one.match_type == "prefix"]
        for page in self._pages(max(prefixes, key=len, default=())):
            for user_id, known in page:
                own = [profile_namespace(user_id)]
                own += [fields_namespace(user_id)] if filled_fields(known.document) else []
                fitting = [path[: op.max_depth] for path in own if matches_all(path, conditions)]
                listed |= dict.fromkeys(fitting)
            if len(listed) >= op.offset + op.limit or (op.max_depth == 1 and listed):
                break
        return list(listed)[op.offset : op.offset + op.limit]

    def _pages(self, path: tuple[str, ...]) -> Iterator[Profiles]:
        """Whose profiles a prefix of namespaces reaches: everybody's, one user's, nobody's."""
        if path and path[0] not in {USERS_LABEL, "*"}:
            return
        if len(path) > 2 and path[2] not in {FIELDS_LABEL, "*"}:
            return
        if len(path) < 2 or path[1] == "*":
            page = self.memory.profiles()
            while page:
                yield page
                page = self.memory.profiles(page[-1][0])
        elif (user_id := user_behind(path[1])) is not None:
            yield self._profile_of(user_id)

    def _profile_of(self, user_id: str) -> Profiles:
        """A user's profile; none of a user nobody knows."""
        try:
            known = self.memory.recall(user_id)
        except IdentityError:
            return []
        return [(user_id, known)] if known.updated_at is not None else []


def _hits(op: SearchOp, prefix: tuple[str, ...], page: Profiles) -> Iterator[SearchItem]:
    for user_id, known in page:
        for item in store_items(user_id, known):
            if item.namespace[: len(prefix)] != prefix or not fits_filter(item.value, op.filter):
                continue
            if op.query:
                item.score = score(item, op.query)
            if item.score != 0.0:
                yield item
