"""Profiles and memories that LangMem kept in a LangGraph store.

LangMem's managers store ``{"kind": …, "content": {…}}``, its tools ``{"content": …}``; where, says
a template such as ``("memories", "{langgraph_user_id}")``. Seen in langmem 0.0.30, June 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from langgraph.store.base import BaseStore, SearchItem

from usermemory.errors import InvalidInput
from usermemory.importing import Found, Imported, ImportedUser, LeftOut, import_profiles
from usermemory.messages import is_mapping

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

BY = "import: langmem"
NAMESPACE = "memories.{user_id}"
_PAGE = 1_000


def import_langmem(
    memory: UserMemory,
    store: BaseStore,
    *,
    namespace: str = NAMESPACE,
    notes: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Callable[[ImportedUser], object] | None = None,
) -> Imported:
    """Bring in what LangMem kept: values of profiles by field, memories in plain text as notes.

    Of several items of a user the one that was updated last comes last.

    Args:
        memory: Where to.
        store: A store that can be read without awaiting; it is only read.
        namespace: Where LangMem put a user's items, its labels joined by periods, with the
            user's in braces: ``memories.{user_id}``, ``app.{user_id}.profile``.
        notes: As for `usermemory.importing.import_profiles`, as are the others.
        replace: See there.
        dry_run: See there.
        progress: See there.

    Raises:
        InvalidInput: The namespace names no user.
        StoreError: The database failed.
    """
    found = _found(store, namespace.split("."))
    return import_profiles(
        memory, found, by=BY, notes=notes, replace=replace, dry_run=dry_run, progress=progress
    )


def _found(store: BaseStore, template: list[str]) -> Iterator[Found]:
    places = [place for place, label in enumerate(template) if label.startswith("{")]
    if len(places) != 1:
        raise InvalidInput(
            f"namespace {'.'.join(template)!r}: put the user's label in braces, once, as in "
            f"{NAMESPACE!r}"
        )
    place = places[0]
    for namespace in _namespaces(store, tuple(template[:place])):
        there = [*namespace]
        if len(there) == len(template) and there[place + 1 :] == template[place + 1 :]:
            yield _user(namespace[place], _items(store, namespace))


def _namespaces(store: BaseStore, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    offset = 0
    while page := store.list_namespaces(prefix=prefix or None, limit=_PAGE, offset=offset):
        yield from page
        offset += len(page)


def _items(store: BaseStore, namespace: tuple[str, ...]) -> list[SearchItem]:
    """All items of a namespace, the oldest first."""
    limit = _PAGE
    # A page further on may miss items that were stored in one transaction: ask for more instead.
    while len(items := store.search(namespace, limit=limit)) == limit:
        limit *= 2
    own = (item for item in items if tuple(item.namespace) == namespace)
    return sorted(own, key=lambda item: (item.updated_at, item.key))


def _user(user_id: str, items: Iterable[SearchItem]) -> Found:
    parts: list[tuple[Mapping[str, Any], float]] = []
    notes: list[tuple[str, float]] = []
    unreadable: list[LeftOut] = []
    for item in items:
        # What the application put there by itself may have no content beside it.
        content = item.value.get("content", item.value)
        if is_mapping(content) and set(content) == {"content"}:
            content = content["content"]
        at = item.updated_at.timestamp()
        if is_mapping(content):
            parts.append((content, at))
        elif not isinstance(content, str):
            unreadable.append(LeftOut("", content, "it is neither a text nor an object"))
        elif content.strip():
            notes.append((content, at))
    return Found(
        user_id,
        [part for part, _ in parts],
        [note for note, _ in notes],
        unreadable,
        part_dates=[at for _, at in parts],
        note_dates=[at for _, at in notes],
    )
