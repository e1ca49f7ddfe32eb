"""What is looked up to know who spoke: checkpoints of the thread, and inboxes of its users."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
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
        for pause in _PAUSES:
            answer = _listed(saver, asked, run.thread_id)
            if _is_there(asked, answer):
                break
            time.sleep(pause)


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
        for pause in _PAUSES:
            answer = await _alisted(saver, asked, run.thread_id)
            if _is_there(asked, answer):
                break
            await asyncio.sleep(pause)


def _listed(saver: Any, asked: Look, thread_id: str) -> list[CheckpointTuple]:
    """What a checkpointer has; one that cannot list is asked for a checkpoint and its parents."""
    where, how = asked.arguments(thread_id)
    try:
        return list(saver.list(where, **how))
    except NotImplementedError:
        return _walked(_walk(asked, thread_id), saver.get_tuple)


async def _alisted(saver: Any, asked: Look, thread_id: str) -> list[CheckpointTuple]:
    """As `_listed`."""
    where, how = asked.arguments(thread_id)
    try:
        return [one async for one in saver.alist(where, **how)]
    except NotImplementedError:
        walk = _walk(asked, thread_id)
        answer: Any = None
        while True:
            try:
                config = walk.send(answer)
            except StopIteration as ended:
                found: list[CheckpointTuple] = ended.value
                return found
            answer = await saver.aget_tuple(config)


_Walk = Generator[Any, "CheckpointTuple | None", "list[CheckpointTuple]"]


def _walk(asked: Look, thread_id: str) -> _Walk:
    """From a checkpoint to its parents, one by one: asks for each by its config."""

    def at(checkpoint_id: str) -> Any:
        named = {"checkpoint_id": checkpoint_id} if checkpoint_id else {}
        return {"configurable": {"thread_id": thread_id, "checkpoint_ns": "", **named}}

    found: list[CheckpointTuple] = []
    one = (yield at(asked.before or asked.until)) or (yield at(""))
    for _ in range(_LONGEST_WALK):
        if one is None or len(found) == asked.limit:
            break
        later = asked.before and one.checkpoint["id"] >= asked.before
        if not later and (not asked.source or one.metadata.get("source") == asked.source):
            found.append(one)
        one = (yield one.parent_config) if one.parent_config else None
    return found


def _walked(walk: _Walk, get: Any) -> list[CheckpointTuple]:
    answer: CheckpointTuple | None = None
    while True:
        try:
            answer = get(walk.send(answer))
        except StopIteration as ended:
            found: list[CheckpointTuple] = ended.value
            return found


def _next(settling: Settling, answer: Any) -> Look | Known | None:
    try:
        return settling.send(answer)
    except StopIteration:
        return None


def _is_there(asked: Look, found: list[CheckpointTuple]) -> bool:
    # Their ids are in order of time.
    return not asked.since or bool(found and found[0].checkpoint["id"] >= asked.since)
