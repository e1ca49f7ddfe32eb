"""What is to be erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from usermemory.records import Evidence


@dataclass(frozen=True, slots=True)
class OfValue:
    """A field, or one value of it: the item of a list, the key of a map, a property.

    Attributes:
        anywhere: Whether it is erased although it is no item, and stands nowhere.
    """

    field: str
    value: Any = None
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class OfThread:
    """All that was said in a thread, and what rests on nothing else."""

    thread_id: str

    def taught(self, evidence: Evidence) -> bool:
        """Whether these words were said there."""
        return evidence.thread_id == self.thread_id


@dataclass(frozen=True, slots=True)
class OfMessage:
    """One message, by the caller's id or by its number in the inbox, and what rests on it alone."""

    thread_id: str
    message: str | int

    def taught(self, evidence: Evidence) -> bool:
        """Whether these words were said in it."""
        known = evidence.message_id, evidence.seq
        return evidence.thread_id == self.thread_id and self.message in known


Target = OfValue | OfThread | OfMessage
