"""Processes that open the memory for the first time, at the same time, and remember something.

Usage: beginning_process.py URL COUNT; prints the exit code of each.
"""

from __future__ import annotations

import gc
import json
import os
import sys

# Imported here, once, for all that are forked.
import usermemory.consolidate
import usermemory.store.postgres
import usermemory.store.sqlite  # noqa: F401
from usermemory import UserMemory


def main() -> None:
    """Fork them, and let all go at once."""
    url, count = sys.argv[1], int(sys.argv[2])
    gc.freeze()  # or each would free, at its end, all that was imported
    wait, go = os.pipe()
    for number in range(count):
        if os.fork() == 0:
            os.close(go)
            os.read(wait, 1)  # ends when the parent closes its end
            with UserMemory(url, model="offline", worker=False) as memory:
                memory.remember(f"user{number}", "thread", ["I like tea"])
            return
    os.close(go)
    print(json.dumps([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(count)]))


main()
