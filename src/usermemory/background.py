"""What a memory has running beside the application: a worker, started when it is needed."""

from __future__ import annotations

import atexit
import os
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from usermemory.clock import Clock
    from usermemory.consolidate import Consolidator
    from usermemory.records import Event
    from usermemory.store import Driver
    from usermemory.worker import Trigger, Worker


class Owner(Protocol):
    """A memory, as far as its background knows it."""

    def emit(self, event: Event) -> None:
        """Tell the application's hook."""
        ...

    def close(self, grace: float) -> None:
        """Stop."""
        ...


class Background:
    """The worker of one memory: started once, stopped once.

    The threads that work for a memory do not keep it: an application may drop it unclosed.

    Args:
        owner: The memory.
        consolidator: What consolidates.
        clock: What time it is.
        threads: Batches at a time; 0 for no worker in this process.
    """

    def __init__(
        self, owner: Owner, consolidator: Consolidator, clock: Clock, threads: int
    ) -> None:
        self.emit = _emitting(weakref.ref(owner))
        self._consolidator = consolidator
        self._clock = clock
        self._threads = threads
        self._starting = threading.Lock()
        self._worker: Worker | None = None
        self._closed = False
        self._process = 0
        self._workers: list[Worker] = []
        self._dropped = weakref.finalize(owner, _drop, consolidator.driver, self._workers)
        self._dropped.atexit = False
        atexit.register(_close_quietly, weakref.ref(owner))

    @property
    def trigger(self) -> Trigger:
        """What consolidates on demand, in the caller's thread."""
        from usermemory.worker import Trigger

        return Trigger(self._consolidator, self._clock, self.emit)

    def wake(self, due_at: float | None = None) -> None:
        """Have the worker running, and awake if a user is due at this time."""
        if not self._threads:
            return
        if self._worker is None:
            with self._starting:
                if self._worker is None and not self._closed:
                    self._worker = self._start_worker()
        if self._worker is not None:
            self._worker.wake(due_at)

    def stop(self, grace: float) -> None:
        """Finish running batches within these seconds, or give them back.

        In a fork of the process in which the worker runs there is nothing to stop: its threads are
        not there, and a lock that one of them held is held for ever.
        """
        self._dropped.detach()
        if self._process not in {0, os.getpid()}:
            return
        with self._starting:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(grace)

    def _start_worker(self) -> Worker:
        # The worker is imported with its first start: many programs only look.
        from usermemory.worker import Worker

        worker = Worker(self._consolidator, self._clock, self.emit, threads=self._threads)
        self._workers.append(worker)
        self._process = os.getpid()
        worker.start()
        return worker


def _emitting(owner: weakref.ref[Owner]) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        memory = owner()
        if memory is not None:
            memory.emit(event)

    return emit


def _drop(driver: Driver, workers: list[Worker]) -> None:
    """Free the threads and files of a memory that nobody refers to and nobody closed."""
    if not driver.opened:
        return
    warnings.warn(
        "a UserMemory was dropped without close(): use `with UserMemory(...) as memory`, or keep "
        "one for the life of the program",
        ResourceWarning,
        stacklevel=2,
    )

    def close() -> None:
        for worker in workers:
            worker.stop(grace=0.0)
        driver.close()

    # The collector may run in any thread, one of those that end here too.
    threading.Thread(target=close, name="usermemory-closing", daemon=True).start()


def _close_quietly(owner: weakref.ref[Owner]) -> None:
    """At the end of a program that did not close its memory: give back what is running."""
    memory = owner()
    if memory is not None:
        memory.close(grace=0.0)
