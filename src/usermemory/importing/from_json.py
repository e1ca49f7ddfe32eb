"""Lists of facts as mem0 and other memories export them, from a file or as Python has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from usermemory.importing.facts import found_in
from usermemory.importing.json_file import Document, read_json
from usermemory.importing.profiles import Imported, ImportedUser, import_profiles
from usermemory.memory import UserMemory

BY = "import: json"


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
        _document(source), memory.schema, now=memory.clock.now(), user=user, user_key=user_key
    )
    return import_profiles(
        memory, found, by=BY, notes=notes, replace=replace, dry_run=dry_run, progress=progress
    )


def _document(source: Any) -> Document:
    if isinstance(source, Document):
        return source
    if isinstance(source, str) or hasattr(source, "__fspath__") or hasattr(source, "read"):
        return read_json(source)
    return Document("the source", source)
