"""Time that stands still until a test moves it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from usermemory.records import Outcome


_LOOK = 0.01
"""Seconds of real time between two looks of a waiter at its event and at the clock.

An event that somebody else sets can't wake a condition of ours, so waiters look.
"""


class FakeClock:
    """A `usermemory.clock.Clock` for tests, safe to use from many threads.

    Args:
        start: What time it is at first, in seconds since the epoch; by default noon (UTC) of
            2026-01-01.
    """

    def __init__(self, start: float = 1_767_268_800.0) -> None:
        self._now = start
        self._waiting: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """The time that the test has set."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> float:
        """Let time pass; whoever waits until then wakes up.

        Args:
            seconds: How much, 0 or more.

        Returns:
            The time it is now.

        Raises:
            ValueError: Time does not run backwards.
        """
        if seconds < 0:
            raise ValueError(f"advance({seconds}): time does not run backwards")
        with self._lock:
            self._now += seconds
            return self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set or so many seconds of *this* clock have passed."""
        with self._lock:
            until = self._now + seconds
            self._waiting.append(until)
        try:
            while not event.wait(_LOOK):
                if self.now() >= until:
                    return event.is_set()
            return True
        finally:
            with self._lock:
                self._waiting.remove(until)

    def somebody_waits(self, count: int = 1, patience: float = 30.0) -> None:
        """Block until so many are waiting for a later time: then it is sure whom `advance` wakes.

        Args:
            count: How many.
            patience: Seconds of real time.

        Raises:
            TimeoutError: Nobody came to wait.
        """
        end = time.monotonic() + patience
        while True:
            with self._lock:
                if sum(until > self._now for until in self._waiting) >= count:
                    return
            if time.monotonic() > end:
                raise TimeoutError(f"fewer than {count} wait for a later time")
            time.sleep(_LOOK)


class Triggered(Protocol):
    """What `drain` needs of a memory: ``UserMemory`` has it."""

    def trigger_all(self) -> list[Outcome]:
        """Consolidate whatever is unread, of everybody."""
        ...

    async def atrigger_all(self) -> list[Outcome]:
        """As `trigger_all`."""
        ...


def drain(memory: Triggered) -> list[Outcome]:
    """Consolidate all that is scheduled, due or held, without waiting for quiet.

    Args:
        memory: The memory under test; paused users are left alone.

    Returns:
        What came of each batch, in order.

    Raises:
        AssertionError: A batch failed: a test that drains wants to know.
    """
    return _succeeded(memory.trigger_all())


async def adrain(memory: Triggered) -> list[Outcome]:
    """As `drain`."""
    return _succeeded(await memory.atrigger_all())


def _succeeded(outcomes: list[Outcome]) -> list[Outcome]:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        first = failed[0]
        raise AssertionError(
            f"{len(failed)} of {len(outcomes)} batches failed; the first, thread "
            f"{first.thread_id!r} of {first.user_id!r}: {first.reason}: {first.error}"
        )
    return outcomes
