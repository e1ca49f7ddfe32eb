"""A server that an example starts, in a process of its own, on a free port of loopback."""

from __future__ import annotations

import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.support.command_line import PATIENCE
from tests.support.postgres import free_port
from tests.support.readme import example_environment


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        url: Where, without a slash at the end.
        log: The file that it writes to.
    """

    url: str
    log: Path

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8")


@contextmanager
def serving(command: str, folder: Path, ready: str, **more: str) -> Iterator[Server]:
    """Run a command, with a free port, until the block ends; it has to stop cleanly then.

    Args:
        command: As the example's page has it.
        folder: Where.
        ready: A path that is answered with 200 once the server serves.
        more: For the environment.
    """
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}", folder / "server.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [*shlex.split(command), "--port", str(port)],
            cwd=folder,
            env=example_environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _until_ready(server, ready, process)
            yield server
            process.send_signal(signal.SIGINT)
            ended = process.wait(PATIENCE)
            # Shells call an end by Ctrl-C 130; some servers take it for a good end.
            assert ended in {0, -signal.SIGINT, 130}, server.said()
        finally:
            process.kill()
            process.wait()


def _until_ready(server: Server, path: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not _answers(server.url + path):
        assert process.poll() is None, f"the server ended: {server.said()}"
        assert time.monotonic() < end, f"the server does not answer: {server.said()}"
        threading.Event().wait(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=PATIENCE).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
