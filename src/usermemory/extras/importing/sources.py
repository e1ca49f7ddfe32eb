"""Where profiles come from: files of JSON, the table of the how-to of old, LangMem's store."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from usermemory.errors import InvalidInput
from usermemory.extras.importing.facts import Document, found_in, found_of
from usermemory.extras.importing.fitting import Found, LeftOut
from usermemory.extras.importing.profiles import Imported, ImportedUser, import_profiles
from usermemory.messages import is_mapping, is_sequence
from usermemory.store.elsewhere import file_of, origin_profiles

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore, SearchItem

    from usermemory.memory import UserMemory

LARGEST = 512 * 2**20
"""Bytes that are read, some ten times as many in memory."""

_DEEPEST_JSON = 100
_SHOWN = 200
_HALF_CHARACTER = re.compile(r"\\u[dD][89abAB]")

NO_JSON = "the line is no JSON"
TOO_DEEP = f"it is nested more than {_DEEPEST_JSON} deep"


def read_json(source: str | os.PathLike[str] | BinaryIO) -> Document:
    """Read JSON or JSON Lines, in UTF-8, or in UTF-16 with its mark. NaN is read as null.

    Args:
        source: A path, or something open to read bytes from.

    Raises:
        InvalidInput: It cannot be read, is empty, too large, no text, no JSON, or too deep.
    """
    name, data = _bytes(source)
    if len(data) > LARGEST:
        raise InvalidInput(f"{name} has more than {LARGEST >> 20} MiB: split it, by users say")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{name} is no text: byte {error.start} is no {error.encoding.upper()}; JSON in UTF-8 "
            "is read"
        ) from None
    if not text.strip():
        raise InvalidInput(f"{name} is empty")
    return _parsed_json(name, text)


def _bytes(source: str | os.PathLike[str] | BinaryIO) -> tuple[str, bytes]:
    if not isinstance(source, str | os.PathLike):
        return "standard input", source.read(LARGEST + 1)
    name = os.fspath(source)
    if "://" in name:  # may hold a password
        raise InvalidInput("a URL is not read: name a file, or pass what it holds")
    try:
        with Path(name).expanduser().open("rb") as file:
            return name, file.read(LARGEST + 1)
    except FileNotFoundError:
        raise InvalidInput(f"there is no file {name}") from None
    except IsADirectoryError:
        raise InvalidInput(f"{name} is a folder; name the file in it") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInput(f"{name!r} cannot be read: {reason}") from None


def _parsed_json(name: str, text: str) -> Document:
    try:
        value = _loaded(text)
    except RecursionError:
        raise InvalidInput(f"{name} cannot be read: {TOO_DEEP}") from None
    except ValueError as error:
        return _json_lines(name, text, error)
    return Document(name, value)


def _json_lines(name: str, text: str, whole: ValueError) -> Document:
    """JSON Lines, if the first line is JSON by itself; a bad line keeps no good one out."""
    # Not splitlines(): a text may hold the characters at which that splits, too.
    lines = [(at, line) for at, line in enumerate(text.split("\n"), 1) if line.strip()]
    values: list[Any] = []
    unreadable: list[LeftOut] = []
    for at, line in lines:
        try:
            values.append(_loaded(line))
        except (ValueError, RecursionError) as error:
            if not values:
                raise InvalidInput(f"{name} is not JSON: {whole}") from None
            reason = NO_JSON if isinstance(error, ValueError) else TOO_DEEP
            unreadable.append(LeftOut("", f"line {at}: {line.strip()[:_SHOWN]}", reason))
    return Document(name, values, tuple(unreadable))


def _loaded(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deep.
    """
    value = json.loads(text, parse_constant=_no_number)
    if _is_too_deep(value):
        raise RecursionError
    return _paired(value) if _HALF_CHARACTER.search(text) else value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST_JSON):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values() if is_mapping(outer) else outer if is_sequence(outer) else ()
            )
            if is_mapping(inner) or is_sequence(inner)
        ]
    return bool(level)


def _no_number(_constant: str) -> None:
    """NaN and Infinity, which are no JSON: programs write them where they have no number."""


def _paired(value: Any) -> Any:
    """The value with a mark in place of half characters, which no database takes."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if is_sequence(value):
        return [_paired(inner) for inner in value]
    if is_mapping(value):
        return {_paired(name): _paired(inner) for name, inner in value.items()}
    return value


def import_json(
    memory: UserMemory,
    source: Any,
    *,
    user: str | None = None,
    user_key: str | None = None,
    notes: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Callable[[ImportedUser], object] | None = None,
) -> Imported:
    """Bring in lists of facts, as mem0, OpenMemory, agno, Zep, Hindsight and others export them.

    Read are a list of texts or objects, JSON Lines, a list under ``results``, ``memories``,
    ``items`` and the like, and any of them by user. An object holds a text (under ``memory``,
    ``text``, ``fact``, ``content``, ``value``, ``data`` or ``observations``), or values of the
    schema's fields. Its date (``updated_at``, ``created_at``, ``timestamp``, ``valid_at`` …) is
    kept. What the source itself calls deleted or over, messages, and what cannot be read are
    listed as left out; ids, scores and metadata beside a text are not.

    Args:
        memory: Where to.
        source: A path, something open to read bytes from, or what such a file holds as lists and
            dicts: ``mem0.get_all(…)``.
        user: Whose all of it is; None: whose an object says it is, under ``user_id``, ``userId``,
            ``user`` or ``metadata.user_id``.
        user_key: Another key that says so, steps joined by periods: ``bank_id``, ``namespace.1``.
        notes: As for `import_profiles`, as are the others.
        replace: See there.
        dry_run: See there.
        progress: See there.

    Raises:
        InvalidInput: The source is no such list, says of nothing whose it is, or names several
            users beside ``user``.
        StoreError: The database failed; made again, the import goes on.
    """
    found = found_in(
        _document_in(source), memory.schema, now=memory.clock.now(), user=user, user_key=user_key
    )
    return import_profiles(
        memory,
        found,
        by="import: json",
        notes=notes,
        replace=replace,
        dry_run=dry_run,
        progress=progress,
    )


def _document_in(source: Any) -> Document:
    if isinstance(source, Document):
        return source
    if isinstance(source, str) or hasattr(source, "__fspath__") or hasattr(source, "read"):
        return read_json(source)
    if _is_too_deep(source):
        raise InvalidInput(f"the source cannot be read: {TOO_DEEP}")
    return Document("the source", source)


def import_origin(
    memory: UserMemory,
    source: str,
    *,
    notes: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Callable[[ImportedUser], object] | None = None,
) -> Imported:
    """Bring in the table ``core_memories(user_id, memory)`` of LangGraph's how-to on user memory.

    Args:
        memory: Where to.
        source: The SQLite file, as a path or ``sqlite:///…``; it is only read.
        notes: As for `import_profiles`, as are the others.
        replace: See there.
        dry_run: See there.
        progress: See there.

    Raises:
        InvalidInput: The source is no SQLite file.
        StoreError: It has no such table, or a database failed.
    """
    found = _in_table(source)
    return import_profiles(
        memory,
        found,
        by="import: origin",
        notes=notes,
        replace=replace,
        dry_run=dry_run,
        progress=progress,
    )


def _in_table(source: str) -> Iterator[Found]:
    path = file_of(source)
    if path is None:
        raise InvalidInput("a URL is no path: the how-to's table is in an SQLite file")
    for user_id, text in origin_profiles(path):
        try:
            profile: Any = json.loads(text)
        except (ValueError, RecursionError):
            profile = None
        if is_mapping(profile):
            yield Found(user_id, [profile])
        else:
            yield Found(user_id, unreadable=[LeftOut("", text, "it is no JSON object")])


NAMESPACE = "memories.{user_id}"
_STORE_PAGE = 1_000


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
    found = _in_store(store, namespace.split("."))
    return import_profiles(
        memory,
        found,
        by="import: langmem",
        notes=notes,
        replace=replace,
        dry_run=dry_run,
        progress=progress,
    )


def _in_store(store: BaseStore, template: list[str]) -> Iterator[Found]:
    places = [place for place, label in enumerate(template) if label.startswith("{")]
    if len(places) != 1:
        raise InvalidInput(
            f"namespace {'.'.join(template)!r}: put the user's label in braces, once, as in "
            f"{NAMESPACE!r}"
        )
    place = places[0]
    for namespace in _namespaces_under(store, tuple(template[:place])):
        there = [*namespace]
        if len(there) == len(template) and there[place + 1 :] == template[place + 1 :]:
            yield _items_of(namespace[place], _all_items(store, namespace))


def _namespaces_under(store: BaseStore, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    offset = 0
    while page := store.list_namespaces(prefix=prefix or None, limit=_STORE_PAGE, offset=offset):
        yield from page
        offset += len(page)


def _all_items(store: BaseStore, namespace: tuple[str, ...]) -> list[SearchItem]:
    """All items of a namespace, the oldest first."""
    limit = _STORE_PAGE
    # A page further on may miss items that were stored in one transaction: ask for more instead.
    while len(items := store.search(namespace, limit=limit)) == limit:
        limit *= 2
    own = (item for item in items if tuple(item.namespace) == namespace)
    return sorted(own, key=lambda item: (item.updated_at, item.key))


def _items_of(user_id: str, items: Iterable[SearchItem]) -> Found:
    dated: list[tuple[float, Any]] = []
    unreadable: list[LeftOut] = []
    for item in items:
        # What the application put there by itself may have no content beside it.
        content = item.value.get("content", item.value)
        if is_mapping(content) and set(content) == {"content"}:
            content = content["content"]
        if is_mapping(content) or (isinstance(content, str) and content.strip()):
            dated.append((item.updated_at.timestamp(), content))
        elif not isinstance(content, str):
            unreadable.append(LeftOut("", content, "it is neither a text nor an object"))
    return found_of(user_id, dated, unreadable)
