"""Figure 4: importing the memory, against importing langmem."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from bench.table import Figure, median_ratio

_ROUNDS = 7
_OURS = "from usermemory import UserMemory, UserProfile"
_THEIRS = "import langmem"
_TIMED = "import time; begin = time.perf_counter(); {}; print(time.perf_counter() - begin)"


def figures(langmem: Path | None) -> list[Figure]:
    """Seconds of each import in processes of their own.

    Args:
        langmem: A Python interpreter that has langmem; None if there is none.
    """
    sides = [(_OURS, Path(sys.executable)), *([(_THEIRS, langmem)] if langmem else [])]
    _round(sides)  # compiles, and warms the disk's cache
    times = list(zip(*(_round(sides) for _ in range(_ROUNDS)), strict=True))
    seconds = [f"{statistics.median(side):.2f} s" for side in times]
    ours, theirs = seconds if langmem else (*seconds, "-")
    ratio = median_ratio(*times) if langmem else None
    return [Figure(f"{_OURS} / {_THEIRS}", ours, theirs, ratio, 0.25, "<=")]


def install_langmem(folder: Path) -> Path:
    """A throw-away virtual environment with langmem; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder / "langmem"], check=True)
    python = folder / "langmem" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "langmem"], check=True)
    return python


def _round(sides: list[tuple[str, Path]]) -> list[float]:
    return [_seconds(statement, python) for statement, python in sides]


def _seconds(statement: str, python: Path) -> float:
    timed = [str(python), "-c", _TIMED.format(statement)]
    return float(subprocess.run(timed, check=True, capture_output=True, text=True).stdout)
