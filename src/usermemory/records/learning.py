"""What is said, and what is learned from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Author = Literal["user", "assistant", "tool", "other"]
"""Whose words a message holds. Only ``user`` is ever evidence."""

Who = Literal["user", "other", "assistant"]
"""Whom a proposed change is about, as extractors of earlier versions say it; ignored."""

Action = Literal["set", "clear", "add", "remove", "update"]
"""``set``/``clear`` a scalar, ``add``/``remove`` an item, ``update`` inside an object."""

Reason = Literal[
    # By the wall, which is code:
    "no_quote",  # evidence is required and none was given
    "quote_not_found",  # nobody said these words
    "not_the_users_words",  # somebody else said them, or the user only repeats the bot
    "disguised",  # hidden characters, or the structure of a prompt
    "no_value",  # null, nothing
    "duplicate",  # it is known already, in the same words
    "contradicted",  # it takes back what the same answer made of the same message
    "item_not_there",  # nothing like it in the list
    "unknown_field",
    "unfit_action",
    "wrong_type",
    "too_long",
    "list_full",  # as many items as Remember(max_items=…) allows
    "profile_full",  # the whole profile is as long as it may be
    "invalid_document",
    "protected",  # only an edit by hand may change this field
    "edited_by_hand",  # the quote is older than the edit
    "outdated",  # what is known was said later
    "too_many",  # more changes than one consolidation may make
    "erased",  # the user had it erased, and has not said it since
    "paused",  # nothing may be learned about this user
    # By the second look, which is a model's verdict:
    "not_said",  # the words do not say it
    "other_person",  # they speak of somebody else's life
    "opposite",  # they say the opposite
    "asked_or_supposed",  # a question, a joke, a story, a supposition
    "order",  # an order to the bot, no fact
    "unverified",  # the second look gave no verdict, twice
    "doubtful",  # no second look was to be had
    # Kept so that what earlier versions stored can be read:
    "not_about_the_user",
    "not_grounded",
    "negated",
    "item_not_named",
    "not_asked",
    "instruction",
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
        received: When the memory took it in; None before it is stored.
        part: Which piece of a very long message this is; 0 for the first or only one.
    """

    author: Author
    text: str
    id: str | None = None
    name: str | None = None
    at: float | None = None
    seq: int = 0
    received: float | None = None
    part: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a profile that an extractor proposes.

    Attributes:
        field: Name of a field of the schema.
        action: What to do with it.
        value: The new value; for ``remove`` the item to take out; ``None`` for ``clear``.
        quote: The user's words it rests on, verbatim.
        who: Accepted and ignored, for extractors that were written for earlier versions.
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
        erased: Whether the user had the words erased; the quote is then empty.
        question: What the assistant had asked right before, where the words are a short answer
            ("yes", "the first") that means nothing without it; else empty. It is context, never
            evidence.
    """

    quote: str
    thread_id: str = ""
    message_id: str | None = None
    seq: int = 0
    at: float | None = None
    erased: bool = False
    question: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """One change that was made, by value, so that it can be explained and undone.

    ``before`` and ``after`` are the field's value for scalars, and the item's for lists and maps
    (``None`` on the side where it is absent). ``index`` is where in the list it stood: a hint for
    putting it back and for deriving RFC 6902, never an address. ``erased`` says that the user had
    one or all of the values erased: they are then empty. ``at`` is when the memory that an import
    took it from had it; what rests on the user's words has the times of these. ``edited`` says that
    a person put the value in place of the proposed one when they approved it.
    """

    field: str
    action: Action
    before: Any = None
    after: Any = None
    key: str | None = None
    index: int | None = None
    evidence: tuple[Evidence, ...] = ()
    erased: bool = False
    at: float | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A proposed change that was not made, and why.

    Attributes:
        change: What was proposed.
        reason: From the closed list `Reason`.
        detail: What is wrong, for a person or for a model that may try again.
        thread_id: The thread whose messages it came from, where it is listed later.
        at: When it was refused, in seconds since the epoch, where it is listed later.
    """

    change: Change
    reason: Reason
    detail: str = ""
    thread_id: str = ""
    at: float | None = None


Rejection = Refused
"""The name of `Refused` up to version 0.1."""


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


MIGRATION = "migration"
"""Who a revision is by that took over what another schema had stored."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What learning about a user cost on one day, with one model.

    Attributes:
        user_id: About whom.
        day: In UTC, as ``2026-05-01``.
        model: Name of the model; empty where an attempt failed before it said so.
        readings: Batches that were read, or tried.
        usage: Calls and tokens of all of them, second looks and failed attempts included.
    """

    user_id: str
    day: str
    model: str
    readings: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Revision:
    """The accepted changes of one consolidation, or of one edit by hand.

    Attributes:
        number: Grows by one with each revision of this user, for ever.
        at: When it was committed.
        by: ``"model"``, the name given to an edit, ``"undo"``, ``"forget"`` or ``"migration"``.
        thread_id: The thread it was learned in; empty for edits.
        changes: What was done, by value.
        model: Name of the model or extractor; of a migration its function, or its mapping as JSON.
        prompt: Version of the prompt.
        usage: What it cost.
        undoes: Numbers of the revisions that this one took back.
        fingerprint: Of the schema that the profile was one of afterwards; empty where an older
            version wrote it.
    """

    number: int
    at: float
    by: str
    changes: tuple[Applied, ...]
    thread_id: str = ""
    model: str = ""
    prompt: str = ""
    usage: Usage = Usage()
    undoes: tuple[int, ...] = ()
    fingerprint: str = ""


ProposalKind = Literal["change", "merge", "shorten", "end", "conflict"]
"""``change``: learned, and to be reviewed. By the tidy pass: ``merge`` (items that say the same),
``shorten`` (one that says it at length), ``end`` (over, by its own words), ``conflict`` (what
another item makes doubtful)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes that wait for a person; they are made together, or not at all.

    Attributes:
        id: By which it is approved or declined.
        user_id: Whose profile.
        kind: See `ProposalKind`.
        changes: What it would do, by value, each with the words that it rests on.
        why: What the tidy pass says of it; empty for what was learned.
        by: Who proposed it: ``model``, ``tidy``, or the name of a tool.
        thread_id: Where it was said, if in one thread.
        model: Which model proposed it, where that has a name.
        revision: The profile that it was proposed for.
        at: When.
        expires_at: When it ends by itself.
    """

    id: str
    user_id: str
    kind: ProposalKind
    changes: tuple[Applied, ...]
    why: str = ""
    by: str = "model"
    thread_id: str = ""
    model: str = ""
    revision: int = 0
    at: float = 0.0
    expires_at: float = 0.0
