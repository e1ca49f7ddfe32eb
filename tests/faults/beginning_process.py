"""A process that opens the memory for the first time and remembers something.

Usage: beginning_process.py URL USER
"""

from __future__ import annotations

import sys

from usermemory import UserMemory

url, user = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
with UserMemory(url, model="offline", worker=False) as memory:
    memory.remember(user, "thread", ["I like tea"])
