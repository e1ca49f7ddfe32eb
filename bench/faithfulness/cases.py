"""The labelled updates: a profile, what was said, and which facts should come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from usermemory.records import Change, Message
from usermemory.schema import Remember, schema_of

LONG = 20
"""Items of a profile from which on it is a long one; the labelled ones hold 30, or up to 6."""


class Person(BaseModel):
    """The schema of the labelled updates."""

    name: str | None = Field(None, description="The user's own name")
    age: int | None = Field(None, ge=0, le=150, description="The user's own age in years")
    city: str | None = Field(None, description="The city where the user lives now")
    job: str | None = Field(None, description="The user's current job")
    diet: str | None = Field(None, description="What the user does or does not eat")
    interests: list[str] = Field(
        default_factory=list, description="The user's hobbies and likes, one short item each"
    )
    core_memories: Annotated[list[str], Remember(about="anyone")] = Field(
        default_factory=list,
        description=(
            "Other important facts about the user's life, including family, friends and pets; "
            "one short sentence each"
        ),
    )


SCHEMA = schema_of(Person)


@dataclass(frozen=True)
class Label:
    """New values that are meant: in one of these fields, matching this pattern.

    Attributes:
        fields: Names; ``*`` is any.
        pattern: Searched in the folded value.
    """

    fields: frozenset[str]
    pattern: re.Pattern[str]

    def fits(self, field: str, folded: str) -> bool:
        """Whether a new value is one of them."""
        named = field in self.fields or "*" in self.fields
        return named and self.pattern.search(folded) is not None


@dataclass(frozen=True)
class Case:
    """One labelled update.

    Attributes:
        id: Its name in the file.
        kind: What it tries.
        profile: The document before.
        messages: What was said.
        want: New values that should come; each is a fact to learn.
        gone: Field and item (None for a scalar) that should go; each is a fact to learn.
        acceptable: Further new values that are right.
        wrong: New values that are somebody else's.
        perfect: What a perfect model proposes.
    """

    id: str
    kind: str
    profile: Mapping[str, Any]
    messages: tuple[Message, ...]
    want: tuple[Label, ...]
    gone: tuple[tuple[str, str | None], ...]
    acceptable: tuple[Label, ...]
    wrong: tuple[Label, ...]
    perfect: tuple[Change, ...]

    @property
    def facts(self) -> int:
        """How much there is to learn."""
        return len(self.want) + len(self.gone)

    @property
    def long(self) -> bool:
        """Whether the profile is a long one."""
        lists = [value for value in self.profile.values() if isinstance(value, list)]
        return sum(map(len, lists)) >= LONG


def load(path: Path) -> list[Case]:
    """Read a file of labelled updates; its own ``about`` says what the labels mean."""
    return [_case(raw) for raw in json.loads(path.read_text("utf-8"))["cases"]]


def _case(raw: Mapping[str, Any]) -> Case:
    at = datetime.fromisoformat(raw["at"]).timestamp() if "at" in raw else None
    return Case(
        id=raw["id"],
        kind=raw.get("kind", ""),
        profile=SCHEMA.validate(raw["profile"]),
        messages=tuple(
            Message(turn["role"], turn["content"], f"m{place}", None, at, place)
            for place, turn in enumerate(raw["turns"], start=1)
        ),
        want=_labels(raw["want"]),
        gone=tuple((field, item) for field, item in raw["gone"]),
        acceptable=_labels(raw["ok"]),
        wrong=_labels(raw["wrong"]),
        perfect=tuple(Change(**change) for change in raw.get("perfect", ())),
    )


def _labels(raw: Sequence[Sequence[str]]) -> tuple[Label, ...]:
    return tuple(
        Label(frozenset(fields.split("|")), re.compile(pattern)) for fields, pattern in raw
    )
