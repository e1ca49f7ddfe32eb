"""Commands in processes of their own, forked from one that has imported what commands import.

A command that starts anew imports for most of a second what the one before it did. Here standard
streams, environment, signals and exit are the command's own; only the imports are shared.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_IMPORTED = (
    "jsonschema",
    "langchain_core.messages",
    "psycopg_pool",
    "rich.console",
    "rich.table",
    "usermemory.cli.app",
    "usermemory.consolidate",
    "usermemory.langgraph",
)


class ForkServer:
    """The process that forks; each command ends before the next begins.

    Args:
        environment: What the process itself is started with.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],  # as a script, like the command: its name is in the usage
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        atexit.register(self.close)

    def run(
        self, arguments: Sequence[str], text: str, environment: Mapping[str, str], patience: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as `subprocess.run` does with its output captured."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("in", "out", "err")]
            streams[0].write_text(text, "utf-8")
            order = {
                "arguments": list(arguments),
                "environment": dict(environment),
                "folder": str(Path.cwd()),
                "streams": list(map(str, streams)),
                "patience": patience,
            }
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            code = json.loads(self._process.stdout.readline())
            _, out, err = (path.read_text("utf-8", "replace") for path in streams)
            return subprocess.CompletedProcess(list(arguments), code, out, err)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> None:
    """Fork for each line of standard input, and answer with the exit code of each."""
    del sys.path[0]  # the folder of this file
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # or each command would free, at its end, all that was imported: half a second
    for line in sys.stdin.buffer:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.buffer.write(json.dumps(code).encode() + b"\n")
        sys.stdout.buffer.flush()


def _become(order: Mapping[str, Any]) -> None:
    """Be the command from here on: this returns, or raises, as its ``main`` does."""
    from usermemory.cli.app import main as command

    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    for number, path in enumerate(order["streams"]):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the process's life
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = ["usermemory", *order["arguments"]]
    signal.alarm(int(order["patience"]))  # as good as a timeout: its default ends the process
    command()


if __name__ == "__main__":
    main()
