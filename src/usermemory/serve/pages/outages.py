"""When a provider could not be asked, as the readings of all workers tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usermemory.errors import ProviderError

_KIND = f"{ProviderError.__name__}: "
"""With what the error of such a reading begins."""

_GIVEN_UP = 900.0
"""Seconds after which a provider that is tried no more, while another answers, is out of use: as
long as an outage lasts it is tried every five minutes."""


@dataclass(slots=True)
class OutageSeen:
    """A time in which no reading reached a provider.

    Attributes:
        since: When it was first asked in vain.
        tried: When it was last asked in vain.
        reason: Of the last attempt, in a word.
        error: What the last attempt met.
        model: That was asked, by name; empty where that is not known.
        tries: How often.
        until: When it answered again; None if it has not.
    """

    since: float
    tried: float
    reason: str = ""
    error: str = ""
    model: str = ""
    tries: int = 0
    until: float | None = None

    def lasted(self, now: float) -> float:
        """Seconds, until now where it has not ended."""
        return max(0.0, (now if self.until is None else self.until) - self.since)


def outages_in(readings: Sequence[Mapping[str, Any]]) -> list[OutageSeen]:
    """The outages among readings, the newest first, as the readings have to be; by model."""
    found: list[OutageSeen] = []
    going_on: dict[str, OutageSeen] = {}
    for row in reversed(readings):
        at, model = row["at"], row["model"]
        if row["outcome"] == "failed" and row["error"].startswith(_KIND):
            if model not in going_on:
                going_on[model] = OutageSeen(at, at, model=model)
                found.append(going_on[model])
            one = going_on[model]
            one.tried, one.reason = at, row["reason"]
            one.error = row["error"].removeprefix(_KIND)
            one.tries += 1
        elif going_on and _answered(row):
            for one in list(going_on.values()):
                if _is_same(one.model, model) or at - one.tried > _GIVEN_UP:
                    one.until = at
                    del going_on[one.model]
    return found[::-1]


def _is_same(asked: str, answered: str) -> bool:
    """Whether it may be one model: providers answer with a longer name, or none."""
    return asked.startswith(answered) or answered.startswith(asked)


def _answered(row: Mapping[str, Any]) -> bool:
    """Whether a model answered, well or badly; messages of the bot alone are read without one."""
    if row["outcome"] == "failed":
        return bool(row["reason"] != "extractor_error")
    if row["outcome"] == "proposed":
        return False
    asked = row["model"] or json.loads(row["usage"]).get("calls")
    return bool(asked) or row["outcome"] == "changed"
