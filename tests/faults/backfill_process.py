"""Backfill, and die at a thread: ``python -m tests.faults.backfill_process MEMORY FROM NUMBER``."""

from __future__ import annotations

import os
import signal
import sys

from usermemory import UserMemory
from usermemory.langgraph import BackfilledThread, backfill
from usermemory.langgraph.threads import saver_in


def main() -> None:
    url, source, number = sys.argv[1:]

    def die(one: BackfilledThread) -> None:
        if one.number == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    with saver_in(source) as saver, UserMemory(url, model="offline", worker=False) as memory:
        backfill(memory, saver, progress=die)


if __name__ == "__main__":
    main()
