"""What happens, as one frozen object, for hooks: ``UserMemory(on_event=…)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from usermemory.records import Outcome, Scheduled

EventKind = Literal[
    "scheduled", "claimed", "consolidated", "held", "rejected", "failed", "recalled", "error"
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: What.
        user_id: Of whom.
        thread_id: In which thread, if any.
        at: When.
        outcome: For ``consolidated``, ``held``, ``rejected`` and ``failed``.
        scheduled: For ``scheduled``.
        error: For ``error``: what a node or the worker swallowed on purpose.
    """

    kind: EventKind
    user_id: str = ""
    thread_id: str = ""
    at: float = 0.0
    outcome: Outcome | None = None
    scheduled: Scheduled | None = None
    error: BaseException | None = None
