"""The fields as text: what a model is told about each of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from usermemory.prompt.batch import KEYED, described
from usermemory.schema import Remember, UserProfile, schema_of


class Pet(BaseModel):
    name: str
    kind: Literal["cat", "dog"] = "cat"
    chip: Annotated[str | None, Remember(ask=False)] = None


class Profile(BaseModel):
    nick: str | None = Field(None, title="What friends say", description=None)
    size: float | None = Field(None, gt=20)
    level: int | None = Field(None, le=9)
    mood: Literal["good", "bad"] | None = Field(None, description="The mood.\n  Today's. ")
    born: date | None = None
    vegan: bool | None = None
    team: Annotated[str | None, Remember(examples=("red", "blue"))] = None
    family: Annotated[list[str], Remember(about="anyone")] = []
    pets: list[Pet] = []
    home: Pet | None = None
    phones: dict[str, str] = {}
    secret: Annotated[str | None, Remember(ask=False)] = None
    role: Annotated[str | None, Remember(protect=True)] = None


def test_each_field_is_one_line() -> None:
    """Type, bounds, choices, whom it may be about, meaning and examples are told."""
    pets = 'keys name (text), kind (one of "cat", "dog")'
    assert described(schema_of(Profile)).splitlines() == [
        "- nick: text. What friends say",
        "- size: number from 20",
        "- level: whole number up to 9",
        '- mood: one of "good", "bad". The mood. Today\'s',
        "- born: date",
        "- vegan: true or false",
        '- team: text. For example "red", "blue"',
        "- family: list of text; also other people",
        f"- pets: list of objects, named by name, with the {pets}",
        f"- home: object with the {pets}. Pet",
        "- phones: map of text",
        KEYED,
    ]


def test_what_is_never_asked_for_is_not_shown() -> None:
    """Fields with ask=False or protect=True are not offered to the model."""
    text = described(schema_of(Profile))
    assert "secret" not in text
    assert "role" not in text
    assert "chip" not in text


def test_plain_schemas_are_not_told_about_keys() -> None:
    """A schema without maps and objects spends no words on keys."""
    assert "key" not in described(schema_of(UserProfile))


def test_long_descriptions_are_cut() -> None:
    """A description of thousands of words cannot crowd out the rest."""
    schema = schema_of(
        {"type": "object", "properties": {"a": {"type": "string", "description": "x " * 9_000}}}
    )
    assert len(described(schema)) < 500
