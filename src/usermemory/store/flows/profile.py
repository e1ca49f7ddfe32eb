"""A profile as it is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from usermemory.store.driver import Row


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as a flow finds it.

    ``stamps`` says for each field when it was ``learned``, ``confirmed`` and ``edited`` by hand;
    ``fingerprint`` under which schema it was written last.
    """

    document: Mapping[str, Any] | None = None
    revision: int = 0
    stamps: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Any])
    fingerprint: str = ""


def times(stamps: Mapping[str, Mapping[str, float]], stamp: str) -> dict[str, float]:
    """The time of one stamp, for the fields that have it."""
    return {name: found[stamp] for name, found in stamps.items() if stamp in found}


def profile_of(row: Row | None) -> Profile:
    """A profile from its row; the user's revision counts on even where the profile is gone."""
    if row is None or row["document"] is None:
        return Profile(revision=row["revision"] if row else 0)
    return Profile(
        document=json.loads(row["document"]),
        revision=row["revision"],
        stamps=json.loads(row["stamps"]),
        fingerprint=row["fingerprint"],
    )
