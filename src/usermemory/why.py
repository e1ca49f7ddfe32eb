"""Which words a value of the profile rests on: PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from usermemory.errors import InvalidInput
from usermemory.messages import is_mapping, is_sequence
from usermemory.records import Applied, Evidence, Revision


def evidence_of(
    revisions: Iterable[Revision], document: Mapping[str, Any], where: str, value: Any = None
) -> list[Evidence]:
    """The quotes behind a field, or behind one value of it, the newest first.

    A value that was refined (``"climbing"`` to ``"climbing in Bergen"``) rests on the words for
    both; one that was replaced rests on its own only.

    Args:
        revisions: The user's revisions, the newest first.
        document: The profile as it is.
        where: A field's name, or a JSON pointer such as ``/interests/0``.
        value: The item of a list or the key of a map; None for the whole field.

    Raises:
        InvalidInput: The pointer leads nowhere.
    """
    if where.startswith("/"):
        where, value = resolve(document, where)
    found: list[Evidence] = []
    wanted = _current(document.get(where)) if value is None else [value]
    for item in wanted:
        found += (e for e in _chain(revisions, where, item) if e not in found)
    return found


def maker_of(revisions: Iterable[Revision], field: str, item: Any) -> Revision | None:
    """The newest revision that made a value what it is; undos put back what others had made.

    Args:
        revisions: The user's revisions, the newest first.
        field: The field's name.
        item: The value, the item of a list, or the key of a map.
    """
    made = (
        revision
        for revision in revisions
        if not revision.undoes
        and any(change.field == field and _made(change, item) for change in revision.changes)
    )
    return next(made, None)


def noted_at(revision: Revision, field: str, item: Any) -> float:
    """When what a revision made of a value was noted: by the memory it was imported from, or then.

    Args:
        revision: As `maker_of` gives it.
        field: The field's name.
        item: The value, the item of a list, or the key of a map.
    """
    made = (c.at for c in revision.changes if c.field == field and _made(c, item))
    return next((at for at in made if at is not None), revision.at)


def about(revisions: list[Revision], field: str | None) -> list[Revision]:
    """The revisions that changed a field, with nothing but those changes; None for all."""
    if field is None:
        return revisions
    only = (
        replace(revision, changes=tuple(c for c in revision.changes if c.field == field))
        for revision in revisions
    )
    return [revision for revision in only if revision.changes]


def resolve(document: Mapping[str, Any], pointer: str) -> tuple[str, Any]:
    """The field and the item that a JSON pointer (RFC 6901) leads to in this document."""
    field, *rest = (
        part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/")
    )
    value = document.get(field)
    if not rest:
        return field, None
    if not is_sequence(value):
        return field, rest[0]
    try:
        return field, value[int(rest[0])]
    except (IndexError, ValueError) as error:
        raise InvalidInput(f"{pointer!r} leads nowhere in this profile") from error


def _current(value: Any) -> list[Any]:
    return list(value) if is_sequence(value) or is_mapping(value) else [value]


def _chain(revisions: Iterable[Revision], field: str, item: Any) -> Iterable[Evidence]:
    """Back through the changes that made this value what it is.

    What an undo put back rests on the words it rested on before.
    """
    for revision in (one for one in revisions if not one.undoes):
        for change in reversed(revision.changes):
            if change.field != field or not _made(change, item):
                continue
            yield from change.evidence
            item = _refined(revision, change)
            if item is None:
                return


def _made(change: Applied, item: Any) -> bool:
    return change.key == item or (change.after is not None and _same(change.after, item))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold().strip() == other.casefold().strip()
    return bool(one == other)


def _refined(revision: Revision, change: Applied) -> Any:
    """What a change only made more exact, or less; None where it said something new.

    An item of a list is taken out and put in again, by the same revision.
    """
    taken = [one for one in revision.changes if one.action == "remove"]
    earlier = [change, *(one for one in taken if one.field == change.field)]
    after = str(change.after).casefold()
    for before in (one.before for one in earlier if one.before is not None):
        text = str(before).casefold()
        if text in after or after in text:
            return before
    return None
