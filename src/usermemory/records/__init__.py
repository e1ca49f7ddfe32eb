"""The things that are passed around: frozen, without behaviour beyond reading them.

Times are seconds since the epoch (UTC) as ``float``. JSON values are plain Python values.
"""

from usermemory.records.answers import (
    Forgotten,
    Imported,
    Job,
    News,
    Outcome,
    Place,
    Proof,
    Proposed,
    Recalled,
    Said,
    Scheduled,
    Snapshot,
    Status,
    ThreadState,
    Undone,
)
from usermemory.records.learning import (
    Action,
    Applied,
    Author,
    Change,
    Evidence,
    Message,
    Reason,
    Rejection,
    Revision,
    Usage,
    Who,
)

__all__ = [
    "Action",
    "Applied",
    "Author",
    "Change",
    "Evidence",
    "Forgotten",
    "Imported",
    "Job",
    "Message",
    "News",
    "Outcome",
    "Place",
    "Proof",
    "Proposed",
    "Reason",
    "Recalled",
    "Rejection",
    "Revision",
    "Said",
    "Scheduled",
    "Snapshot",
    "Status",
    "ThreadState",
    "Undone",
    "Usage",
    "Who",
]
