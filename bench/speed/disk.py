"""What the disk takes to flush: the floor under every durable write."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

_WRITES = 200


def flush_milliseconds(folder: Path) -> float:
    """The median time of flushing 4 KiB appended to a file of this folder."""
    times: list[float] = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(_WRITES):
            file.write(b"\0" * 4096)
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1_000
