"""A worker whose model takes its time; to be killed.

Usage: worker_process.py URL LEASE SEED SKEW
"""

from __future__ import annotations

import random
import sys
import threading
import time

from usermemory import UserMemory
from usermemory.clock import SystemClock
from usermemory.conformance.harness import Listener
from usermemory.errors import ExtractionError
from usermemory.extract import Extraction, Request
from usermemory.worker import Worker


class SlowListener(Listener):
    """Learns what the user likes, after up to thirty milliseconds; it chokes on poison."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def extract(self, request: Request) -> Extraction:
        time.sleep(self._random.uniform(0.0, 0.03))
        if any("poison" in message.text for message in request.batch):
            raise ExtractionError("no JSON")
        return super().extract(request)


class WrongClock(SystemClock):
    """The clock of a host on which nobody looks after the time."""

    def __init__(self, skew: float) -> None:
        self._skew = skew

    def now(self) -> float:
        return super().now() + self._skew


def main() -> None:
    url, lease, seed, skew = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    memory = UserMemory(url, model=SlowListener(seed), worker=False, clock=WrongClock(skew))
    memory.open()
    print("ready", flush=True)
    Worker(
        memory.consolidator, memory.clock, memory.emit, threads=2, poll=0.05, lease=lease
    ).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
