"""Take in the threads that a checkpointer holds from before the memory was in use."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from usermemory.errors import IdentityError, InvalidInput
from usermemory.langgraph.identity import heard_by
from usermemory.langgraph.threads import FindSpeaker, WhoseRun, messages_in, thread_ids, told, whose
from usermemory.settings import Id

if TYPE_CHECKING:
    from usermemory.memory import UserMemory

NOBODY = "nobody says whose it is"
SILENT = "there are no messages in it"
PAUSED = "its user is paused"
UNREADABLE = "it cannot be read"

_LANGGRAPHS = {"source", "step", "parents", "writes", "run_id", "thread_id"}
"""What stands in every checkpoint's metadata, and says nothing of the user."""

_BROKEN = (ValueError, TypeError, LookupError, AttributeError, ImportError)
"""What a state raises that was written by other versions or refers to code that is gone."""


@dataclass(frozen=True, slots=True)
class BackfilledThread:
    """What became of one thread.

    Attributes:
        thread_id: Which.
        number: The how manieth it is, from 1.
        of: How many there are.
        new: Messages that were taken in, or would be.
        by_user: How many of those hold a user's own words.
        left_out: Why nothing of it was taken in, if it could not be; empty for a known one.
        detail: More about that.
    """

    thread_id: str
    number: int
    of: int
    new: int = 0
    by_user: int = 0
    left_out: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What a backfill did, or would do.

    Attributes:
        threads: How many there are.
        looked_at: How many of them were looked at: all, unless there was a limit.
        taken: Threads with something new.
        known: Threads in which everything was known already.
        new: Messages that were taken in.
        by_user: How many of those hold a user's own words.
        left_out: How many threads were left out, by reason.
        examples: For each reason one of its threads.
    """

    threads: int
    looked_at: int
    taken: int
    known: int
    new: int
    by_user: int
    left_out: Mapping[str, int]
    examples: Mapping[str, BackfilledThread]


def backfill(
    memory: UserMemory,
    saver: BaseCheckpointSaver[Any],
    *,
    user: WhoseRun | Id | None = None,
    user_key: str = "user_id",
    key: str = "messages",
    limit: int | None = None,
    dry_run: bool = False,
    progress: Callable[[BackfilledThread], object] | None = None,
) -> Backfilled:
    """Hand every thread of a checkpointer to the memory, the one that rested longest first.

    It may be stopped at any moment and called again: what is known already costs a look-up. The
    threads are then due, behind what is due already, and workers read them one by one.

    Messages count as said in the run that brought them (unless they have a time of their own), as
    far as the checkpointer kept its runs; and as received before every erasure, so that nothing
    that was forgotten is learned again. In a thread of several users each learns from their own
    words only. What a thread no longer holds, since it was summarised or deleted, is not read.

    Args:
        memory: Where to.
        saver: A sync checkpointer; it is only read.
        user: Whose the threads are: one user's, or a function that says it of a checkpoint. None:
            the user who was logged in, else the configurable ``user_key`` of each run, else the
            signature that `create_chatbot` gave the messages.
        user_key: Name of the user's id in the runs' configurable.
        key: Where in the state the messages are.
        limit: Stop after so many threads with something new.
        dry_run: Only count.
        progress: Told of each thread after it is done.

    Raises:
        StoreError: The memory's database failed; call it again to go on.
    """
    find = whose(user, user_key)
    every = thread_ids(saver)
    steps: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    examples: dict[str, BackfilledThread] = {}
    for number, thread_id in enumerate(every, 1):
        one = _thread(memory, saver, find, key, dry_run, (thread_id, number, len(every)))
        steps.update(looked_at=1, taken=int(one.new > 0), new=one.new, by_user=one.by_user)
        if one.left_out:
            left_out[one.left_out] += 1
            examples.setdefault(one.left_out, one)
        if progress:
            progress(one)
        if limit is not None and steps["taken"] >= limit:
            break
    known = steps["looked_at"] - steps["taken"] - left_out.total()
    counts = {name: steps[name] for name in ("looked_at", "taken", "new", "by_user")}
    return Backfilled(len(every), known=known, left_out=dict(left_out), examples=examples, **counts)


def _thread(
    memory: UserMemory,
    saver: BaseCheckpointSaver[Any],
    find: FindSpeaker,
    key: str,
    dry_run: bool,  # noqa: FBT001 - as above
    place: tuple[str, int, int],
) -> BackfilledThread:
    """Take in what is new of one thread, for each of its users."""
    thread_id = place[0]
    try:
        newest = saver.get_tuple({"configurable": {"thread_id": thread_id}})
        messages = messages_in(newest, key) if newest else ()
        if not newest or not messages:
            return BackfilledThread(*place, left_out=SILENT)
        last = find(newest)
        if last and not memory.news(last, thread_id, heard_by(last, messages)).new:
            return BackfilledThread(*place)
        new = by_user = paused = 0
        everybody = told(saver, newest, find, key)
        for one in everybody:
            news = memory.news(one.user_id, thread_id, one.messages)
            paused += news.paused
            if news.paused or not news.new:
                continue
            if not dry_run:
                memory.backfill(
                    one.user_id, thread_id, one.messages, said=one.times, before=one.before
                )
            new, by_user = new + news.new, by_user + news.by_user
    except IdentityError as error:
        return BackfilledThread(*place, left_out=NOBODY, detail=str(error))
    except _BROKEN as error:
        detail = f"{type(error).__name__}: {error}" if isinstance(error, InvalidInput) else ""
        return BackfilledThread(*place, left_out=UNREADABLE, detail=detail or type(error).__name__)
    if not everybody:
        said = ", ".join(sorted({*newest.metadata} - _LANGGRAPHS))
        return BackfilledThread(
            *place, left_out=NOBODY, detail=f"its run says {said}" if said else ""
        )
    return BackfilledThread(*place, new, by_user, left_out=PAUSED if paused and not new else "")
