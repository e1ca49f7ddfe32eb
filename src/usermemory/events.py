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
    """Something that happened, told in the thread where it did.

    ``scheduled``: messages were taken in (each `remember`, also where nothing was new).
    ``recalled``: a profile was read for a chat. ``claimed``: a batch is begun, by a worker,
    `trigger` or `run_due`; then one of ``consolidated`` (learned from, or nothing to learn),
    ``held`` (by gate or budget) and ``failed`` (tried again, or dead) says how it ended, and
    ``rejected`` follows if proposed changes were refused. ``error``: a chat or a worker went on
    without its memory; where a claimed batch ends so, nothing else follows.

    Attributes:
        kind: What.
        user_id: Of whom; empty for an ``error`` of the worker.
        thread_id: In which thread; empty for ``recalled`` and for an ``error`` of the worker.
        at: When, in seconds since the epoch.
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
