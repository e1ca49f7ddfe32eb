"""Write what was found into the memory, user by user, each as one revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as altered
from typing import Any

from usermemory.changes import edited
from usermemory.dates import made_items, mark_items
from usermemory.erasure import buried, subject_of
from usermemory.errors import IdentityError
from usermemory.extras.importing.fitting import (
    COLLECTIONS,
    Fitted,
    Found,
    LeftOut,
    Refuse,
    fit,
    mark,
    notes_field,
)
from usermemory.extras.importing.screening import without_secrets
from usermemory.memory import UserMemory
from usermemory.records import Applied, Revision
from usermemory.schema import Field
from usermemory.schema.document import counts_as
from usermemory.schema.renames import renamed_revision, renamed_stamps
from usermemory.settings import checked_user
from usermemory.store.flows import Profile, load_profile
from usermemory.store.flows.amend import Amendment, amend
from usermemory.store.flows.erase import graves
from usermemory.store.flows.recall import history

FORGOTTEN = "the user had it forgotten"
GONE = "it was imported before and is gone since"
NO_ROOM = "the profile is full: {} characters at most (max_profile)"

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
        by_key: Users that nothing but a key of the source names: is each of them one?
    """

    users: int
    changed: int
    unchanged: int
    left_out: dict[str, Sequence[LeftOut]]
    by_key: Sequence[str] = ()


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
    this = _Import(memory, by, field, replace=replace, dry_run=dry_run)
    users = changed = 0
    by_key: list[str] = []
    left_out: dict[str, Sequence[LeftOut]] = {}
    for each in found:
        if not (each.user_id or each.parts or each.notes):
            left_out[""] = without_secrets(each, memory.secrets).unreadable
            continue
        done = this.user(each)
        users += 1
        by_key += [done.user_id] if each.by_key else []
        changed += bool(done.fields)
        if done.left_out:
            left_out[done.user_id] = done.left_out
        if progress:
            progress(done)
    return Imported(users, changed, users - changed, left_out, by_key)


@dataclass(frozen=True, slots=True)
class _Import:
    """One import: where to, whom its revisions are by, and what becomes of what is held."""

    memory: UserMemory
    by: str
    notes: str | None
    replace: bool
    dry_run: bool

    def user(self, found: Found) -> ImportedUser:
        """Bring in what a source says about one user."""
        try:
            user_id = checked_user(found.user_id)
        except IdentityError as error:
            found = without_secrets(found, self.memory.secrets)
            wrong = LeftOut("", found.user_id, str(error))
            return ImportedUser(found.user_id, (), None, [wrong, *found.unreadable])
        found = without_secrets(found, self.memory.secrets)
        known = self.memory.driver.read(load_profile, user_id)
        while True:
            fitted = self._fitted(user_id, known, found)
            done = ImportedUser(user_id, fitted.fields, None, fitted.left_out)
            if self.dry_run or not fitted.fields:
                return done
            amendment = self._amendment(known, fitted)
            # A profile that is being learned moves on now and then between reading and writing it.
            answer = self.memory.driver.write(amend, user_id, known, amendment)
            if isinstance(answer, Revision):
                return altered(done, revision=answer.number)
            known = answer

    def _fitted(self, user_id: str, known: Profile, found: Found) -> Fitted:
        """What of the source comes into the profile as it is."""
        schema = self.memory.schema
        document = schema.read(known.document or {}).document
        stays = dict(document)
        if self.replace:
            replaced = {self.notes, *(name for part in found.parts for name in part)}
            stays |= {name: schema.fields[name].default for name in stays if name in replaced}
        past = known.revision > 0 and not self.replace
        refuse = self._refusal(user_id, stays, self._brought_before(user_id) if past else set())
        return fit(schema, document, found, notes=self.notes, replace=self.replace, refuse=refuse)

    def _brought_before(self, user_id: str) -> set[tuple[str, str]]:
        """The fields and marks of what earlier imports brought: what is gone of it stays gone."""
        return {
            (change.field, mark(change.key, change.after))
            for revision in self.memory.driver.read(history, user_id, _EVERY_REVISION)
            if revision.by == self.by
            for change in renamed_revision(self.memory.schema, revision).changes
            if change.after is not None
        }

    def _refusal(
        self, user_id: str, stays: Mapping[str, Any], brought: set[tuple[str, str]]
    ) -> Refuse:
        """Why a value must not come in: forgotten, gone since it was brought, or too much.

        What was forgotten never comes again, since the source is older.
        """
        salt, tombstones = self.memory.driver.read(graves, user_id)
        room = self.memory.consolidator.limits.room(stays)
        begun = {name for name, value in stays.items() if value}

        def refuse(field: Field, value: Any, key: str | None) -> str | None:
            subject = subject_of(field, Applied(field.name, "add", after=value, key=key), value)
            names = (field.name, *field.settings.was) if tombstones else ()
            if any(buried(tombstones, salt, name, subject, 0.0) for name in names):
                return FORGOTTEN
            if (field.name, mark(key, value)) in brought:
                return GONE
            # The first item has no comma before it: else the next import would find room for one
            # more.
            comma = int(field.kind in COLLECTIONS and field.name not in begun)
            room.size -= comma
            coming = _coming(field, value, key)
            if room.full(coming):
                room.size += comma
                return NO_ROOM.format(room.most)
            room.take(coming)
            begun.add(field.name)
            return None

        return refuse

    def _amendment(self, known: Profile, fitted: Fitted) -> Amendment:
        """What is new as an edit; what is stored and does not fit the schema stays."""
        schema, now = self.memory.schema, self.memory.clock.now()
        document, changes = edited(known.document or {}, fitted.document, schema)
        # A date that is yet to come counts as today's.
        dated = [
            altered(change, at=None if at is None else min(at, now))
            for change in changes
            for at in [fitted.dates.get(change.field, {}).get(mark(change.key, change.after))]
        ]
        return Amendment(
            document,
            tuple(dated),
            self.by,
            counts_as(schema, document, known.fingerprint),
            stamps=self._stamps(known, dated),
        )

    def _stamps(
        self, known: Profile, changes: Sequence[Applied]
    ) -> Mapping[str, Mapping[str, float]]:
        """What is new counts as said, and as set by hand, when the source had it; else as set now.

        Words from before then change these fields no more, and later ones do.
        """
        schema, now = self.memory.schema, self.memory.clock.now()
        result = {name: dict(times) for name, times in renamed_stamps(schema, known.stamps).items()}
        for change in changes:
            if change.after is None:
                continue
            stamps = result.setdefault(change.field, {})
            set_at = now if change.at is None else change.at
            stamps["edited"] = max(stamps.get("edited", 0.0), set_at)
            mark_items(stamps, "edited", made_items(change), set_at)
            if change.at is not None:
                is_single = schema.fields[change.field].kind == "scalar"
                before = 0.0 if is_single else stamps.get("learned", 0.0)
                stamps["learned"] = max(before, change.at)
                mark_items(stamps, "learned", made_items(change), change.at)
        return result


def _coming(field: Field, value: Any, key: str | None) -> Applied:
    """A value that comes where nothing stands, as a change."""
    if field.kind in {"list", "objects"}:
        return Applied(field.name, "add", after=value, key=key, index=0)
    if field.kind == "map":
        return Applied(field.name, "set", after=value, key=key)
    inner = field.keys.get(key or "", field)
    return Applied(field.name, "update", inner.default, value, key)
