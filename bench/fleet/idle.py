"""What a fleet asks the database while nothing is to be done, counted by the server."""

from __future__ import annotations

import re
import time

from bench.fleet.workers import say_go, start
from bench.table import Figure
from tests.support.postgres import Server

from usermemory import UserMemory
from usermemory.worker import POLL

_WORKERS = 3
_SECONDS = 60.0
_STATEMENT = re.compile(
    r"^\d+:(?P<at>[\d.]+):usermemory:LOG: +(?:statement|execute <unnamed>):", re.MULTILINE
)


def figures(server: Server) -> list[Figure]:
    """Statements of all workers, and the interval between the looks of one that can be woken."""
    url = f"{server.url}?schema=idle"
    with UserMemory(url, model="offline", worker=False) as memory:
        memory.remember("will", "t", ["I like thing1"], delay=86_400.0)
    fleet = [start(url) for _ in range(_WORKERS)]
    try:
        for worker in fleet:
            say_go(worker)
        time.sleep(2 * POLL)  # until all have opened, and listen
        before = len(_times(server))
        time.sleep(_SECONDS)
        seen = len(_times(server)) - before
    finally:
        for worker in fleet:
            worker.kill()
            worker.communicate()
    intervals = _SECONDS / POLL
    return [
        Figure(
            f"statements of {_WORKERS} idle workers of 4 threads / workers and poll intervals",
            f"{seen}",
            f"{_WORKERS * intervals:.0f}",
            seen / (_WORKERS * intervals),
            1,
            "<=",
        ),
        Figure(
            "seconds between looks while notifications arrive / 5",
            f"{POLL:g} s",
            "5 s",
            POLL / 5,
            1,
        ),
    ]


def _times(server: Server) -> list[float]:
    return [float(found["at"]) for found in _STATEMENT.finditer(server.log())]
