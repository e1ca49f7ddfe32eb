"""What a chat's status line says: what waits, until when, and what was learned last."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from usermemory.cli.output import clean, count
from usermemory.cli.refused import refused_lines
from usermemory.cli.show import changes_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from usermemory.events import Event
    from usermemory.records import Job, Outcome


@dataclass
class Status:
    """Follows one user's events; they come from the worker's threads, reads from the chat's.

    Attributes:
        user_id: Whose events.
        due: When each thread will be read.
        latest: The last thing that happened, in words.
        news: What happened since the last `unsaid`.
    """

    user_id: str
    due: dict[str, float] = field(default_factory=dict[str, float])
    latest: str = ""
    news: SimpleQueue[str] = field(default_factory=SimpleQueue[str])
    running: set[str] = field(default_factory=set[str])

    def on_event(self, event: Event) -> None:
        """Take in one event of the memory."""
        if event.kind == "error":
            self.running.clear()
            self._tell(f"memory: {event.error}")
        if event.user_id != self.user_id:
            return
        if event.scheduled:
            self._schedule(event.thread_id, event.scheduled.due_at)
        elif event.kind == "claimed":
            self.running.add(event.thread_id)
        elif event.outcome and event.kind == "rejected":
            for line in refused_lines(event.outcome.rejections, self.user_id):
                self.news.put(clean(line))
        elif event.outcome:
            self.running.discard(event.thread_id)
            self._schedule(event.thread_id, event.outcome.retry_at)
            self._tell(summary(event.outcome))

    def line(self, pending: int) -> str:
        """What is going on, for so many messages that nobody has read."""
        parts = [self._waiting(pending), self.latest]
        return "  ·  ".join(part for part in parts if part)

    def follow(self, jobs: Iterable[Job]) -> None:
        """Take over when each thread is due, as the database has it now."""
        mine = (job for job in jobs if job.user_id == self.user_id)
        self.due = {job.thread_id: job.due_at for job in mine if job.due_at is not None}

    def note(self, text: str) -> None:
        """Show this as the last thing that happened, to people who know of it already."""
        self.latest = clean(text)

    def unsaid(self) -> list[str]:
        """What happened since this was asked last."""
        news: list[str] = []
        while True:
            try:
                news.append(self.news.get_nowait())
            except Empty:
                return news

    def _waiting(self, pending: int) -> str:
        if not pending:
            return ""
        unread = f"{count(pending, 'message')} pending"
        due = min(self.due.copy().values(), default=None)
        if self.running:
            return f"{unread}, consolidating"
        if due is None:
            return unread
        return f"{unread}, consolidating in {max(0.0, due - time.time()):.0f} s"

    def _schedule(self, thread_id: str, due_at: float | None) -> None:
        if due_at is None:
            self.due.pop(thread_id, None)
        else:
            self.due[thread_id] = due_at

    def _tell(self, news: str) -> None:
        self.latest = clean(news)
        self.news.put(self.latest)


def summary(outcome: Outcome) -> str:
    """An outcome in a line."""
    if outcome.revision:
        return f"learned: {changes_line(outcome.revision.changes)}"
    if outcome.status == "held":
        return f"not read yet: {outcome.reason}"
    if outcome.status == "failed":
        then = "tried again soon" if outcome.retry_at else "see usermemory jobs list"
        return f"not learned: {outcome.error or outcome.reason} ({then})"
    return "read; nothing new to learn"
