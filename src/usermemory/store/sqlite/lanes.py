"""The threads of a memory in a file: each serves many callers together, in the order they come."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple

from usermemory.errors import MemoryClosed
from usermemory.store.driver import CLOSED, Flow

_TOGETHER = 256
"""At most so many are served at a time, so that the first is not kept waiting by the last."""


AnyFuture = Future[Any] | asyncio.Future[Any]


class QueuedFlow(NamedTuple):
    """A flow to run, and where its answer goes: to a thread's future or an event loop's.

    Attributes:
        name: The flow's.
        flow: The flow, not begun yet.
        future: Gets what the flow returns, or its error.
        since: When it was asked for, in seconds of the monotonic clock.
    """

    name: str
    flow: Flow[Any]
    future: AnyFuture
    since: float


FlowAnswer = tuple[QueuedFlow, Any, BaseException | None]

Serve = Callable[[list[QueuedFlow], Callable[[], Sequence[QueuedFlow]]], Sequence[FlowAnswer]]


class Lane:
    """One thread that serves jobs in the order in which they come.

    Args:
        name: The thread's.
        serve: Answers some jobs; an error that it raises is the answer to each of them. It may
            ask for those that came meanwhile, and adds them to its list.
    """

    def __init__(self, name: str, serve: Serve) -> None:
        self._serve = serve
        self._queue: SimpleQueue[QueuedFlow | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._ending = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def submit(self, name: str, flow: Flow[Any], future: AnyFuture) -> None:
        """Queue a job; arguments as the attributes of `QueuedFlow`."""
        with self._gate:
            if self._closed:
                raise MemoryClosed(CLOSED)
            self._queue.put(QueuedFlow(name, flow, future, time.monotonic()))

    def close(self) -> None:
        """Serve what was queued, then stop."""
        with self._gate:
            self._closed = True
            self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._ending:
            if jobs := self._gather():
                deliver(self._answers(jobs))

    def _gather(self) -> list[QueuedFlow]:
        """Wait for one job, then take those that queued up meanwhile."""
        item = self._queue.get()
        if item is None:
            self._ending = True
            return []
        return [item, *self._arrived(_TOGETHER - 1)]

    def _arrived(self, most: int = _TOGETHER) -> list[QueuedFlow]:
        """The jobs that are there already."""
        jobs: list[QueuedFlow] = []
        while len(jobs) < most and not self._ending and not self._queue.empty():
            item = self._queue.get()
            if item is None:
                self._ending = True
            else:
                jobs.append(item)
        return jobs

    def _answers(self, jobs: list[QueuedFlow]) -> Sequence[FlowAnswer]:
        try:
            return self._serve(jobs, self._arrived)
        except BaseException as error:  # noqa: BLE001 - every caller gets it; the thread must live
            return [(job, None, error) for job in jobs]


def deliver(answers: Sequence[FlowAnswer]) -> None:
    """Give everybody who waits their answer."""
    awaited: defaultdict[asyncio.AbstractEventLoop, list[FlowAnswer]] = defaultdict(list)
    for answer in answers:
        future = answer[0].future
        if isinstance(future, asyncio.Future):
            awaited[future.get_loop()].append(answer)
        else:
            _settle([answer])
    for loop, together in awaited.items():
        # A loop that was closed meanwhile has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, together)


def _settle(answers: Sequence[FlowAnswer]) -> None:
    for job, value, failure in answers:
        if job.future.done():
            continue  # a cancelled caller, whose work was committed with the others'
        if failure is None:
            job.future.set_result(value)
        else:
            job.future.set_exception(failure)
