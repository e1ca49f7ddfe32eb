"""Erase a value, a message or a thread's contribution, and keep it from coming back: PURE."""

from usermemory.erasure.past import subject_of
from usermemory.erasure.plan import Plan, plan
from usermemory.erasure.target import (
    Kept,
    OfMessage,
    OfThread,
    OfValue,
    Refusals,
    Stored,
    Target,
)
from usermemory.erasure.tombstone import EVERYTHING, Tombstone, buried, tombstone
from usermemory.text import MASK

__all__ = [
    "EVERYTHING",
    "MASK",
    "Kept",
    "OfMessage",
    "OfThread",
    "OfValue",
    "Plan",
    "Refusals",
    "Stored",
    "Target",
    "Tombstone",
    "buried",
    "plan",
    "subject_of",
    "tombstone",
]
