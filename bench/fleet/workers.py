"""Consolidations per second of four worker processes, against one."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from bench.fleet.schemas import MESSAGES, NOW, THREADS, filled
from bench.table import Figure, median_ratio

_PROCESSES = (4, 1)
_THREADS = 4
_USERS = 120
"""For each process."""
_ROUNDS = 3
_READ = b"SELECT COUNT(*), MAX(at) - MIN(at) FROM work.consolidations WHERE outcome = 'changed'"


def figures(url: str) -> list[Figure]:
    """Rates between the first and the last commit, with a model that takes 200 ms."""
    rounds = [tuple(_rate(url, processes) for processes in _PROCESSES) for _ in range(_ROUNDS)]
    sides = list(zip(*rounds, strict=True))
    return [
        Figure(
            f"consolidations, {_PROCESSES[0]} / {_PROCESSES[1]} worker processes of {_THREADS} "
            "threads, a model of 200 ms",
            *(f"{statistics.median(side):.1f}/s" for side in sides),
            median_ratio(*sides),
            3,
        )
    ]


def _rate(url: str, processes: int) -> float:
    users = _USERS * processes
    with filled(url, "work", _due(users)), psycopg.connect(url, autocommit=True) as server:
        fleet = [start(f"{url}?schema=work") for _ in range(processes)]
        try:
            for worker in fleet:
                say_go(worker)
            while True:
                (row,) = server.execute(_READ)
                count, seconds = row
                if count == users:
                    return float(count / seconds)
                time.sleep(0.2)
        finally:
            for worker in fleet:
                worker.kill()
                worker.communicate()


def start(url: str) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("worker_process.py")
    worker = subprocess.Popen(
        [sys.executable, program, url, str(_THREADS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if worker.stdout is None or worker.stdout.readline() != "ready\n":
        raise RuntimeError("a worker did not start")
    return worker


def say_go(worker: subprocess.Popen[str]) -> None:
    if worker.stdin is not None:
        worker.stdin.write("go\n")
        worker.stdin.flush()


def _due(users: int) -> Sequence[str]:
    everybody = f"""INSERT INTO m.users (user_id, salt, next_due)
        SELECT 'user' || n, 's', {NOW} FROM generate_series(1, {users}) AS n"""
    return everybody, THREADS, MESSAGES
