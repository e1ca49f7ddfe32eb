"""A worker whose model takes its time; to be killed.

Usage: worker_process.py URL LEASE SEED
"""

from __future__ import annotations

import random
import sys
import threading
import time

from usermemory import UserMemory
from usermemory.conformance.harness import Listener
from usermemory.extract import Extraction, Request
from usermemory.worker import Worker


class SlowListener(Listener):
    """Learns what the user likes, after up to thirty milliseconds."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def extract(self, request: Request) -> Extraction:
        time.sleep(self._random.uniform(0.0, 0.03))
        return super().extract(request)


def main() -> None:
    url, lease, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    memory = UserMemory(url, model=SlowListener(seed), worker=False)
    memory.open()
    print("ready", flush=True)
    Worker(
        memory.consolidator, memory.clock, memory.emit, threads=2, poll=0.05, lease=lease
    ).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
