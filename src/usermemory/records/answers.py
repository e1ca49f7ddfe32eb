"""What the verbs answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from usermemory.records.learning import Applied, Refused, Revision, Usage

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
        repeated: Whether it failed in an outage that an earlier outcome has reported.
        waiting: How many changes wait for a person: see `UserMemory.proposals`.
    """

    user_id: str
    thread_id: str
    status: Status
    reason: str = ""
    revision: Revision | None = None
    rejections: tuple[Refused, ...] = ()
    usage: Usage = Usage()
    messages: int = 0
    retry_at: float | None = None
    error: str = ""
    repeated: bool = False
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """How much of a thread the memory has not seen.

    Attributes:
        new: Messages that it does not know, or knows with another text.
        by_user: How many of those hold the user's own words.
        paused: Whether nothing is learned about this user now.
    """

    new: int
    by_user: int
    paused: bool = False


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


MisfitReason = Literal["unknown_field", "renamed", "does_not_fit", "set_aside"]
"""Why a stored value is a misfit: the schema has no such field; a field that was called so holds
another value; the schema refuses it; a value of another shape took its place."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A stored value that today's schema does not take: kept as it is, and out of the profile.

    Attributes:
        field: Under which name it is stored.
        value: It, verbatim: an item of a list, a value of a map, or all that the field holds.
        reason: See `MisfitReason`.
        key: The key of a map, or the property of an object, in which it stands.
        index: Its place in a list, as stored.
        detail: What the schema says of it.
        path: All steps from the field to it, where it stands deeper than key and index tell.
    """

    field: str
    value: Any
    reason: MisfitReason
    key: str | None = None
    index: int | None = None
    detail: str = ""
    path: tuple[str | int, ...] = ()

    @property
    def place(self) -> str:
        """One text for the same value in the same place, whatever stands before it in a list."""
        names = [step for step in self.path or (self.key,) if not isinstance(step, int)]
        return json.dumps([self.field, *names, self.value], sort_keys=True)


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """What of the stored profiles today's schema takes.

    Attributes:
        users: Users with a profile.
        misfitting: Users of whom something does not fit.
        unread: Of those, users with values in fields that the schema has not, written under
            another one: nothing of them is read until `migrate_schema`.
        fields: For each field and reason of a misfit, how many values and of how many users.
    """

    users: int
    misfitting: int = 0
    unread: int = 0
    fields: Mapping[tuple[str, MisfitReason], tuple[int, int]] = field(
        default_factory=dict[Any, Any]
    )

    @property
    def fits(self) -> bool:
        """Whether all that is stored fits."""
        return self.misfitting == 0


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration does, or would do, to one user's profile.

    Attributes:
        user_id: Whose.
        changes: By value; none where only the schema is accepted, or a function changes nothing.
        misfits: What does not fit afterwards, and is kept.
    """

    user_id: str
    changes: tuple[Applied, ...] = ()
    misfits: tuple[Misfit, ...] = ()


class Migration(list[Migrated]):
    """The users whom a migration takes over, or would.

    Attributes:
        skipped: How many others were passed over: the function was applied to them before, or they
            were begun under today's schema.
    """

    def __init__(self, users: Iterable[Migrated] = (), *, skipped: int = 0) -> None:
        super().__init__(users)
        self.skipped = skipped


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A profile as one of its revisions left it, worked out from what has changed it since.

    Attributes:
        document: The profile; ``"[erased]"`` stands for what was there and has been erased, so
            it may not fit the schema.
        revision: Which; 0 for before anything was learned.
        at: When that revision was made; None for 0.
        erased: Fields of which something that stood there has been erased.
        unclear: Fields shown as they are now, since a change of theirs cannot be followed back:
            the schema has them in another shape.
    """

    document: Mapping[str, Any]
    revision: int
    at: float | None = None
    erased: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """What came of changes that a program proposed.

    Attributes:
        revision: The new revision with those that were made; None if none was.
        rejections: Those that were not made, and why.
        waiting: How many wait for a person instead: see `UserMemory.proposals`.
    """

    revision: Revision | None
    rejections: tuple[Refused, ...] = ()
    waiting: int = 0


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
class OtherItem:
    """An item that stays where another is erased, and loses quotes that name both.

    Attributes:
        field: Of the profile.
        value: The item.
        quotes: How many it loses.
    """

    field: str
    value: Any
    quotes: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What an erasure reached, in numbers: what was erased is not repeated.

    Attributes:
        values: Values that left the profile.
        changes: Changes of past revisions whose values were erased.
        quotes: Quotes that were erased.
        messages: Messages whose text, or a part of it, was erased.
        elsewhere: Other fields that mention the value, and keep it.
        others: Other items that stay and lose quotes, since these name the value.
        threads: Threads in which it was said. Without ``checkpointer`` their checkpoints still
            hold it; with one, these were deleted.
        pending: Whether copies may be left on the disk, because somebody is reading the file: a
            worker, or the next erasure, tries again.
        proposals: How many that waited for a person went, since they rested on it.
    """

    values: int = 0
    changes: int = 0
    quotes: int = 0
    messages: int = 0
    elsewhere: tuple[str, ...] = ()
    others: tuple[OtherItem, ...] = ()
    threads: tuple[str, ...] = ()
    pending: bool = False
    proposals: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        written: False if all of it was there already.
        unknown: Fields of the profile that this memory's schema does not take; they are kept.
    """

    written: bool
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A table or a file in which a text was looked for.

    Attributes:
        where: Which.
        size: Rows of a table, bytes of a file.
        of_user: Rows of the user in which it stands.
        of_others: Rows of other users in which it stands.
        unknown: Rows that say nothing of a user, such as a checkpointer's, or how often it stands
            in a file.
        threads: The threads of those rows.
        kept: Values in which it stands only as a part of a word ("Ann" in "annual"), or of what
            the user's profile keeps ("tennis" in "table tennis").
    """

    where: str
    size: int
    of_user: int = 0
    of_others: int = 0
    unknown: int = 0
    threads: tuple[str, ...] = ()
    kept: int = 0

    @property
    def found(self) -> int:
        """How often it stands there."""
        return self.of_user + self.of_others + self.unknown

    @classmethod
    def of_rows(cls, where: str, size: int, user_id: str, rows: Iterable[Sequence[Any]]) -> Place:
        """A table, from the user and the thread of each row in which the text stands."""
        found = [tuple(row) for row in rows]
        owners = [owner for owner, _ in found]
        nobodys = {str(thread) for owner, thread in found if owner is None and thread}
        return cls(
            where,
            size,
            of_user=owners.count(user_id),
            of_others=sum(owner not in {None, user_id} for owner in owners),
            unknown=owners.count(None),
            threads=tuple(sorted(nobodys)),
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a text was looked for, and whether it is erased.

    Attributes:
        places: Every table and file, those first in which it stands.
        pending: Whether an erasure waits for the disk to be cleaned.
    """

    places: tuple[Place, ...]
    pending: bool = False

    @property
    def erased(self) -> bool:
        """Whether it stands nowhere but in what is known of other users, or is rightly kept."""
        others = any(place.of_others or place.kept for place in self.places)
        return not any(
            place.of_user or (place.unknown and not (others and place.where.startswith("file")))
            for place in self.places
        )


EventKind = Literal[
    "scheduled", "claimed", "consolidated", "held", "rejected", "failed", "recalled", "error"
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, told in the thread where it did.

    ``scheduled``: messages were taken in (each `remember`, also where nothing was new).
    ``recalled``: a profile was read for a chat. ``claimed``: a batch is begun, by a worker,
    `trigger` or `run_due`; then one of ``consolidated`` (learned from, or nothing to learn),
    ``held`` (by gate or budget) and ``failed`` (tried again, or dead) says how it ended, and
    ``rejected`` follows if proposed changes were refused. ``error``: a chat or a worker went on
    without its memory; where a claimed batch ends so, nothing else follows.

    Attributes:
        kind: What.
        user_id: Of whom; empty for an ``error`` of the worker.
        thread_id: In which thread; empty for ``recalled`` and for an ``error`` of the worker.
        at: When, in seconds since the epoch.
        outcome: For ``consolidated``, ``held``, ``rejected`` and ``failed``.
        scheduled: For ``scheduled``.
        error: For ``error``: what a node or the worker swallowed on purpose.
    """

    kind: EventKind
    user_id: str = ""
    thread_id: str = ""
    at: float = 0.0
    outcome: Outcome | None = None
    scheduled: Scheduled | None = None
    error: BaseException | None = None
