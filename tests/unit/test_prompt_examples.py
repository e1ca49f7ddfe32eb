"""The examples that are derived from a schema's fields: right for every schema, the same always."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from usermemory.changes import apply
from usermemory.checks import Accepted, check
from usermemory.prompt import Prompt
from usermemory.prompt.example import as_json
from usermemory.prompt.examples import derived
from usermemory.schema import Remember, Schema, UserProfile, schema_of


class Person(BaseModel):
    """Well-known fields only."""

    name: str | None = None
    age: int | None = Field(None, ge=0, le=150)
    city: str | None = None
    job: str | None = None
    diet: str | None = None
    interests: list[str] = []
    core_memories: Annotated[list[str], Remember(about="anyone")] = []


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Pet(BaseModel):
    name: str
    kind: Literal["cat", "dog"] = "cat"
    born: int | None = None


class Address(BaseModel):
    street: str | None = None
    tags: list[str] = []


class Everything(BaseModel):
    """One field of every kind, none of them well known."""

    mood: Mood | None = None
    vegan: bool | None = None
    shoe_size: float | None = Field(None, gt=20, lt=60)
    birthday: date | None = None
    plate: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    pets: list[Pet] = []
    address: Address = Address()
    birthdays: dict[str, str] = {}
    scores: Annotated[list[int], Remember(max_items=3)] = []
    team: Annotated[str | None, Remember(examples=("red", "blue"))] = None
    secret: Annotated[str | None, Remember(ask=False)] = None
    role: Annotated[str | None, Remember(protect=True)] = None


@dataclass
class Small:
    """A single field."""

    colour: str | None = None


SCHEMAS = [UserProfile, Person, Everything, Small]


@pytest.fixture(params=SCHEMAS, ids=lambda source: source.__name__)
def schema(request: pytest.FixtureRequest) -> Schema:
    return schema_of(request.param)


def test_examples_fit_the_change_schema(schema: Schema) -> None:
    """Every answer in an example is one that the model is allowed to give."""
    for example in derived(schema):
        answer = {"changes": [as_json(change) for change in example.changes]}
        for caps in (True, False):
            jsonschema.validate(answer, schema.change_schema(caps=caps))


def test_examples_apply_to_their_profile(schema: Schema) -> None:
    """Every change in an example can be made, one after the other, and its quote was said."""
    for example in derived(schema):
        document: Any = example.profile
        for change in example.changes:
            document, _ = apply(document, change, schema)
            assert any(
                change.quote in message.text
                for message in example.messages
                if message.author == "user"
            )


@pytest.mark.parametrize("source", [UserProfile, Person])
def test_examples_pass_our_own_checks(source: Any) -> None:
    """What the prompt teaches is what the checks let through."""
    schema = schema_of(source)
    for example in derived(schema):
        document: Any = example.profile
        for change in example.changes:
            judged = check(change, document=document, schema=schema, batch=example.messages)
            assert isinstance(judged, Accepted), judged
            document, _ = apply(document, change, schema)


def test_order_and_purpose_of_the_examples() -> None:
    """Nothing; a relative; a change with a removal; several facts on an empty profile."""
    schema = schema_of(Person)
    nothing, relative, moved, newcomer = derived(schema)
    assert nothing.changes == ()
    assert nothing.profile["name"]
    assert [(change.who, change.field) for change in relative.changes] == [
        ("other", "core_memories")
    ]
    actions = {(change.field, change.action) for change in moved.changes}
    assert {("city", "set"), ("interests", "remove"), ("interests", "add")} <= actions
    assert newcomer.profile == schema.empty(), "nothing is known yet"
    assert {change.field for change in newcomer.changes} == set(schema.fields)


def test_a_relatives_facts_are_left_out_without_a_field_for_them() -> None:
    """Where no field is about other people, the example shows an empty answer."""
    relative = derived(schema_of(Small))[1]
    assert relative.changes == ()
    assert "grandmother" in relative.messages[0].text


def test_every_askable_kind_is_shown() -> None:
    """The last example fills fields of all kinds, and none that may not be asked for."""
    shown = {
        change.field for example in derived(schema_of(Everything)) for change in example.changes
    }
    assert {"pets", "address", "birthdays", "scores", "mood", "team"} <= shown
    assert not {"secret", "role", "plate"} & shown
    assert "secret" not in Prompt().stable(schema_of(Everything))


def test_examples_of_a_field_are_used() -> None:
    """Values that the schema gives as examples are the ones in the prompt."""
    assert '"value": "red"' in Prompt().stable(schema_of(Everything))


def test_same_bytes_every_time(schema: Schema) -> None:
    """The stable part of the prompt does not change from call to call."""
    assert Prompt().stable(schema) == Prompt().stable(schema)
