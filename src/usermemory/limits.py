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


@dataclass(frozen=True, slots=True)
class Limits:
    """What code holds against a model that has lost its way, or follows somebody else.

    Attributes:
        max_changes: Changes that one consolidation may make.
        max_removed: Share of the profile, from 0 to 1, that one may remove; up to `FEW` values go
            in any case.
        max_profile: Characters of the profile, as JSON; at its limit it takes corrections and
            removals, and nothing more.
    """

    max_changes: int = 50
    max_removed: float = 0.5
    max_profile: int = 32_000

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
        """Why a profile may not become this, in words; None if it may."""
        size = _size(after)
        if size <= self.max_profile or size <= _size(before):
            return None
        return f"the profile would have {size} characters, {self.max_profile} at most"

    def is_full(self, document: Mapping[str, Any]) -> bool:
        """Whether a profile is as long as it may be."""
        return _size(document) >= self.max_profile


def _size(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _values(value: Any) -> int:
    """How many things a value says: each item of a list and each entry of a map is one."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).values()
        return sum(_values(entry) for entry in entries)
    if isinstance(value, (list, tuple)):
        return len(cast("list[Any]", value))
    return int(value is not None)
