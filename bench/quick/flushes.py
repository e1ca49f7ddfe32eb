"""How often a turn makes the disk flush: counted by strace, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.quick.turn import bot_alone, bot_with, memory_of, turns
from bench.table import Figure

_WARM = 5
_TURNS = 10
_MARK = "getppid"
"""A system call that nothing else makes: it parts the log."""


def figures(folder: Path) -> list[Figure]:
    """Flushes of a turn that the memory adds; one line that says so where strace is missing."""
    name, target = "flushes that a turn adds (first: with memory, second: the bot alone)", 2
    strace = shutil.which("strace")
    if strace is None:
        return [Figure(name, "-", "strace is not installed", None, target, "<=")]
    log = folder / "strace.log"
    calls = f"trace=fsync,fdatasync,{_MARK}"
    command = [sys.executable, "-m", "bench.quick.flushes", str(folder)]
    traced = [strace, "-f", "-qq", "-e", calls, "-o", str(log), *command]
    done = subprocess.run(traced, check=False, capture_output=True, text=True)
    if done.returncode:
        return [Figure(name, "-", done.stderr.strip()[-80:], None, target, "<=")]
    parts: list[int] = [0]
    for line in log.read_text().splitlines():
        if _MARK in line:
            parts.append(0)
        elif "sync(" in line and "resumed" not in line:
            parts[-1] += 1
    ours, alone = parts[-4] / _TURNS, parts[-2] / _TURNS
    return [Figure(name, f"{ours:.1f}", f"{alone:.1f}", ours - alone, target, "<=")]


def _child(folder: Path) -> None:
    with memory_of(folder / "memory.db") as memory:
        bots = bot_with(memory, folder / "ours.db"), bot_alone(folder / "alone.db")
        for bot in bots:
            turn = turns(bot)
            for number in range(_WARM):
                turn(number)
            os.getppid()
            for number in range(_WARM, _WARM + _TURNS):
                turn(number)
            os.getppid()


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
