"""What a good model says of real talk gets through; what nobody said does not."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from usermemory.checks import Accepted, check
from usermemory.records import Change, Message, Refused
from usermemory.schema import Remember, UserProfile, schema_of

CASES = Path(__file__).parent / "checks_cases"
SAID_AT = 1_790_000_000.0


class Pet(BaseModel):
    name: str
    kind: str | None = None


class Address(BaseModel):
    street: str | None = None
    country: str | None = None


class Profile(UserProfile):
    city: str | None = None
    job: str | None = None
    diet: str | None = None
    birthday: date | None = None
    units: Literal["metric", "imperial"] | None = None
    newsletter: bool | None = None
    allergies: list[str] = Field(default_factory=list)
    pets: Annotated[list[Pet], Remember(about="anyone")] = Field(default_factory=list)
    contacts: Annotated[dict[str, str], Remember(about="anyone")] = Field(default_factory=dict)
    address: Address = Address()
    plan: Annotated[str | None, Remember(protect=True)] = None
    motto: Annotated[str | None, Remember(max_length=20)] = None


SCHEMA = schema_of(Profile)


def cases(name: str) -> list[Any]:
    loaded = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return [pytest.param(case, id=case["id"]) for case in loaded]


def judged(case: dict[str, Any]) -> Accepted | Refused:
    at = datetime.fromisoformat(case["at"]).timestamp() if "at" in case else SAID_AT
    messages: dict[bool, list[Message]] = {True: [], False: []}
    for number, (author, text) in enumerate(case["turns"], start=1):
        message = Message(author.removeprefix("context:"), text, f"m{number}", None, at, number)
        messages[author.startswith("context:")].append(message)
    change = Change(
        case["field"],
        case["action"],
        case["value"],
        case["quote"],
        case.get("who", "user"),
        case.get("key"),
    )
    return check(
        change,
        document=SCHEMA.empty() | case.get("document", {}),
        schema=SCHEMA,
        batch=messages[False],
        context=messages[True],
        thread_id="thread",
        edited=case.get("edited", {}),
        user_id="user-1",
        off=frozenset(case.get("off", ())),
    )


@pytest.mark.parametrize("case", cases("accepted"))
def test_what_the_user_said_gets_through(case: dict[str, Any]) -> None:
    """A change as a good model phrases it is accepted, with the user's own span as evidence."""
    verdict = judged(case)
    assert isinstance(verdict, Accepted), (verdict.reason, verdict.detail)
    (evidence,) = verdict.evidence
    texts = {f"m{n}": text for n, (_, text) in enumerate(case["turns"], start=1)}
    assert evidence.quote in texts[evidence.message_id or ""]
    assert evidence.quote == case.get("evidence", evidence.quote)
    assert (evidence.thread_id, f"m{evidence.seq}") == ("thread", evidence.message_id)
    assert evidence.at is not None


@pytest.mark.parametrize("case", cases("refused"))
def test_what_the_user_did_not_say_is_refused(case: dict[str, Any]) -> None:
    """A change that the user's words do not bear is refused, with the reason that fits."""
    verdict = judged(case)
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason == case["reason"], verdict.detail
    assert verdict.detail
