"""Erase a value, a message or a thread's contribution, and keep it from coming back: PURE."""

from usermemory.erasure.kept import Kept, Refusals, Stored
from usermemory.erasure.needles import MASK
from usermemory.erasure.plan import Plan, plan
from usermemory.erasure.taking import subject_of
from usermemory.erasure.target import OfMessage, OfThread, OfValue, Target
from usermemory.erasure.tombstone import EVERYTHING, Tombstone, buried, tombstone

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
