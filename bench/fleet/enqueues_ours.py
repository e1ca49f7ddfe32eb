"""``remember`` as a debouncer.

Usage: python -m bench.fleet.enqueues_ours URL
"""

from __future__ import annotations

import sys
from uuid import uuid4

from bench.fleet.enqueues import QUIET, serve

from usermemory import UserMemory

with UserMemory(f"{sys.argv[1]}?schema=debounce", worker=False, delay=QUIET) as memory:
    serve(
        lambda key, text: memory.remember(
            key, key, [{"role": "user", "content": text, "id": str(uuid4())}]
        )
    )
