"""When the provider could not be asked, as the readings of all workers tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usermemory.errors import ProviderError

_KIND = f"{ProviderError.__name__}: "
"""With what the error of such a reading begins."""


@dataclass(slots=True)
class OutageSeen:
    """A time in which no reading reached the provider.

    Attributes:
        since: When it was first asked in vain.
        tried: When it was last asked in vain.
        reason: Of the last attempt, in a word.
        error: What the last attempt met.
        models: Those that were asked, by name, where that is known.
        tries: How often.
        until: When it answered again; None if it has not.
    """

    since: float
    tried: float
    reason: str = ""
    error: str = ""
    models: tuple[str, ...] = ()
    tries: int = 0
    until: float | None = None

    def lasted(self, now: float) -> float:
        """Seconds, until now where it has not ended."""
        return max(0.0, (now if self.until is None else self.until) - self.since)


def outages_in(readings: Sequence[Mapping[str, Any]]) -> list[OutageSeen]:
    """The outages among readings, the newest first; as the readings have to be."""
    found: list[OutageSeen] = []
    for row in reversed(readings):
        going_on = found[-1] if found and found[-1].until is None else None
        if row["outcome"] == "failed" and row["error"].startswith(_KIND):
            if going_on is None:
                found.append(going_on := OutageSeen(row["at"], row["at"]))
            going_on.tried, going_on.reason = row["at"], row["reason"]
            going_on.error = row["error"].removeprefix(_KIND)
            going_on.tries += 1
            if row["model"] and row["model"] not in going_on.models:
                going_on.models = (*going_on.models, row["model"])
        elif going_on is not None and _answered(row):
            going_on.until = row["at"]
    return found[::-1]


def _answered(row: Mapping[str, Any]) -> bool:
    """Whether a model answered, well or badly; messages of the bot alone are read without one."""
    if row["outcome"] == "failed":
        return bool(row["reason"] != "extractor_error")
    if row["outcome"] == "proposed":
        return False
    asked = row["model"] or json.loads(row["usage"]).get("calls")
    return bool(asked) or row["outcome"] == "changed"
