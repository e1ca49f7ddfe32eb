"""Profiles that the how-to of old kept: one JSON document per user in a table of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from usermemory.errors import InvalidInput
from usermemory.importing.fitting import Found, LeftOut
from usermemory.importing.profiles import Imported, ImportedUser, import_profiles
from usermemory.memory import UserMemory
from usermemory.messages import is_mapping
from usermemory.store.elsewhere import file_of, origin_profiles

BY = "import: origin"


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
    found = _found(source)
    return import_profiles(
        memory, found, by=BY, notes=notes, replace=replace, dry_run=dry_run, progress=progress
    )


def _found(source: str) -> Iterator[Found]:
    path = file_of(source)
    if path is None:
        raise InvalidInput(f"{source!r} is no path: the how-to's table is in an SQLite file")
    for user_id, text in origin_profiles(path):
        try:
            profile: Any = json.loads(text)
        except ValueError:
            profile = None
        if is_mapping(profile):
            yield Found(user_id, [profile])
        else:
            yield Found(user_id, unreadable=[LeftOut("", text, "it is no JSON object")])
