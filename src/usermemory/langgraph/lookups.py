"""What is looked up to know who spoke: checkpoints of the thread, and inboxes of its users."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermemory.langgraph.arrivals import Look
from usermemory.langgraph.identity import saver_of
from usermemory.messages import Attributed, read_messages
from usermemory.store.flows.remember import said_by

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import CheckpointTuple

    from usermemory.langgraph.identity import Run
    from usermemory.memory import UserMemory

_PAUSES = (*(0.001 * 2**doubled for doubled in range(5)), *(0.02 for _ in range(50)))
"""Seconds between looks at a checkpointer that has not yet written what the run already did."""

_LONGEST_WALK = 100


@dataclass(frozen=True, slots=True)
class Known:
    """Human messages to look up in the inboxes of the thread's users.

    Attributes:
        messages: The messages, by their keys.
        by_text: The keys of those that others' inboxes may have under another.
    """

    messages: dict[str, Any]
    by_text: frozenset[str] = frozenset()

    def arguments(self, run: Run) -> tuple[str, str, dict[str, str], frozenset[str]]:
        """As `said_by` takes them: what the messages say, as an inbox has it."""
        each = self.messages.items()
        read = ((key, read_messages(Attributed([one]), "")) for key, one in each)
        texts = {key: said[0].text for key, said in read if said}
        return run.user_id, run.thread_id, texts, self.by_text


Settling = Generator[Look | Known, Any, None]
"""Asks the checkpointer or the memory, and is sent what was found."""


def look_up(memory: UserMemory, settling: Settling, config: RunnableConfig, run: Run) -> None:
    """Answer what is asked, until nothing is."""
    saver = saver_of(config)
    answer: Any = None
    while (asked := _next(settling, answer)) is not None:
        if isinstance(asked, Known):
            answer = memory.driver.read(said_by, *asked.arguments(run))
            continue
        first = None
        for pause in _PAUSES if asked.since else ():
            if first := saver.get_tuple(_at(run.thread_id, asked.since)):
                break
            time.sleep(pause)
        answer = _listed(saver, asked, run.thread_id, first)


async def alook_up(
    memory: UserMemory, settling: Settling, config: RunnableConfig, run: Run
) -> None:
    """As `look_up`."""
    saver = saver_of(config)
    answer: Any = None
    while (asked := _next(settling, answer)) is not None:
        if isinstance(asked, Known):
            answer = await memory.driver.aread(said_by, *asked.arguments(run))
            continue
        first = None
        for pause in _PAUSES if asked.since else ():
            if first := await saver.aget_tuple(_at(run.thread_id, asked.since)):
                break
            await asyncio.sleep(pause)
        answer = await _alisted(saver, asked, run.thread_id, first)


def _listed(
    saver: Any, asked: Look, thread_id: str, first: CheckpointTuple | None
) -> list[CheckpointTuple]:
    """What a checkpointer has, each of which holds the thread: the first one is not read twice.

    From that one on, or where it cannot list, it is asked for a checkpoint and its parents.
    """
    if first is None:
        where, how = asked.arguments(thread_id)
        with suppress(NotImplementedError):
            return list(saver.list(where, **how))
    walk = _walk(asked, thread_id, first)
    answer: Any = None
    while True:
        try:
            config = walk.send(answer)
        except StopIteration as ended:
            found: list[CheckpointTuple] = ended.value
            return found
        answer = saver.get_tuple(config)


async def _alisted(
    saver: Any, asked: Look, thread_id: str, first: CheckpointTuple | None
) -> list[CheckpointTuple]:
    """As `_listed`."""
    if first is None:
        where, how = asked.arguments(thread_id)
        with suppress(NotImplementedError):
            return [one async for one in saver.alist(where, **how)]
    walk = _walk(asked, thread_id, first)
    answer: Any = None
    while True:
        try:
            config = walk.send(answer)
        except StopIteration as ended:
            found: list[CheckpointTuple] = ended.value
            return found
        answer = await saver.aget_tuple(config)


def _at(thread_id: str, checkpoint_id: str) -> Any:
    named = {"checkpoint_id": checkpoint_id} if checkpoint_id else {}
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": "", **named}}


_Walk = Generator[Any, "CheckpointTuple | None", "list[CheckpointTuple]"]


def _walk(asked: Look, thread_id: str, first: CheckpointTuple | None) -> _Walk:
    """From a checkpoint to its parents, one by one: asks for each by its config."""
    found: list[CheckpointTuple] = []
    one = first or (yield _at(thread_id, asked.before or asked.until))
    one = one or (yield _at(thread_id, ""))
    for _ in range(_LONGEST_WALK):
        if one is None or len(found) == asked.limit:
            break
        later = asked.before and one.checkpoint["id"] >= asked.before
        if not later and (not asked.source or one.metadata.get("source") == asked.source):
            found.append(one)
        one = (yield one.parent_config) if one.parent_config else None
    return found


def _next(settling: Settling, answer: Any) -> Look | Known | None:
    try:
        return settling.send(answer)
    except StopIteration:
        return None
