"""Worker processes, to be killed, stopped and replaced."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from tests.support.until import until

LEASE = 0.4


class Crowd:
    """Worker processes on one database.

    Args:
        url: The database.
        size: How many.
        lease: Seconds, of each claim.
        skews: Seconds by which the clocks of their hosts are wrong, in turn.
        log: Where they write what went wrong; None for the test's own standard error.
    """

    def __init__(
        self,
        url: str,
        size: int,
        *,
        lease: float = LEASE,
        skews: Sequence[float] = (0.0,),
        log: Path | None = None,
    ) -> None:
        self.url = url
        self._lease = lease
        self._skews = skews
        self._log = log
        self._started = 0
        self.workers = [self._start() for _ in range(size)]

    def _start(self) -> subprocess.Popen[str]:
        program = Path(__file__).with_name("worker_process.py")
        skew = self._skews[self._started % len(self._skews)]
        self._started += 1
        numbers = [str(self._lease), str(self._started), str(skew)]
        with self._log.open("a") if self._log else nullcontext() as errors:
            worker = subprocess.Popen(
                [sys.executable, program, self.url, *numbers],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        return worker

    def end(self, worker: subprocess.Popen[str]) -> None:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()

    def kill(self, index: int) -> None:
        """``kill -9``, and a new one in its place."""
        self.end(self.workers[index])
        self.workers[index] = self._start()

    def stop_past_its_lease(self, index: int) -> None:
        """SIGSTOP until whatever it held has run out, then on."""
        self.workers[index].send_signal(signal.SIGSTOP)
        end = time.time() + self._lease * 1.5
        until(lambda: time.time() > end, "the lease to run out")
        self.workers[index].send_signal(signal.SIGCONT)

    def said(self) -> str:
        """What the workers have complained of so far."""
        return self._log.read_text() if self._log else ""

    def close(self) -> None:
        """Kill them all."""
        for worker in self.workers:
            if worker.returncode is None:
                self.end(worker)
