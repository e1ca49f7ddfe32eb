"""Everything that is unread is read now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from usermemory.records import Outcome


class Triggered(Protocol):
    """What `drain` needs of a memory: ``UserMemory`` has it."""

    def trigger_all(self) -> list[Outcome]:
        """Consolidate whatever is unread, of everybody."""
        ...

    async def atrigger_all(self) -> list[Outcome]:
        """As `trigger_all`."""
        ...


def drain(memory: Triggered) -> list[Outcome]:
    """Consolidate all that is scheduled, due or held, without waiting for quiet.

    Args:
        memory: The memory under test; paused users are left alone.

    Returns:
        What came of each batch, in order.

    Raises:
        AssertionError: A batch failed: a test that drains wants to know.
    """
    return _succeeded(memory.trigger_all())


async def adrain(memory: Triggered) -> list[Outcome]:
    """As `drain`."""
    return _succeeded(await memory.atrigger_all())


def _succeeded(outcomes: list[Outcome]) -> list[Outcome]:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed:
        first = failed[0]
        raise AssertionError(
            f"{len(failed)} of {len(outcomes)} batches failed; the first, thread "
            f"{first.thread_id!r} of {first.user_id!r}: {first.reason}: {first.error}"
        )
    return outcomes
