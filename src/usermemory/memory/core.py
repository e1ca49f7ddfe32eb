"""What every verb stands on: the parts of a memory, opened on first use and closed once."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import warnings
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

from usermemory.clock import Clock, SystemClock
from usermemory.errors import ConfigurationError, IdentityError, InvalidInput
from usermemory.events import Event
from usermemory.gate import Gate, gate_of
from usermemory.limits import Limits
from usermemory.messages import AuthorPolicy, guarded_author
from usermemory.retry import Retry
from usermemory.schema import UserProfile, schema_of
from usermemory.screen import SecretPolicy
from usermemory.store import open_driver
from usermemory.store.flows.recall import next_due

if TYPE_CHECKING:
    from usermemory.consolidate import Consolidator
    from usermemory.extractors import Strategy
    from usermemory.store import Driver
    from usermemory.worker import Worker

logger = logging.getLogger("usermemory")

_ID_LENGTH = 512

Id = str | int | UUID
"""What a user or a thread is called: text, or a number or UUID, which counts as its text."""


class Core:
    """The parts of a `UserMemory`, which documents the arguments."""

    def __init__(  # noqa: PLR0913 - the settings of a memory, each with a default
        self,
        url: str | os.PathLike[str] = "sqlite:///memory.db",
        schema: Any = UserProfile,
        model: Any = None,
        *,
        strategy: Strategy = "patch",
        evidence: Literal["required", "off"] = "required",
        verify: Any = "auto",
        delay: float = 60.0,
        max_wait: float = 900.0,
        gate: Gate | None = None,
        hold_max: float | None = None,
        daily_tokens: int | None = None,
        author: AuthorPolicy | None = None,
        worker: bool = True,
        threads: int = 2,
        retry: Retry | None = None,
        secrets: SecretPolicy = "mask",
        max_changes: int = 50,
        max_removed: float = 0.5,
        max_profile: int = 256_000,
        on_event: Callable[[Event], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        # Imported with the first memory: a program's own help, say, needs the names only.
        from usermemory.consolidate import Consolidator
        from usermemory.extractors import extractor_for, verifier_for
        from usermemory.trigger import Trigger

        if evidence not in {"required", "off"}:
            raise ConfigurationError(f"evidence {evidence!r}: use 'required' or 'off'")
        if secrets not in {"mask", "refuse", "keep"}:
            raise ConfigurationError(f"secrets {secrets!r}: use 'mask', 'refuse' or 'keep'")
        self.secrets: SecretPolicy = secrets
        self.schema = schema_of(schema)
        self.clock: Clock = clock or SystemClock()
        self.driver = open_driver(os.fspath(url), self.clock)
        self.gate = gate_of(gate)
        self.author = guarded_author(author) if author else None
        self.delay = checked_seconds("delay", delay)
        self.max_wait = checked_seconds("max_wait", max_wait)
        self._on_event = on_event
        extractor = extractor_for(model, strategy)
        self._consolidator = Consolidator(
            driver=self.driver,
            schema=self.schema,
            extractor=extractor,
            verifier=verifier_for(verify, strategy, evidence, extractor),
            gate=self.gate,
            evidence=evidence == "required" and strategy == "patch",
            hold_max=hold_max,
            daily_tokens=daily_tokens,
            retry=retry or Retry(),
            limits=Limits(max_changes, max_removed, max_profile),
        )
        # Threads that work for a memory must not keep it: somebody may let go of it unclosed.
        self._tell = _telling(weakref.ref(self))
        self._trigger = Trigger(self._consolidator, self.clock, self._tell)
        self._threads = threads
        self._worker: Worker | None = None
        self._wants_worker = worker
        self._starting = threading.Lock()
        self._closed = False
        self._workers: list[Worker] = []
        self._let_go = weakref.finalize(self, _let_go, self.driver, self._workers)
        self._let_go.atexit = False
        atexit.register(_close_quietly, weakref.ref(self))

    @property
    def consolidator(self) -> Consolidator:
        """What consolidates, for workers that run beside the application."""
        return self._consolidator

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "a UserMemory cannot be copied or sent to another process: build it anew there, with "
            "the same URL and settings"
        )

    def open(self) -> Self:
        """Connect and migrate now, instead of at the first verb."""
        self.driver.open()
        return self

    def ping(self) -> None:
        """See that the database answers: one statement, for health checks of an application.

        Raises:
            StoreError: It does not; the text says what to do.
        """
        self.driver.read(next_due)

    async def aping(self) -> None:
        """As `ping`."""
        await self.driver.aread(next_due)

    def wake(self, due_at: float | None = None) -> None:
        """Have the worker of this process running, and awake if somebody is due at this time."""
        if not self._wants_worker:
            return
        if self._worker is None:
            with self._starting:
                if self._worker is None and not self._closed:
                    self._worker = self._start_worker()
        if self._worker is not None:
            self._worker.wake(due_at)

    def emit(self, event: Event) -> None:
        """Tell the application's hook; what the hook does wrong is logged and stops nothing."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            logger.exception("on_event failed on %s", event.kind)

    def close(self, grace: float = 30.0) -> None:
        """Stop cleanly: finish running batches or give them back; never wait for later ones.

        Args:
            grace: Seconds that running batches have to finish.
        """
        self._let_go.detach()
        with self._starting:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(grace)
        self.driver.close()

    async def aclose(self, grace: float = 30.0) -> None:
        """As `close`."""
        await asyncio.to_thread(self.close, grace)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.open)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _start_worker(self) -> Worker:
        from usermemory.worker import Worker

        worker = Worker(self._consolidator, self.clock, self._tell, threads=self._threads)
        self._workers.append(worker)
        worker.start()
        return worker


def _telling(reference: weakref.ref[Core]) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        memory = reference()
        if memory is not None:
            memory.emit(event)

    return tell


def _let_go(driver: Driver, workers: list[Worker]) -> None:
    """Free threads and files of a memory that nobody refers to and nobody closed."""
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


def _close_quietly(reference: weakref.ref[Core]) -> None:
    """At the end of a program that did not close its memory: give back what is running."""
    memory = reference()
    if memory is not None:
        memory.close(grace=0.0)


def checked_seconds(name: str, value: float) -> float:
    """A span of time, or an error that names the argument."""
    if isinstance(value, bool) or not value >= 0:
        raise InvalidInput(f"{name} is {value!r}; it is a number of seconds, 0 or more")
    return float(value)


def checked_user(user_id: object) -> str:
    """A usable user id as text, or an error."""
    return _checked_id("user_id", user_id)


def checked_thread(thread_id: object) -> str:
    """A usable thread id as text, or an error."""
    return _checked_id("thread_id", thread_id)


def _checked_id(name: str, value: object) -> str:
    if isinstance(value, UUID) or (isinstance(value, int) and not isinstance(value, bool)):
        if isinstance(value, int) and value.bit_length() > _ID_LENGTH:
            raise IdentityError(
                f"{name} is a number of more than {_ID_LENGTH} bits; pass a plain id"
            )
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise IdentityError(
            f"{name} is {value!r}; it is a non-empty string, an integer or a UUID that you choose"
        )
    if len(value) > _ID_LENGTH or not value.isprintable():
        raise IdentityError(
            f"{name} {value[:40]!r}… has control characters or lone surrogates, or is longer than "
            f"{_ID_LENGTH} characters; pass a plain id, such as the one of your database"
        )
    return value
