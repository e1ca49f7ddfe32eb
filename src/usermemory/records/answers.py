"""What the verbs answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from usermemory.records.learning import Applied, Rejection, Revision, Usage

Status = Literal["changed", "unchanged", "held", "failed"]
"""How a consolidation ended. ``held``: the gate asked to wait for more, no model was called."""

ThreadState = Literal["idle", "waiting", "held", "dead"]
"""``idle``: nothing unread; ``waiting``: due at a time; ``held``: for more; ``dead``: failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one consolidation ended.

    Attributes:
        user_id: Whose profile.
        thread_id: Whose inbox.
        status: See `Status`.
        reason: For ``failed`` and ``held``, why; else empty.
        revision: What was written, if anything was.
        rejections: Proposed changes that were not made.
        usage: What it cost.
        messages: How many messages were read.
        retry_at: When a failed one is tried again; ``None`` once it is a dead letter.
        error: For ``failed``, the error's text (never text of the conversation).
    """

    user_id: str
    thread_id: str
    status: Status
    reason: str = ""
    revision: Revision | None = None
    rejections: tuple[Rejection, ...] = ()
    usage: Usage = Usage()
    messages: int = 0
    retry_at: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What `remember` did.

    Attributes:
        due_at: When the thread will be consolidated; ``None`` if nothing in it is unread.
        new: How many messages were not known yet.
        by_user: How many of those hold the user's own words.
    """

    due_at: float | None
    new: int
    by_user: int


@dataclass(frozen=True, slots=True)
class Job:
    """A thread with unread messages, or with dead ones, as `jobs` lists it.

    Attributes:
        state: ``dead`` if the whole thread waits for a person.
        due_at: When it is read next.
        unread: Messages that wait to be read.
        attempts: Failed attempts at the next batch.
        dead: Messages that made the model fail by themselves, and wait for a person.
        last_error: Of the last failed attempt, or what the gate waits for.
        running: Whether a worker holds the user now.
    """

    user_id: str
    thread_id: str
    state: ThreadState
    due_at: float | None
    unread: int
    attempts: int
    dead: int = 0
    last_error: str = ""
    running: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """An unread message by the user in another thread."""

    thread_id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """A user's profile as it was at one moment.

    Attributes:
        document: The profile; the schema's empty document for a user nobody knows yet.
        revision: Its number; 0 before anything was learned.
        updated_at: When it last changed.
        pending: Messages of this user that nobody has read yet, counted up to 100.
        tail: With ``tail=True``, the newest of them by the user, oldest first, bounded.
        earlier: With ``earlier=N``, changes that replaced or removed a value, newest first.
        stamps: For each field that has been heard of, when it was last ``learned``, ``confirmed``
            (said again) and ``edited`` by hand, as far as it was.
    """

    document: Mapping[str, Any]
    revision: int = 0
    updated_at: float | None = None
    pending: int = 0
    tail: tuple[Said, ...] = ()
    earlier: tuple[Revision, ...] = ()
    stamps: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Any])
    load: Callable[[Mapping[str, Any]], Any] | None = field(default=None, repr=False, compare=False)
    to_text: Callable[..., str] | None = field(default=None, repr=False, compare=False)

    @property
    def value(self) -> Any:
        """The profile as an instance of the schema's own type."""
        return self.load(self.document) if self.load else self.document

    def render(self, max_tokens: int = 1_000) -> str:
        """The profile as fenced reference data for a system message.

        Args:
            max_tokens: Upper bound of the whole text, by a conservative estimate.

        Returns:
            The text, or the empty string when there is nothing to say.
        """
        return self.to_text(self, max_tokens=max_tokens) if self.to_text else ""


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking changes back came to.

    Attributes:
        revision: The new revision that took them back; None if there was nothing to take back.
        conflicts: Changes that stay, since the same thing was changed again later, or since what
            was there before has been erased.
    """

    revision: Revision | None
    conflicts: tuple[Applied, ...] = ()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What an erasure reached, in numbers: what was erased is not repeated.

    Attributes:
        values: Values that left the profile.
        changes: Changes of past revisions whose values were erased.
        quotes: Quotes that were erased.
        messages: Messages whose text, or a part of it, was erased.
        elsewhere: Other fields that mention the value, and keep it.
        threads: Threads in which it was said. Without ``checkpointer`` their checkpoints still
            hold it; with one, these were deleted.
        pending: Whether copies may be left on the disk, because somebody is reading the file: a
            worker, or the next erasure, tries again.
    """

    values: int = 0
    changes: int = 0
    quotes: int = 0
    messages: int = 0
    elsewhere: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    pending: bool = False
