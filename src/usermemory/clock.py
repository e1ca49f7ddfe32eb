"""What time it is, and how to wait: replaceable in tests.

Every time in this package comes from here, so that a test can let a quiet minute pass at once.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A source of time in seconds since the epoch."""

    def now(self) -> float:
        """The current time."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event, at most so many seconds of this clock; True if it was set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event, at most so many seconds; True if it was set."""
        return event.wait(max(0.0, seconds))
