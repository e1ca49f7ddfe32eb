"""When a failed consolidation is tried again: exponential backoff with jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and how far apart.

    The jitter spreads the attempts of many users over half of each wait, so that a provider that
    comes back is not met by all of them at once ("full jitter" would try some at once again).

    Attributes:
        attempts: How many attempts in all; then the thread is a dead letter.
        base: Seconds before the second attempt; doubled for each further one.
        ceiling: Seconds that no wait exceeds, but for a provider's own ``Retry-After``.
    """

    attempts: int = 8
    base: float = 5.0
    ceiling: float = 3_600.0

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
