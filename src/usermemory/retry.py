"""How long a model is waited for, and when, and with what, a consolidation is tried again."""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from usermemory.settings import checked_seconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and how far apart.

    The jitter spreads the attempts of many users over half of each wait, so that a provider that
    comes back is not met by all of them at once ("full jitter" would try some at once again).

    Attributes:
        attempts: How many attempts in all; then the thread is a dead letter.
        base: Seconds before the second attempt; doubled for each further one.
        ceiling: Seconds that no wait exceeds, but for a provider's own ``Retry-After``.
        outage: The same while the provider cannot be asked. That lasts as long as it lasts: it
            counts as no attempt, and never ends in a dead letter.
        limit: Seconds that one call of a model may take in all, whatever its package's own
            time-outs and repetitions are; longer counts as an outage.
    """

    attempts: int = 8
    base: float = 5.0
    ceiling: float = 3_600.0
    outage: float = 300.0
    limit: float = 600.0

    def __post_init__(self) -> None:
        for name in ("base", "ceiling", "outage", "limit"):
            checked_seconds(name, getattr(self, name))

    def after(self, failed: int, retry_after: float | None = None) -> float | None:
        """Seconds to wait after so many failed attempts; None when that was the last.

        Args:
            failed: Attempts that have failed, this one included.
            retry_after: Seconds the provider asked for; never undercut.
        """
        if failed >= self.attempts:
            return None
        wait: float = min(self.ceiling, self.base * 2.0 ** (failed - 1))
        jittered = wait * random.uniform(0.5, 1.0)  # noqa: S311 - not for secrecy
        return max(jittered, retry_after or 0.0)

    def during_outage(self, probes: int, retry_after: float | None = None) -> float:
        """Seconds until the provider is asked again.

        Args:
            probes: How often it could not be asked, one after the other.
            retry_after: Seconds that it asked for; never undercut.
        """
        wait = min(self.outage, self.base * 2.0 ** min(probes - 1, 30))
        return max(wait * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311 - no secret


class TooLong(TimeoutError):
    """A call that was waited for long enough."""


def in_time(call: Callable[[], T], seconds: float) -> T:
    """Call it, but wait for it no longer than that.

    Not every provider's class has a time-out, some begin it anew with each byte or repetition, and
    looking up a name has none.

    Args:
        call: Runs in a thread of its own, which is left to itself if it takes longer.
        seconds: How long to wait.

    Returns:
        What the call returns; what it raises is raised.

    Raises:
        TooLong: It took longer.
    """
    answers: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised where the answer is awaited
            answers.put((None, error))

    context = copy_context()
    threading.Thread(target=context.run, args=(run,), name="usermemory-call", daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except Empty:
        raise TooLong(f"there was no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]


_PROBE = 60.0
"""Seconds that one batch has to find out whether the provider answers, while the others wait."""


@dataclass(slots=True)
class Outage:
    """Whether the provider can be asked: one probe at a time, for all threads of a process.

    A circuit breaker: while it is open, batches wait without being sent in vain.

    Attributes:
        reason: What the provider's error was.
    """

    reason: str = ""
    _since: float | None = None
    _until: float = 0.0
    _probes: int = 0
    _probing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def until(self, now: float) -> float | None:
        """When the provider is asked again; None: now, by whoever asks first."""
        with self._lock:
            if self._since is None:
                return None
            if now < self._until:
                return self._until
            self._probing, self._until = True, now + _PROBE
            return None

    def failed(
        self, now: float, error: str, retry: Retry, wanted: float | None
    ) -> tuple[float, bool]:
        """The provider could not be asked.

        Returns:
            Seconds to wait, and whether the outage began with this.
        """
        with self._lock:
            began = self._since is None
            if began or self._probing or now >= self._until:
                self._probing = False
                self._probes += 1
                self._since = now if began else self._since
                self._until = now + retry.during_outage(self._probes, wanted)
                self.reason = error
            return max(0.0, self._until - now), began

    def ended(self, now: float) -> float | None:
        """The provider answered: for how many seconds it had not; None if it had."""
        with self._lock:
            since, self._since = self._since, None
            self._probes, self._until, self._probing = 0, 0.0, False
            return None if since is None else max(0.0, now - since)


class KeptAnswers(Generic[T]):
    """Answers whose second look, or whose storing, has to wait: the model is not asked again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[object, T]] = OrderedDict()

    def keep(self, user_id: str, thread_id: str, question: object, answer: T) -> None:
        """Keep the answer to what was asked of a thread; of too many the oldest goes."""
        self._kept[user_id, thread_id] = question, answer
        if len(self._kept) > _ANSWERS_KEPT:
            self._kept.popitem(last=False)

    def take(self, user_id: str, thread_id: str, question: object) -> T | None:
        """The answer to just this question, if there is one; it is kept no longer."""
        asked, answer = self._kept.pop((user_id, thread_id), (None, None))
        return answer if asked == question else None

    def drop(self, user_id: str) -> None:
        """Let go of a user's."""
        for whose in [one for one in self._kept if one[0] == user_id]:
            self._kept.pop(whose, None)


_ANSWERS_KEPT = 256
