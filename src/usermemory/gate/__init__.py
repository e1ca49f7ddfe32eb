"""When a thread is worth a model call: asked by the worker once the thread is due.

What a gate does not let through waits in the inbox for more. Gates are composed with ``&`` and
``|``: ``Words("remember") | Count(3) & Tokens(50)``. How a gate prints is what a held thread says
it is waiting for.
"""

from __future__ import annotations

from usermemory.gate.policy import By, Count, Gate, Matches, Tokens, Words, gate_of, guarded
from usermemory.gate.resembles import Resembles
from usermemory.text import tokens

__all__ = [
    "By",
    "Count",
    "Gate",
    "Matches",
    "Resembles",
    "Tokens",
    "Words",
    "gate_of",
    "guarded",
    "tokens",
]
