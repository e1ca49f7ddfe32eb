"""A profile as items of a store: one for the whole, one for each field that holds something."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from langgraph.store.base import SearchItem

from usermemory.langgraph.profile_store.labels import label_of
from usermemory.langgraph.profile_store.matching import is_empty
from usermemory.records import Recalled

USERS = "users"
FIELDS = "fields"
PROFILE = "profile"


def profile_namespace(user_id: str) -> tuple[str, ...]:
    """Where the whole profile is, under the key ``profile``."""
    return (USERS, label_of(user_id))


def fields_namespace(user_id: str) -> tuple[str, ...]:
    """Where the fields are, each under its name."""
    return (USERS, label_of(user_id), FIELDS)


def items_of(user_id: str, known: Recalled) -> list[SearchItem]:
    """The whole profile first, then its fields in the schema's order."""
    times = [at for field in known.stamps.values() for at in field.values()]
    changed = known.updated_at or 0.0
    whole = _item(
        profile_namespace(user_id),
        PROFILE,
        dict(known.document),
        (min([*times, changed]), changed),
    )
    return [whole, *(_field(user_id, name, known) for name in held(known.document))]


def held(document: Mapping[str, Any]) -> list[str]:
    """The fields that hold something."""
    return [name for name, value in document.items() if not is_empty(value)]


def _field(user_id: str, name: str, known: Recalled) -> SearchItem:
    changed = known.updated_at or 0.0
    times = known.stamps.get(name, {}).values() or [changed]
    value = {"field": name, "value": known.document[name]}
    return _item(fields_namespace(user_id), name, value, (min(times), max(times)))


def _item(
    namespace: tuple[str, ...], key: str, value: dict[str, Any], times: tuple[float, float]
) -> SearchItem:
    created, updated = (datetime.fromtimestamp(at, tz=UTC) for at in times)
    # A copy: whoever gets it may do with it what they like.
    return SearchItem(namespace, key, copy.deepcopy(value), created, updated)
