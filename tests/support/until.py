"""Wait for what another thread or process does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEADLINE = 240.0


def until(done: Callable[[], bool], what: str) -> None:
    """Look until it is so; an error if it never is."""
    end = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        threading.Event().wait(0.005)
