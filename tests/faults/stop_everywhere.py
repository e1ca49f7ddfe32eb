"""Run the story once for each place where a process can die, and die there.

A program of its own, so that it can fork without threads. Usage, with the beginning of its URLs:
python -m tests.faults.stop_everywhere URL SHARD SHARDS [once]; prints one JSON object. With
"once" the process dies once before each statement of each flow, however often the story passes it,
and before and after each commit.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.faults.proof import proof
from tests.faults.scenario import ERASED, FACTS, build, finish, tell
from tests.faults.tables import drop, holding

START = 1_700_000_000.0


def in_child(action: Callable[[], object]) -> int:
    """Do it in a fork; its wait status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        except BaseException:  # noqa: BLE001 - shown, and told by the exit status
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def die_at(number: int) -> Callable[[str, str, str], None]:
    """A hook that kills its process with SIGKILL at the so-and-so-many-th call."""
    calls = 0

    def hook(stage: str, flow: str, statement: str) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def first_part(url: str, hook: Callable[[str, str, str], None]) -> None:
    memory, listener, clock = build(url, hook, START)
    tell(memory, listener, clock, typo="I like chesss")
    memory.close()


def places(url: str, log: Path) -> list[tuple[str, str, str]]:
    """Every call of the hook in an undisturbed story, in order."""

    def record() -> None:
        seen: list[tuple[str, str, str]] = []
        first_part(url, lambda *call: seen.append(call))
        log.write_text(json.dumps(seen))

    if in_child(record) != 0:
        raise SystemExit("the undisturbed story failed")
    drop(url)
    return [tuple(call) for call in json.loads(log.read_text())]


def is_another(calls: list[tuple[str, str, str]], number: int) -> bool:
    """Whether a database can tell a death at this call from those at the calls before it.

    What follows a statement is the next one, with nothing but our own code between them.
    """
    stage, _, statement = calls[number - 1]
    fresh = calls.index(calls[number - 1]) == number - 1
    return fresh and (stage == "before" or statement == "commit")


def warm_up(url: str) -> None:
    """Tell the story once here, so that no fork imports, compiles and collects what all need."""
    finish(url, START)
    drop(url)
    gc.collect()
    gc.freeze()


def main() -> None:
    logging.disable()
    prefix, shard, shards, once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    warm_up(f"{prefix}{shard}_warm")
    with tempfile.NamedTemporaryFile() as log:
        calls = places(f"{prefix}{shard}_0", Path(log.name))
    wrong: list[str] = []
    killed = 0
    numbers = [n for n in range(1, len(calls) + 1) if not once or is_another(calls, n)]
    for number in numbers[shard::shards]:
        url = f"{prefix}{shard}_{number}"
        status = in_child(lambda url=url, number=number: first_part(url, die_at(number)))
        where = "/".join(calls[number - 1])
        killed += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            wrong.append(f"{where}: did not die there")
        elif in_child(lambda url=url: finish(url, START)) != 0:
            wrong.append(f"{where}: the next process failed")
        else:
            wrong += [f"{where}: {problem}" for problem in proof(url, FACTS)]
            wrong += [f"{where}: {row} still holds what was erased" for row in holding(url, ERASED)]
        drop(url)
    print(json.dumps({"calls": calls, "killed": killed, "wrong": wrong}))


if __name__ == "__main__":
    main()
