"""The real ``usermemory`` command, in a process of its own: through pipes, or at a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.support.forking import ForkServer

COMMAND = str(Path(sys.executable).with_name("usermemory"))
PATIENCE = 60.0
"""Seconds until what must come is missing: far more than it takes."""

_WHERE = "\x1b[6n"
"""How a command asks the terminal where its cursor is; without an answer, no status line."""

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][AB0]|\x1b[=>78]|\x1b\][^\x07]*\x07")


def environment(**more: str) -> dict[str, str]:
    """An environment without keys, colours or settings of whoever runs the tests."""
    names = ("PATH", "PYTHONPATH", "HOME", "TMPDIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    # Nor with an Ollama that happens to run here: nobody listens at port 1.
    kept["OLLAMA_HOST"] = "127.0.0.1:1"
    return {**kept, "TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "200", **more}


def run(*arguments: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with this text on standard input, in a fork of what imported it."""
    return _server().run(arguments, text, environment(**more), PATIENCE)


@cache
def _server() -> ForkServer:
    return ForkServer(environment())


def run_anew(*arguments: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """The same as it is installed: where its start is the point."""
    return subprocess.run(
        [COMMAND, *arguments],
        input=text,
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=PATIENCE,
        check=False,
    )


def data(*arguments: str, **more: str) -> Any:
    """What a command prints as JSON."""
    done = run(*arguments, "--json", **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Terminal:
    """A command at a terminal of its own, which a test reads and types at."""

    def __init__(self, *arguments: str, **more: str) -> None:
        # Its other side stays open here too, or a command that begins slowly would not find it.
        self._screen, self._line = pty.openpty()
        termios.tcsetwinsize(self._line, (40, 200))
        # The first terminal that the leader of a session opens is the one whose end it is told of.
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec "$0" "$@" <"$LINE" >"$LINE" 2>&1', COMMAND, *arguments],
            env=environment(LINE=os.ttyname(self._line), **more),
            start_new_session=True,
        )
        self.raw = ""
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.hang_up()
        os.close(self._line)

    def expect(self, wanted: str) -> str:
        """Read until this stands on the screen; returns what was read up to its end."""
        end = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert self._read(), f"{wanted!r} did not come before the end: {self.text}"
            assert time.monotonic() < end, f"{wanted!r} did not come in time: {self.text}"
        seen, _, self.text = self.text.partition(wanted)
        return seen + wanted

    def type(self, keys: str) -> None:
        """Press these keys; a carriage return is Enter."""
        os.write(self._screen, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, as a window is closed."""
        if self._screen >= 0:
            os.close(self._screen)
            self._screen = -1

    def end(self) -> int:
        """Read until the command has ended; returns its exit code."""
        end = time.monotonic() + PATIENCE
        while self._screen >= 0 and self._read():
            assert time.monotonic() < end, f"the command did not end: {self.text}"
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        """Take in what is on the screen; False once the command has ended and all was read."""
        gone = self.process.poll() is not None
        ready, _, _ = select.select([self._screen], [], [], 0.0 if gone else 0.2)
        if ready:
            piece = os.read(self._screen, 65_536).decode(errors="replace")
            if _WHERE in piece:
                self.type("\x1b[1;1R")
            self.raw += piece
            self.text += _ESCAPES.sub("", piece)
        return bool(ready) or not gone
