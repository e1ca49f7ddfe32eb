"""Write what was found into the memory, user by user, each as one revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as altered
from typing import Any

from usermemory.changes import edited
from usermemory.erasure import buried, subject_of
from usermemory.errors import IdentityError
from usermemory.extras.importing.fitting import (
    Fitted,
    Found,
    LeftOut,
    Refuse,
    fit,
    mark,
    notes_field,
)
from usermemory.memory import UserMemory
from usermemory.records import Applied, Revision
from usermemory.schema import Field
from usermemory.schema.document import counts_as
from usermemory.schema.renames import renamed_revision, renamed_stamps
from usermemory.settings import checked_user
from usermemory.store.flows import Profile
from usermemory.store.flows.amend import Amendment, amend, profile
from usermemory.store.flows.erase import graves
from usermemory.store.flows.recall import history

FORGOTTEN = "the user had it forgotten"
GONE = "it was imported before and is gone since"
NO_ROOM = "the profile is full: {} characters at most (max_profile)"

_COLLECTIONS = frozenset({"list", "objects", "map"})
_EVERY_REVISION = 1_000_000
"""Revisions of a user: more than there are."""


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
    maps grow by what is missing, as far as the profile has room (``max_profile=``). An import made
    again changes nothing, and does not bring back what has been changed, removed or forgotten
    since the last one. A value counts as set when the source had it; where it does not say so, now.

    Args:
        memory: Where to.
        found: What the source says about each user, one at a time; what cannot be read and is
            nobody's under an empty id.
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
        if not (each.user_id or each.parts or each.notes):
            left_out[""] = each.unreadable
            continue
        done = _import_user(memory, each, by, field, replace=replace, dry_run=dry_run)
        users += 1
        changed += bool(done.fields)
        if done.left_out:
            left_out[done.user_id] = done.left_out
        if progress:
            progress(done)
    return Imported(users, changed, users - changed, left_out)


def _import_user(
    memory: UserMemory, found: Found, by: str, notes: str | None, *, replace: bool, dry_run: bool
) -> ImportedUser:
    try:
        user_id = checked_user(found.user_id)
    except IdentityError as error:
        wrong = LeftOut("", found.user_id, str(error))
        return ImportedUser(found.user_id, (), None, [wrong, *found.unreadable])
    known = memory.driver.read(profile, user_id)
    while True:
        fitted = _fitted(memory, known, found, by, notes, replace=replace)
        done = ImportedUser(user_id, fitted.fields, None, fitted.left_out)
        if dry_run or not fitted.fields:
            return done
        amendment = _amendment(memory, known, fitted, by)
        # A profile that is being learned moves on now and then between reading and writing it.
        answer = memory.driver.write(amend, user_id, known, amendment)
        if isinstance(answer, Revision):
            return altered(done, revision=answer.number)
        known = answer


def _fitted(
    memory: UserMemory, known: Profile, found: Found, by: str, notes: str | None, *, replace: bool
) -> Fitted:
    """What of the source comes into the profile as it is."""
    document = memory.schema.read(known.document or {}).document
    refuse = unwanted(memory, found.user_id, by, replace=replace, known=known.revision > 0)
    replaced = {notes, *(name for part in found.parts for name in part)} if replace else ()
    fields = memory.schema.fields
    stays = {
        name: fields[name].default if name in replaced else value
        for name, value in document.items()
    }
    refuse = within(memory, stays, refuse)
    return fit(memory.schema, document, found, notes=notes, replace=replace, refuse=refuse)


def _amendment(memory: UserMemory, known: Profile, fitted: Fitted, by: str) -> Amendment:
    """What is new as an edit; what is stored and does not fit the schema stays."""
    document, changes = edited(known.document or {}, fitted.document, memory.schema)
    changes = tuple(altered(one, at=_date(memory, fitted, one)) for one in changes)
    return Amendment(
        document,
        changes,
        by,
        counts_as(memory.schema, document, known.fingerprint),
        stamps=_stamps(memory, known, changes),
    )


def _date(memory: UserMemory, fitted: Fitted, change: Applied) -> float | None:
    """When the source had a value; a date that is yet to come counts as today's."""
    at = fitted.dates.get(change.field, {}).get(mark(change.key, change.after))
    return None if at is None else min(at, memory.clock.now())


def _stamps(
    memory: UserMemory, known: Profile, changes: Sequence[Applied]
) -> Mapping[str, Mapping[str, float]]:
    """What is new counts as said, and as set by hand, when the source had it; undated, as set now.

    Words from before then change these fields no more, and later ones do.
    """
    result = {
        name: dict(times) for name, times in renamed_stamps(memory.schema, known.stamps).items()
    }
    dates: dict[str, list[float | None]] = {}
    for change in changes:
        if change.after is not None:
            dates.setdefault(change.field, []).append(change.at)
    for name, given in dates.items():
        stamps = result.setdefault(name, {})
        set_at = (memory.clock.now() if at is None else at for at in given)
        stamps["edited"] = max(stamps.get("edited", 0.0), *set_at)
        if said := [at for at in given if at is not None]:
            before = 0.0 if memory.schema.fields[name].kind == "scalar" else stamps.get("learned")
            stamps["learned"] = max(before or 0.0, *said)
    return result


def unwanted(memory: UserMemory, user_id: str, by: str, *, replace: bool, known: bool) -> Refuse:
    """Why a value is unwanted in a user's profile.

    Args:
        memory: Where the profile is.
        user_id: Whose.
        by: Whom the import's revisions are by.
        replace: Whether what went since may come again; what was forgotten never does, since the
            source is older.
        known: Whether there may be revisions of the user.
    """
    salt, tombstones = memory.driver.read(graves, user_id)
    past = memory.driver.read(history, user_id, _EVERY_REVISION) if known and not replace else []
    brought = {
        (change.field, mark(change.key, change.after))
        for revision in past
        if revision.by == by
        for change in renamed_revision(memory.schema, revision).changes
        if change.after is not None
    }

    def refuse(field: Field, value: Any, key: str | None) -> str | None:
        subject = subject_of(field, Applied(field.name, "add", after=value, key=key), value)
        names = (field.name, *field.settings.was) if tombstones else ()
        if any(buried(tombstones, salt, name, subject, 0.0) for name in names):
            return FORGOTTEN
        return GONE if (field.name, mark(key, value)) in brought else None

    return refuse


def within(memory: UserMemory, document: Mapping[str, Any], refuse: Refuse) -> Refuse:
    """The same rule, as long as the profile has room for what may come.

    Args:
        memory: Which says how much room there is.
        document: What stays of the profile as it is.
        refuse: The rule so far.
    """
    room = memory.consolidator.limits.room(document)
    begun = {name for name, value in document.items() if value}

    def full(field: Field, value: Any, key: str | None) -> str | None:
        if reason := refuse(field, value, key):
            return reason
        # The first item has no comma before it: else the next import would find room for one more.
        comma = int(field.kind in _COLLECTIONS and field.name not in begun)
        room.size -= comma
        done = _coming(field, value, key)
        if room.full(done):
            room.size += comma
            return NO_ROOM.format(room.most)
        room.take(done)
        begun.add(field.name)
        return None

    return full


def _coming(field: Field, value: Any, key: str | None) -> Applied:
    """A value that comes where nothing stands, as a change."""
    if field.kind in {"list", "objects"}:
        return Applied(field.name, "add", after=value, key=key, index=0)
    if field.kind == "map":
        return Applied(field.name, "set", after=value, key=key)
    inner = field.keys.get(key or "", field)
    return Applied(field.name, "update", inner.default, value, key)
