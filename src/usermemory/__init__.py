"""Long-term memory of users for LangGraph and LangChain chatbots.

Importing this package imports nothing heavy; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from usermemory.errors import UserMemoryError
    from usermemory.extract import Extraction, Extractor, Request
    from usermemory.memory import UserMemory
    from usermemory.records import (
        Change,
        Event,
        Evidence,
        Forgotten,
        Hit,
        Imported,
        Job,
        Message,
        Misfit,
        Outcome,
        Proof,
        Proposal,
        Proposed,
        Recalled,
        Refused,
        Revision,
        Scheduled,
        Shown,
        Snapshot,
        Undone,
    )
    from usermemory.retry import Retry
    from usermemory.schema import Remember, UserProfile

_HOMES = {
    "UserMemory": "memory",
    "UserProfile": "schema",
    "Remember": "schema",
    "Event": "records",
    "UserMemoryError": "errors",
    "Extraction": "extract",
    "Extractor": "extract",
    "Request": "extract",
    "Retry": "retry",
    **dict.fromkeys(
        (
            "Change",
            "Evidence",
            "Forgotten",
            "Hit",
            "Imported",
            "Job",
            "Message",
            "Misfit",
            "Outcome",
            "Proof",
            "Proposal",
            "Proposed",
            "Recalled",
            "Refused",
            "Revision",
            "Scheduled",
            "Shown",
            "Snapshot",
            "Undone",
        ),
        "records",
    ),
}

__all__ = [
    "Change",
    "Event",
    "Evidence",
    "Extraction",
    "Extractor",
    "Forgotten",
    "Hit",
    "Imported",
    "Job",
    "Message",
    "Misfit",
    "Outcome",
    "Proof",
    "Proposal",
    "Proposed",
    "Recalled",
    "Refused",
    "Remember",
    "Request",
    "Retry",
    "Revision",
    "Scheduled",
    "Shown",
    "Snapshot",
    "Undone",
    "UserMemory",
    "UserMemoryError",
    "UserProfile",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # takes longer than all the rest of this file

        return version("usermemory")
    if name not in _HOMES:
        raise AttributeError(f"module 'usermemory' has no attribute {name!r}")
    return getattr(import_module(f"usermemory.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
