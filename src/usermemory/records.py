"""The things that are passed around: frozen, without behaviour beyond reading them.

Times are seconds since the epoch (UTC) as ``float``. JSON values are plain Python values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Author = Literal["user", "assistant", "tool", "other"]
"""Whose words a message holds. Only ``user`` is ever evidence."""

Who = Literal["user", "other", "assistant"]
"""Whom a proposed change is about, as the extractor says it."""

Action = Literal["set", "clear", "add", "remove", "update"]
"""``set``/``clear`` a scalar, ``add``/``remove`` an item, ``update`` inside an object."""

Status = Literal["changed", "unchanged", "held", "failed"]
"""How a consolidation ended. ``held``: the gate asked to wait for more, no model was called."""

ThreadState = Literal["idle", "waiting", "held", "dead"]
"""``idle``: nothing unread; ``waiting``: due at a time; ``held``: for more; ``dead``: failed."""

Reason = Literal[
    "no_quote",  # evidence is required and none was given
    "quote_not_found",  # nobody said these words
    "not_the_users_words",  # somebody else said them
    "not_about_the_user",  # another person's facts in the user's own field
    "not_grounded",  # the value is not in the words it rests on
    "negated",  # the user said the opposite
    "item_not_named",  # a removal that does not name what goes
    "item_not_there",  # nothing like it in the list
    "no_value",  # null, a role word, nothing
    "instruction",  # an order to the memory or the bot, not a fact
    "duplicate",  # it is known already
    "unknown_field",
    "unfit_action",
    "wrong_type",
    "too_long",
    "list_full",
    "invalid_document",
    "protected",  # only an edit by hand may change this field
    "edited_by_hand",  # the quote is older than the edit
    "too_many",  # more changes than one consolidation may make
]
"""Why a proposed change was not made: the closed list."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a thread, as the memory reads it.

    Attributes:
        author: Whose words these are.
        text: Plain text; images and files appear as a short placeholder.
        id: The caller's id, if it has one.
        name: The speaker's name in a thread of several people.
        at: When it was said, else when it arrived.
        seq: Its number in the thread's inbox; 0 before it is stored.
    """

    author: Author
    text: str
    id: str | None = None
    name: str | None = None
    at: float | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a profile that an extractor proposes.

    Attributes:
        field: Name of a field of the schema.
        action: What to do with it.
        value: The new value; for ``remove`` the item to take out; ``None`` for ``clear``.
        quote: The user's words it rests on, verbatim.
        who: Whom it is about.
        key: For objects the property, for maps the key, for lists of objects the item's key.
    """

    field: str
    action: Action
    value: Any = None
    quote: str = ""
    who: Who = "user"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words that a change rests on, and where they were said.

    Attributes:
        quote: The user's own span, exactly as written.
        thread_id: The thread it was said in.
        message_id: The caller's id of the message, if it had one.
        seq: The message's number in the thread's inbox.
        at: When it was said.
    """

    quote: str
    thread_id: str = ""
    message_id: str | None = None
    seq: int = 0
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """One change that was made, by value, so that it can be explained and undone.

    ``before`` and ``after`` are the field's value for scalars, and the item's for lists and maps
    (``None`` on the side where it is absent). ``index`` is where in the list it stood: a hint for
    putting it back and for deriving RFC 6902, never an address.
    """

    field: str
    action: Action
    before: Any = None
    after: Any = None
    key: str | None = None
    index: int | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A proposed change that was not made, and why."""

    change: Change
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model was asked and answered; tokens as the provider counts them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """The accepted changes of one consolidation, or of one edit by hand.

    Attributes:
        number: Grows by one with each revision of this user, for ever.
        at: When it was committed.
        by: ``"model"`` or the name given to an edit.
        thread_id: The thread it was learned in; empty for edits.
        changes: What was done, by value.
        model: Name of the model or extractor.
        prompt: Version of the prompt.
        usage: What it cost.
    """

    number: int
    at: float
    by: str
    changes: tuple[Applied, ...]
    thread_id: str = ""
    model: str = ""
    prompt: str = ""
    usage: Usage = Usage()


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
