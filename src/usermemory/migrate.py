"""Taking over what another schema has stored, user by user."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from types import CodeType
from typing import Any

from usermemory.changes.apply import changed
from usermemory.changes.coerce import plain
from usermemory.errors import InvalidInput, did_you_mean
from usermemory.messages import is_mapping
from usermemory.past import Origins
from usermemory.records import MIGRATION, Applied, Migrated, Migration, Revision, SchemaCheck
from usermemory.schema import Schema
from usermemory.schema.document import dropped
from usermemory.schema.renames import (
    State,
    is_empty,
    mapping_name,
    moves_of,
    renamed_history,
    renamed_times,
    state,
)
from usermemory.schema.shape import canonical
from usermemory.store import Driver
from usermemory.store.flows import Profile
from usermemory.store.flows import amend as amends
from usermemory.store.flows import recall as recalls
from usermemory.store.flows.amend import Amendment

Move = Callable[[dict[str, Any]], Any]
"""Makes a stored document one of today's schema."""

_PAGE = 200


def stored_profiles(driver: Driver) -> Iterator[tuple[str, Profile]]:
    """Every user with a profile, page by page."""
    after = ""
    while page := driver.read(amends.stored, after, _PAGE):
        yield from page
        after = page[-1][0]


def checked_schema(driver: Driver, schema: Schema) -> SchemaCheck:
    """How much of what is stored a schema takes; reads every profile, changes nothing."""
    users = misfitting = unread = 0
    values: Counter[Any] = Counter()
    holders: Counter[Any] = Counter()
    for _, profile in stored_profiles(driver):
        users += 1
        misfits = schema.read(profile.document or {}).misfits
        kinds = Counter((one.field, one.reason) for one in misfits)
        values += kinds
        holders.update(kinds.keys())
        misfitting += bool(misfits)
        unread += profile.fingerprint != schema.fingerprint and bool(dropped(misfits))
    fields = {kind: (values[kind], holders[kind]) for kind in sorted(values)}
    return SchemaCheck(users, misfitting, unread, fields)


class Migrating:
    """One migration: a mapping, a function, or neither, then what is stored is only accepted.

    Args:
        driver: The database.
        schema: Today's.
        mapping: Fields to move, old name to new.
        function: Makes the document instead.
        everyone: Whether the function takes users too who were begun under today's schema.

    Raises:
        InvalidInput: Both are given, or the mapping names a field that is not there.
    """

    def __init__(
        self,
        driver: Driver,
        schema: Schema,
        mapping: Mapping[str, str],
        function: Move | None,
        *,
        everyone: bool,
    ) -> None:
        if mapping and function is not None:
            raise InvalidInput("a migration goes by a mapping or by a function, not by both")
        self._driver = driver
        self._schema = schema
        self._mapping = mapping
        self._function = function
        self._everyone = everyone
        self._name = mapping_name(mapping) if function is None else function_name(function)
        self._some_behind: bool | None = None
        for new in mapping.values():
            schema.check_name(new, {})
        self._check_old_names()

    def run(self, done: Callable[[Migrated], None] | None, *, dry_run: bool) -> Migration:
        """Take the users one after the other; as `UserMemory.migrate_schema` says."""
        if not dry_run:
            self._carry_erasures()
        found = Migration()
        for user_id, profile in stored_profiles(self._driver):
            if not self._takes(user_id, profile, dry_run=dry_run):
                found.skipped += 1
            elif one := self._migrated(user_id, profile, dry_run=dry_run):
                found.append(one)
                if done:
                    done(one)
        return found

    def _carry_erasures(self) -> None:
        """See that nothing that was erased comes back under another name.

        A function does not say where values go: what was erased of a field that the schema has no
        more is not learned again in any.
        """
        moves = list(self._mapping.items())
        if self._function is not None:
            buried = set(self._driver.read(amends.buried_fields))
            gone = buried - self._schema.fields.keys() - self._schema.old_names.keys()
            moves = list(product(sorted(gone), self._schema.fields))
        if moves:
            self._driver.write(amends.carry, moves)

    def _takes(self, user_id: str, profile: Profile, *, dry_run: bool) -> bool:
        """Whether the migration takes a user.

        A user whom another function has brought to today's schema is done, as long as that one has
        not reached everybody: this one goes on for it, and that is noted.
        """
        found = self._state(user_id)
        if found == "behind":
            self._some_behind = True
        if found == "another" and self._some_behind is None:
            users = (one for one, _ in stored_profiles(self._driver))
            self._some_behind = any(self._state(one) == "behind" for one in users)
        if found != "another" or not self._some_behind:
            return found in {"behind", "another"}
        while not dry_run:
            stored = self._schema.read(profile.document or {}).stored
            answer = self._write(user_id, profile, stored, ())
            if isinstance(answer, Revision):
                break
            profile = answer
        return False

    def _migrated(self, user_id: str, profile: Profile, *, dry_run: bool) -> Migrated | None:
        """One user; again on the newer profile, if it has moved meanwhile; None if all is done."""
        schema = self._schema
        while True:
            history = self._history(user_id) if self._mapping else []
            stored = schema.read(profile.document or {}).stored
            reading = schema.read(self._made(user_id, stored))
            changes = tuple(changed(stored, reading.stored, schema))
            if not changes and self._is_noted(history, profile):
                return None
            result = Migrated(user_id, changes, reading.misfits)
            if dry_run:
                return result
            past = renamed_history(schema, history or self._history(user_id))
            kept = _with_words(changes, past, stored)
            answer = self._write(user_id, profile, reading.stored, kept)
            if isinstance(answer, Revision):
                return replace(result, changes=kept)
            profile = answer

    def _check_old_names(self) -> None:
        """See that each old name was ever one: in a document, a history, an erasure, the schema."""
        if not self._mapping:
            return
        known = {*self._schema.fields, *self._schema.old_names}
        known.update(self._driver.read(amends.buried_fields))
        seen: set[str] = set()
        for names in self._names():
            if known.issuperset(self._mapping):
                return
            known |= names
            seen |= names
        if wrong := sorted(self._mapping.keys() - known) if seen else []:
            meant = did_you_mean(wrong[0], sorted(seen)) or f": there is {', '.join(sorted(seen))}"
            raise InvalidInput(f"nobody has, or ever had, a field {wrong[0]!r}{meant}")

    def _names(self) -> Iterator[set[str]]:
        """The fields that users have, profile by profile; then those of their histories."""
        for _, profile in stored_profiles(self._driver):
            yield set(profile.document or {})
        for user_id, _ in stored_profiles(self._driver):
            changes = [change for one in self._history(user_id) for change in one.changes]
            yield {change.field for change in changes}

    def _state(self, user_id: str) -> State:
        """How a user stands to the function; a mapping asks only what is stored."""
        if self._function is None:
            return "behind"
        found = state(self._history(user_id), self._name, self._schema.fingerprint)
        return "behind" if found == "begun" and self._everyone else found

    def _is_noted(self, history: Sequence[Revision], profile: Profile) -> bool:
        """Whether there is nothing to note where nothing changes: no value, no past, no schema."""
        if self._function is not None or profile.fingerprint != self._schema.fingerprint:
            return False
        gone = self._mapping.keys() - self._schema.fields.keys()
        return not any(
            change.field in gone
            for revision in renamed_history(self._schema, history)
            if not gone & moves_of(revision).keys()
            for change in revision.changes
        )

    def _made(self, user_id: str, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What the migration makes of a document.

        Raises:
            InvalidInput: The function fails, or makes no document; names the user.
        """
        document = copy.deepcopy(dict(stored))
        if self._function is None:
            return _moved(document, self._mapping)
        try:
            found = plain(self._function(document), "a document")
        except Exception as error:
            raise InvalidInput(
                f"the function fails for user {user_id!r}: {type(error).__name__}: {error}. "
                "What was migrated before stays so; mended, it goes on from here"
            ) from error
        if not is_mapping(found):
            made = type(found).__name__
            raise InvalidInput(f"the function made {made} of user {user_id!r}, no document")
        return dict(found)

    def _write(
        self,
        user_id: str,
        profile: Profile,
        document: Mapping[str, Any],
        changes: tuple[Applied, ...],
    ) -> Revision | Profile:
        """Write what was made of a user, if the profile is still the one it was made of."""
        old_names = {**self._schema.old_names, **self._mapping}
        amendment = Amendment(
            document,
            changes,
            MIGRATION,
            self._schema.fingerprint,
            model=self._name,
            stamps=renamed_times(old_names, profile.stamps),
        )
        return self._driver.write(amends.amend, user_id, profile, amendment)

    def _history(self, user_id: str) -> list[Revision]:
        return self._driver.read(recalls.profile_and_history, user_id)[1]


def _moved(document: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The document with values under new names, where these hold none."""
    for old, new in mapping.items():
        if not is_empty(document.get(old)) and is_empty(document.get(new)):
            document[new] = document.pop(old)
    return document


def _with_words(
    changes: Sequence[Applied], history: list[Revision], stored: Mapping[str, Any]
) -> tuple[Applied, ...]:
    """The changes, those that put in what left another field with the words that it rests on."""
    origins = Origins(history)
    left: dict[str, list[Applied]] = {}
    for one in changes:
        if one.before is not None:
            left.setdefault(canonical(one.before), []).append(one)

    def with_words(change: Applied) -> Applied:
        others = left.get(canonical(change.after), ()) if change.after is not None else ()
        for other in others:
            if other.field != change.field:
                words = origins.evidence(stored, other.field, other.before)
                return replace(change, evidence=tuple(words))
        return change

    return tuple(map(with_words, changes))


def function_name(function: Any) -> str:
    """A function by its module and name, the same in every process.

    A lambda has no name: a digest of what it does stands for it.
    """
    inner: Any = getattr(function, "func", None)
    if inner is not None:  # functools.partial
        return f"{function_name(inner)}{(function.args, function.keywords)!r}"
    function = inspect.unwrap(function)
    name = f"{_told(function, '__module__')}:{_told(function, '__qualname__')}"
    code = getattr(function, "__code__", None)
    if "<lambda>" in name and code is not None:
        name += f"#{hashlib.sha256(_text(code).encode()).hexdigest()[:16]}"
    return name


def _told(function: Any, attribute: str) -> str:
    """Of an object that can be called, what its type says."""
    kind: Any = function.__class__
    return str(getattr(function, attribute, None) or getattr(kind, attribute))


def _text(code: CodeType) -> str:
    inner = [_text(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return repr((code.co_code, code.co_names, inner))
