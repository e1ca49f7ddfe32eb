"""One side of the figure of debouncing: does as many as it is told to, and says how fast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

KEYS = 100
"""Threads (or keys) of a round; each gets as many messages as the others."""

QUIET = 3_600.0
"""Seconds of quiet that everything waits for: nothing is worked on while it is measured."""


def serve(enqueue: Callable[[str, str], object]) -> None:
    """For each line with a number of callers and one of messages, print messages per second.

    Args:
        enqueue: Takes a key and a text, and returns once it is durable.
    """
    print("ready", flush=True)
    rounds = count()
    for line in sys.stdin:
        callers, messages = map(int, line.split())
        start = next(rounds)
        work = [(f"key{start}-{n % KEYS}", f"I like thing {n}") for n in range(messages)]
        shares = [work[caller::callers] for caller in range(callers)]
        with ThreadPoolExecutor(callers) as pool:
            begin = time.perf_counter()
            list(pool.map(lambda share: [enqueue(*each) for each in share], shares))
            print(messages / (time.perf_counter() - begin), flush=True)
