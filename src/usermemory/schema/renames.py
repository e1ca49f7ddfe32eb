"""Fields and properties that were called otherwise before: `Remember.was`, resolved on reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from usermemory.records import Applied, Revision
from usermemory.schema.shape import Json, is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.schema.field import Field
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
    if not names.keys() & stamps.keys():
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
    return replace(revision, changes=tuple(_renamed_change(schema, c) for c in revision.changes))


def _renamed_change(schema: Schema, change: Applied) -> Applied:
    name = schema.old_names.get(change.field, change.field)
    known = schema.fields.get(name)
    if known is None:
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
