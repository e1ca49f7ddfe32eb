"""A limit on how many do something at once, which lets them in as they came."""

from __future__ import annotations

import threading
from collections import deque


class Slots:
    """So many places; whoever has waited longest gets the next one.

    Not a semaphore of `threading`: there, who gives a place back and wants it again at once takes
    it before a waiter has woken up. With 16 busy callers for 8 places some waited for seconds.

    Args:
        limit: How many places.
    """

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._free = limit
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def acquire(self, timeout: float) -> bool:
        """Take a place, or wait for one for at most so many seconds; whether there was one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=timeout):
            return True
        with self._lock:
            if called in self._waiting:
                self._waiting.remove(called)
                return False
        return True  # It was handed to us at the last moment.

    def release(self) -> None:
        """Give the place to whoever has waited longest, or back."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
