"""Write what was found into the memory, user by user, each as one revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any

from usermemory.errors import Conflict, IdentityError
from usermemory.importing.fitting import Fitted, Found, LeftOut, fit, notes_field
from usermemory.importing.unwanted import unwanted
from usermemory.memory import UserMemory

_ATTEMPTS = 5
"""A profile that is being learned moves on now and then between reading and writing it."""


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """What became of one user's profile.

    Attributes:
        user_id: Whose.
        fields: What is new or changed in it, or would be.
        revision: The revision that did it; None if nothing changed, or nothing was to.
        left_out: What the source says and the profile does not, with the reasons.
    """

    user_id: str
    fields: Sequence[str]
    revision: int | None
    left_out: Sequence[LeftOut]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        users: How many the source knows.
        changed: How many profiles have something new.
        unchanged: How many have nothing new.
        left_out: What was left out, by user.
    """

    users: int
    changed: int
    unchanged: int
    left_out: dict[str, Sequence[LeftOut]]


def import_profiles(
    memory: UserMemory,
    found: Iterable[Found],
    *,
    by: str,
    notes: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Callable[[ImportedUser], object] | None = None,
) -> Imported:
    """Bring profiles from elsewhere into the memory.

    What a field holds is not overwritten: single values are set where nothing stands, lists and
    maps grow by what is missing. An import made again changes nothing, and does not bring back
    what has been changed, removed or forgotten since the last one.

    Args:
        memory: Where to.
        found: What the source says about each user, one at a time.
        by: Whom its revisions are by.
        notes: The field for memories in plain text; None: see `fitting.notes_field`.
        replace: Put the source's values in place of what the fields hold.
        dry_run: Change nothing.
        progress: Told of each user after they are done.

    Raises:
        InvalidInput: The field for notes is none.
        StoreError: The database failed; made again, the import goes on.
    """
    field = notes_field(memory.schema, notes)
    users = changed = 0
    left_out: dict[str, Sequence[LeftOut]] = {}
    for each in found:
        done = _user(memory, each, by, field, replace=replace, dry_run=dry_run)
        users += 1
        changed += bool(done.fields)
        if done.left_out:
            left_out[done.user_id] = done.left_out
        if progress:
            progress(done)
    return Imported(users, changed, users - changed, left_out)


def _user(
    memory: UserMemory, found: Found, by: str, notes: str | None, *, replace: bool, dry_run: bool
) -> ImportedUser:
    try:
        return _written(memory, found, by, notes, replace=replace, dry_run=dry_run)
    except IdentityError as error:
        return ImportedUser(found.user_id, (), None, [LeftOut("", found.user_id, str(error))])


def _written(
    memory: UserMemory, found: Found, by: str, notes: str | None, *, replace: bool, dry_run: bool
) -> ImportedUser:
    attempts = 0
    while True:
        known = memory.recall(found.user_id)
        refuse = unwanted(memory, found.user_id, by, replace=replace)
        fitted = fit(
            memory.schema, known.document, found, notes=notes, replace=replace, refuse=refuse
        )
        done = ImportedUser(found.user_id, fitted.fields, None, fitted.left_out)
        if dry_run or not fitted.fields:
            return done
        # Where no profile is, there may have been one, and only the database knows its revision.
        seen = None if known.updated_at is None else known.revision
        try:
            revision = memory.edit(found.user_id, _patch(fitted), by=by, revision=seen)
        except Conflict:
            attempts += 1
            if attempts == _ATTEMPTS:
                raise
        else:
            return replaced(done, revision=revision.number if revision else None)


def _patch(fitted: Fitted) -> list[dict[str, Any]]:
    """What is new as RFC 6902, which leaves the other fields alone."""
    return [
        {
            "op": "replace",
            "path": "/" + name.replace("~", "~0").replace("/", "~1"),
            "value": fitted.document[name],
        }
        for name in fitted.fields
    ]
