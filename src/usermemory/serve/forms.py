"""What the HTTP API takes and answers, as its OpenAPI document shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from starlette.exceptions import HTTPException

from usermemory.records import Proposal, Recalled, Refused, Revision, Said, Usage
from usermemory.serve.tokens import LINK_LIFETIME

T = TypeVar("T")

_FAR = 2**53 - 1
"""The largest whole number that every JSON reader takes."""

_FOREVER = 1e11
"""Seconds since the epoch, some three thousand years after it."""

USER = "/users/{user_id}"

UserId = Annotated[
    str, Path(description="Whose memory; `/` in it is sent as `%2F`.", examples=["will"])
]
ThreadId = Annotated[
    str, Path(description="The thread; `/` in it is sent as `%2F`.", examples=["2026-05-01"])
]
ProposalId = Annotated[str, Path(description="As the list names it.", max_length=100)]
FieldName = Annotated[
    str | None, Query(description="Only this field of the profile.", examples=["interests"])
]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many items at most.")]
After = Annotated[
    str | None,
    Query(description="`next` of the page before, as it is; none for the first."),
]
DryRun = Annotated[bool, Query(description="Only say what it would do.")]
Number = Annotated[int, Field(ge=0, le=_FAR)]
Moment = Annotated[float, Field(ge=0, le=_FOREVER, allow_inf_nan=False)]


class Form(BaseModel):
    """A body: what it does not know is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Messages(Form):
    """What was said in a thread: the new messages, a window, or all of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "messages": [
                        {"role": "assistant", "content": "What do you like?", "id": "m1"},
                        {"role": "user", "content": "I love chess.", "id": "m2"},
                    ]
                }
            ]
        }
    )

    messages: Annotated[
        list[dict[str, Any]],
        Field(description="Each with `role` and `content`, and an `id` if it has one."),
    ]
    delay: Annotated[
        float | None,
        Field(ge=0, le=_FOREVER, allow_inf_nan=False, description="Seconds of quiet; null: usual."),
    ] = None
    keep: Annotated[StrictBool, Field(description="False: what is said is never learned.")] = True


class Edit(Form):
    """A change by hand: RFC 6902 operations, or the whole document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"patch": [{"op": "replace", "path": "/name", "value": "Bill"}], "by": "support"}
            ]
        }
    )

    patch: Annotated[list[dict[str, Any]] | None, Field(description="RFC 6902 operations.")] = None
    document: Annotated[
        dict[str, Any] | None, Field(description="The profile; what it leaves out is emptied.")
    ] = None
    by: Annotated[
        str, Field(description="Who edits, for the history.", max_length=200, pattern=r"^[^\x00]+$")
    ]
    revision: Annotated[
        Number | None, Field(description="The one that the editor saw: 409 if it moved on.")
    ] = None
    dry_run: StrictBool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Edit:
        if (self.patch is None) == (self.document is None):
            raise ValueError("give patch or document, and one of them")
        return self

    @property
    def wanted(self) -> Any:
        """What is to become of the profile."""
        return self.document if self.patch is None else self.patch


class Erasing(Form):
    """What is to be forgotten, for good."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"field": "interests", "value": "chess", "dry_run": True}]}
    )

    field: Annotated[str, Field(description="A field, or a JSON pointer into the profile.")]
    value: Annotated[Any, Field(description="The item, the key; null for the whole field.")] = None
    anywhere: Annotated[
        StrictBool,
        Field(description="The value need stand nowhere: it is kept from being learned."),
    ] = False
    dry_run: Annotated[StrictBool, Field(description="Only say what it would reach.")] = False


class Approval(Form):
    """Who approves a proposal, and what instead of its value."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"by": "support"}]})

    by: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]+$")] = "review"
    value: Annotated[Any, Field(description="In place of its value; null: as it is.")] = None


class Link(Form):
    """How long a link to a user's own page opens it, and for what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lifetime": 900}]})

    lifetime: Annotated[
        float, Field(ge=1, le=_FOREVER, allow_inf_nan=False, description="Seconds.")
    ] = LINK_LIFETIME
    read_only: Annotated[StrictBool, Field(description="Whether the page changes nothing.")] = False


class OwnPage(BaseModel):
    """Where a user's own page is, for whoever has the link."""

    path: Annotated[
        str,
        Field(description="With its query.", examples=["/memory/own?link=WyJ3aWxsIiwxNzQ.kXq0"]),
    ]
    expires_at: Annotated[float, Field(description="Seconds since the epoch.")]


class RetryAll(Form):
    """Which failed threads are tried again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "rate_limited"}]})

    reason: Annotated[str, Field(description="Only where the last error has this in it.")] = ""
    dry_run: StrictBool = False


class Export(BaseModel):
    """All that is kept of a user, as `exportUser` gave it."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"format": "usermemory", "version": 1}]}
    )


class Health(BaseModel):
    """The database answers."""

    status: Annotated[str, Field(examples=["ok"])]


class Profile(BaseModel):
    """A user's profile, as data and as text for a prompt."""

    profile: Annotated[
        dict[str, Any], Field(examples=[{"name": "Will", "age": 34, "interests": ["chess"]}])
    ]
    revision: Annotated[int, Field(description="0 before anything was learned.", examples=[3])]
    updated_at: float | None
    pending: Annotated[int, Field(description="Messages that nobody has read yet, up to 100.")]
    text: Annotated[str, Field(description="For a system message; empty if nothing is known.")]
    tail: list[Said]
    earlier: list[Revision]
    stamps: Annotated[
        dict[str, dict[str, float]], Field(description="With `stamps=true`; else empty.")
    ]

    @classmethod
    def of(cls, found: Recalled, text: str, *, stamps: bool) -> Profile:
        """What was recalled; it is not validated, since a profile may be long."""
        return cls.model_construct(
            profile=dict(found.document),
            revision=found.revision,
            updated_at=found.updated_at,
            pending=found.pending,
            text=text,
            tail=list(found.tail),
            earlier=list(found.earlier),
            stamps={field: dict(times) for field, times in found.stamps.items() if stamps},
        )


class Person(BaseModel):
    """A user who is known, waits, or is paused."""

    user_id: Annotated[str, Field(examples=["will"])]
    revision: int
    updated_at: float | None
    seen_at: float | None
    size: Annotated[int, Field(description="Characters of the profile.")]
    unread: int
    dead: int
    paused: bool


class Edited(BaseModel):
    """The new revision, or what it would be; null if the profile said so already."""

    revision: Revision | None


class Paused(BaseModel):
    """Whether learning about a user is stopped."""

    paused: bool


class Tidied(BaseModel):
    """What a tidy pass proposes, what it did at once, and what code refused of it."""

    waiting: list[Proposal]
    made: list[Revision]
    refused: list[Refused]
    usage: Usage


class Declined(BaseModel):
    """Which proposal ended."""

    id: str


class Dropped(BaseModel):
    """How many unread messages were given up."""

    dropped: int


class Retried(BaseModel):
    """Whether something unread is due now."""

    retried: bool


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: Annotated[str, Field(examples=["about:blank"])]
    title: Annotated[str, Field(examples=["Unprocessable Entity"])]
    status: Annotated[int, Field(examples=[422])]
    detail: Annotated[str, Field(examples=["the profile has no field 'nonsense'"])]


class Page(BaseModel, Generic[T]):
    """Some items, and where the next ones are."""

    items: list[T]
    next: Annotated[str | None, Field(description="For `after`; null where there are no more.")]


def page(items: Sequence[T], after: str | None, limit: int) -> Page[T]:
    """The items of a list that come after a place in it."""
    begin = place(after)
    end = begin + limit
    following = str(end) if end < len(items) else None
    return Page(items=list(items[begin:end]), next=following)


def page_behind(
    items: Sequence[T], key: Callable[[T], tuple[Any, ...]], after: str | None, limit: int
) -> Page[T]:
    """The items that come behind one, which may be gone by now: approved, retried or read.

    Args:
        items: All of them.
        key: By what they are sorted: JSON values that differ from item to item.
        after: The key of the last one of the page before, as JSON.
        limit: How many.
    """
    try:
        last = tuple(json.loads(after)) if after is not None else ()
        left = sorted((one for one in items if key(one) > last), key=key)
    except (TypeError, ValueError, RecursionError) as error:
        raise HTTPException(422, _NEXT) from error
    shown = left[:limit]
    following = json.dumps(key(shown[-1])) if len(left) > limit else None
    return Page(items=shown, next=following)


_NEXT = "after is what the page before gave as next"


def place(after: str | None) -> int:
    """Which number of a list ``after`` means, or 422."""
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 12):
        raise HTTPException(422, _NEXT)
    return int(after)


_PROBLEMS = {
    400: "This is no JSON.",
    401: "No token, or one that is unknown, revoked or over.",
    403: "The token does not reach this, or may only read.",
    404: "There is no such thing.",
    409: "The profile has moved on, the same request is at work, or there is no model to ask.",
    413: "The body is too large.",
    422: "The request says something that cannot be done.",
    429: "Too many requests by this token; `Retry-After` says when to go on.",
    503: "The database is busy or cannot serve.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that an operation may end in."""
    form = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {one: {"description": _PROBLEMS[one], "content": form} for one in statuses}


def operation(
    router: APIRouter, method: str, path: str, *more: int, status: int = 200, answer: Any = None
) -> Callable[[Callable[..., Any]], None]:
    """Make a function an operation, named and described as it is itself.

    Args:
        router: To which.
        method: Of HTTP.
        path: Below the router's.
        more: Errors beside those of every operation.
        status: Of a good answer.
        answer: Its form, where the function makes the response itself.
    """

    def added(function: Callable[..., Any]) -> None:
        first, *rest = function.__name__.split("_")
        summary, _, text = (function.__doc__ or "").partition("\n\n")
        writes = {400, 409} if method != "GET" else set[int]()
        made = {} if answer is None else {"response_model": answer}
        router.add_api_route(
            path,
            function,
            methods=[method],
            status_code=status,
            operation_id=first + "".join(part.title() for part in rest),
            summary=summary.strip().rstrip("."),
            description=" ".join(text.split()),
            responses=answers(*sorted({401, 403, 413, 422, 429, 503, *writes, *more})),
            **made,
        )

    return added
