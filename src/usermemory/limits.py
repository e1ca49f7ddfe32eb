"""How much one consolidation may change, and how much a profile may hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from usermemory.errors import ConfigurationError

if TYPE_CHECKING:
    from usermemory.errors import ExtractionReason
    from usermemory.records import Applied, Refused

FEW = 3
"""Removals that one consolidation may always make: a small profile may be emptied."""


_A_FACT = 100
"""Characters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What code holds against a model that has lost its way, or follows somebody else.

    Attributes:
        max_changes: Changes that one consolidation may make.
        max_removed: Share of the profile, from 0 to 1, that one may remove; up to `FEW` values go
            in any case.
        max_profile: Characters of the profile, as JSON; at its limit it takes corrections,
            removals and what makes it shorter, and nothing more.
    """

    max_changes: int = 50
    max_removed: float = 0.5
    max_profile: int = 256_000

    def __post_init__(self) -> None:
        for name in ("max_changes", "max_profile"):
            most = getattr(self, name)
            if isinstance(most, bool) or not isinstance(most, int) or most < 1:
                raise ConfigurationError(f"{name} is {most!r}; it is a whole number, at least 1")
        if not 0 <= self.max_removed <= 1:
            raise ConfigurationError(
                f"max_removed is {self.max_removed!r}; it is a share of the profile, from 0 to 1"
            )

    def exceeded(
        self,
        document: Mapping[str, Any],
        applied: Sequence[Applied],
        rejections: Iterable[Refused],
    ) -> tuple[ExtractionReason, str] | None:
        """Why these changes must not be made, as a reason and in words; None if they may.

        Args:
            document: The profile before.
            applied: What would be done to it.
            rejections: What would not; an answer of which the end was not even read is too long.
        """
        longer = next((one.detail for one in rejections if one.reason == "too_many"), None)
        if longer is not None:
            return "too_many", longer
        if len(applied) > self.max_changes:
            return "too_many", f"{len(applied)} changes at once, {self.max_changes} at most"
        removed = sum(one.before is not None and one.after is None for one in applied)
        known = sum(_values(value) for value in document.values())
        if removed > max(FEW, self.max_removed * known):
            most = max(FEW, int(self.max_removed * known))
            return "removes_too_much", f"{removed} of {known} values removed, {most} at most"
        return None

    def full(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
        """Why a profile may not become this, in words; None if it may.

        It measures both documents: for a batch of changes take `room`, which measures once.
        """
        size = _size(after)
        grows = size > _size(before) and _facts(after) > _facts(before)
        return _too_large(size, self.max_profile) if size > self.max_profile and grows else None

    def room(self, document: Mapping[str, Any]) -> Room:
        """How much may be added to a profile by changes that are made one after the other."""
        return Room(self.max_profile, _size(document))

    def is_full(self, document: Mapping[str, Any]) -> bool:
        """Whether a profile is as long as it may be, give or take a short fact."""
        return _size(document) >= self.max_profile - _A_FACT


@dataclass(slots=True)
class Room:
    """The size of a profile while changes are made to it: measured once, then by difference.

    Attributes:
        most: Characters that it may have.
        size: Characters that it has as JSON, right but for a comma a change.
    """

    most: int
    size: int

    def full(self, done: Applied) -> str | None:
        """Why this change may not be made, in words; None if it may.

        A correction may be longer than what it corrects: only what says more is an addition.
        """
        growth = _growth(done)
        size = self.size + growth
        adds = growth > 0 and _facts(done.after) > _facts(done.before)
        return _too_large(size, self.most) if size > self.most and adds else None

    def take(self, done: Applied) -> None:
        """Count a change that was made."""
        self.size += _growth(done)


def _growth(done: Applied) -> int:
    """Characters that a change adds to the profile's JSON, below 0 if it takes some away."""
    growth = _size(done.after) - _size(done.before)
    item = done.index is not None
    entry = not item and done.key is not None and done.action in ("set", "remove")
    if None not in (done.before, done.after) or not (item or entry):
        return growth  # a value in place of another, or of the null that stands for none
    # An item comes and goes with a comma, an entry with its key too; no null is in its place.
    around = 1 + _size(None) + (_size(done.key) + 1 if entry else 0)
    return growth + around if done.before is None else growth - around


def _too_large(size: int, most: int) -> str:
    return (
        f"the profile would have {size} characters, {most} at most (max_profile); corrections and "
        "removals still go through"
    )


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _facts(value: Any) -> int:
    """How much a value says, to the last of its parts: what is null or empty says nothing."""
    if isinstance(value, Mapping):
        return sum(_facts(part) for part in cast("Mapping[str, Any]", value).values())
    if isinstance(value, (list, tuple)):
        return sum(_facts(part) for part in cast("list[Any]", value))
    return int(value is not None)


def _values(value: Any) -> int:
    """How many things a value says: each item of a list and each entry of a map is one."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).values()
        return sum(_values(entry) for entry in entries)
    if isinstance(value, (list, tuple)):
        return len(cast("list[Any]", value))
    return int(value is not None)
