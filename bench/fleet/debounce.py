"""Remembering a message that moves its thread's due time, against DBOS's debouncer."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from bench.table import Figure, median_ratio

_ROUNDS = 5
_CASES = {"one caller": (1, 500), "16 callers at once": (16, 2_000)}


def figures(url: str, dbos: Path | None) -> list[Figure]:
    """Debounced enqueues per second of both, in turn, each in a process of its own.

    Args:
        url: The server that both use.
        dbos: A Python interpreter that has dbos; None if there is none.
    """
    sides = [_Side("bench.fleet.enqueues_ours", Path(sys.executable), url)]
    if dbos:
        sides.append(_Side("bench.fleet.enqueues_dbos", dbos, url))
    try:
        for side in sides:
            side.rate(4, 200)  # warms up
        return [_compared(name, sides, *case) for name, case in _CASES.items()]
    finally:
        for side in sides:
            side.close()


def install(folder: Path, requirement: str) -> Path:
    """A throw-away virtual environment with dbos; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder / "dbos"], check=True)
    python = folder / "dbos" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
    return python


def _compared(name: str, sides: list[_Side], callers: int, messages: int) -> Figure:
    rounds = [[side.rate(callers, messages) for side in sides] for _ in range(_ROUNDS)]
    rates = list(zip(*rounds, strict=True))
    texts = [f"{statistics.median(rate):,.0f}/s" for rate in rates]
    ratio = median_ratio(*rates) if len(rates) > 1 else None
    return Figure(f"remember / DBOS's debounce, {name}", texts[0], (*texts, "-")[1], ratio, 2)


class _Side:
    def __init__(self, module: str, python: Path, url: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", module, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while (line := self._line()) != "ready\n":
            if not line:
                raise RuntimeError(f"{module} did not start")

    def rate(self, callers: int, messages: int) -> float:
        if self._process.stdin is None:
            raise RuntimeError("no way to tell it what to do")
        self._process.stdin.write(f"{callers} {messages}\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        return self._process.stdout.readline() if self._process.stdout else ""
