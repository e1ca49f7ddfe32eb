"""What migrations made of a profile, read off its history: PURE.

A migration leaves one revision with each user. Its ``model`` is the mapping as JSON, or the name
of the function; its ``fingerprint`` is the schema that it brought the profile to.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from usermemory.records import MIGRATION
from usermemory.schema.renames import renamed_revision
from usermemory.schema.shape import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from usermemory.records import Revision
    from usermemory.schema.schema import Schema


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
