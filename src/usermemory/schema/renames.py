"""Fields and properties that were called otherwise before: `Remember.was`, resolved on reading."""

from __future__ import annotations

import json
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING, Any, Literal

from usermemory.records import MIGRATION, Applied, Revision
from usermemory.schema.shape import Json, canonical, is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from usermemory.schema.fields import Field
    from usermemory.schema.schema import Schema


def renamed(schema: Schema, stored: Mapping[str, Any]) -> Json:
    """A document under today's names: a field's old value, where the new name holds none."""
    found = dict(stored)
    if not schema.renames:
        return found
    for name, known in schema.fields.items():
        for old in known.settings.was:
            if _holds_nothing(known, found.get(name)) and not is_empty(found.get(old)):
                found = {**found, name: found[old]}
                del found[old]
            elif is_empty(found.get(old, ...)):
                del found[old]
        if name in found and known.keys:
            found[name] = _renamed_within(known, found[name])
    return found


def _renamed_within(known: Field, value: Any) -> Any:
    """The same for the properties of an object, and of the objects of a list or map."""
    if not any(key.settings.was or key.keys for key in known.keys.values()):
        return value
    if known.kind == "objects" and is_list(value):
        return [_renamed_keys(known, item) for item in value]
    if known.kind == "map" and is_object(value):
        return {key: _renamed_keys(known, item) for key, item in value.items()}
    return _renamed_keys(known, value)


def _renamed_keys(known: Field, value: Any) -> Any:
    if not is_object(value):
        return value
    found = dict(value)
    for name, key in known.keys.items():
        for old in key.settings.was:
            if _holds_nothing(key, found.get(name)) and not is_empty(found.get(old)):
                found[name] = found.pop(old)
            elif old in found and is_empty(found[old]):
                del found[old]
        if name in found and key.keys:
            found[name] = _renamed_within(key, found[name])
    return found


def renamed_stamps(schema: Schema, stamps: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stamps of fields under today's names."""
    return renamed_times(schema.old_names, stamps)


def renamed_times(names: Mapping[str, str], stamps: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stamps of fields under other names.

    Args:
        names: Old names to new ones.
        stamps: The times of each field; where both names have some, those of the new one count.
    """
    if not names or not names.keys() & stamps.keys():
        return stamps
    found: Json = {}
    for name, times in stamps.items():
        new = names.get(name, name)
        found[new] = (
            {**times, **found.get(new, {})} if name != new else {**found.get(new, {}), **times}
        )
    return found


def renamed_revision(schema: Schema, revision: Revision) -> Revision:
    """A revision whose changes bear today's names."""
    if not schema.renames:
        return revision
    changes = tuple(_renamed_change(schema, change) for change in revision.changes)
    # Most bear them already: of a long history the copies would be the greater part of the time.
    same = all(map(is_, changes, revision.changes))
    return revision if same else replace(revision, changes=changes)


def _renamed_change(schema: Schema, change: Applied) -> Applied:
    name = schema.old_names.get(change.field, change.field)
    known = schema.fields.get(name)
    if known is None or (name == change.field and not known.keys):
        return change
    key, part = change.key, known
    if known.kind == "object" and key is not None:
        olds = {old: new for new, inner in known.keys.items() for old in inner.settings.was}
        key = olds.get(key, key)
        part = known.keys.get(key, known)
    before, after = (
        _renamed_keys(part, side)
        if part.kind in {"objects", "map"}
        else _renamed_within(part, side)
        for side in (change.before, change.after)
    )
    return replace(change, field=name, key=key, before=before, after=after)


def is_empty(value: Any) -> bool:
    """Whether a stored value says nothing."""
    return value is None or value in ("", [], {})


def _holds_nothing(known: Field, value: Any) -> bool:
    return is_empty(value) or value == known.default


def standing(history: Iterable[Revision]) -> Iterator[Revision]:
    """The revisions that were not taken back.

    Args:
        history: The newest first.
    """
    taken: set[int] = set()
    for revision in history:
        if revision.number not in taken:
            taken.update(revision.undoes)
            yield revision


State = Literal["behind", "done", "another", "begun"]
"""How a user stands to a migration by a function: another schema left something; the function was
applied; another function has brought it to today's schema; nothing was ever another schema's."""


def state(history: Sequence[Revision], name: str, fingerprint: str) -> State:
    """How a user stands to a migration.

    Args:
        history: The user's, the newest first.
        name: The function's.
        fingerprint: Today's schema.
    """
    found: State | None = None
    for revision in standing(history):
        if revision.by != MIGRATION or not revision.model:
            continue
        if revision.fingerprint != fingerprint:
            return found or "behind"
        if revision.model == name:
            return "done"
        if not _is_mapping(revision):
            found = "another"
    begun = bool(history) and history[-1].fingerprint == fingerprint
    return found or ("begun" if begun else "behind")


def mapping_name(mapping: Mapping[str, str]) -> str:
    """The name of a migration by a mapping."""
    return canonical(dict(mapping))


def moves_of(revision: Revision) -> Mapping[str, str]:
    """The fields that a migration moved, old name to new."""
    if revision.by != MIGRATION or not _is_mapping(revision):
        return {}
    found: dict[str, str] = json.loads(revision.model)
    return found


def _is_mapping(migration: Revision) -> bool:
    return migration.model.startswith("{")


def moved_names(history: Iterable[Revision]) -> dict[str, str]:
    """Old names of fields whose values a migration has moved, each with today's."""
    names: dict[str, str] = {}
    for revision in standing(history):
        names |= {old: names.get(new, new) for old, new in moves_of(revision).items()}
    return names


def renamed_history(schema: Schema, history: Sequence[Revision]) -> list[Revision]:
    """A history under today's names: those of `Remember.was`, and of fields that were moved.

    Args:
        schema: Today's.
        history: The newest first. What is older than a migration bears the names that this gave;
            the migration itself tells of both.
    """
    standing_ones = {revision.number for revision in standing(history)}
    names: dict[str, str] = {}
    found: list[Revision] = []
    for revision in history:
        found.append(renamed_revision(schema, _moved(revision, names)))
        if revision.number in standing_ones:
            names |= {old: names.get(new, new) for old, new in moves_of(revision).items()}
    return found


def _moved(revision: Revision, names: Mapping[str, str]) -> Revision:
    if not any(change.field in names for change in revision.changes):
        return revision
    changes = (replace(one, field=names.get(one.field, one.field)) for one in revision.changes)
    return replace(revision, changes=tuple(changes))
