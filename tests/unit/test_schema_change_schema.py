"""What a model is asked to fill in."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model
from tests.support.provider_rules import strict_refusals

from usermemory.errors import SchemaError
from usermemory.schema import Remember, Schema, UserProfile, schema_of


class Pet(BaseModel):
    name: str
    age: int | None = None


class Home(BaseModel):
    city: str
    rooms: int = 1
    names: list[str] = []


def parts(schema: Schema, *, caps: bool = True) -> dict[str, Any]:
    """The parts of a change."""
    changes = schema.change_schema(caps=caps)["properties"]["changes"]
    found: dict[str, Any] = changes["items"]["properties"]
    return found


def kinds(schema: Schema, *, caps: bool = False) -> list[dict[str, Any]]:
    """The types of value that a change may have."""
    found: list[dict[str, Any]] = parts(schema, caps=caps)["value"]["anyOf"]
    return found


def test_the_ready_profile_makes_one_short_form() -> None:
    """A change is a quote, an action that names its field, and a value of any type there is."""
    found = parts(schema_of(UserProfile), caps=False)
    assert list(found) == ["quote", "action", "value"]
    assert found["action"]["enum"][:4] == ["set name", "clear name", "set age", "clear age"]
    assert "add interests" in found["action"]["enum"]
    assert "set interests" not in found["action"]["enum"]
    assert found["value"] == {"anyOf": [{"type": k} for k in ("string", "integer", "null")]}


def test_lengths_are_written_down_where_they_are_taken() -> None:
    """A grammar without lengths lets a small model loop for ever; strict modes refuse them."""
    capped = parts(schema_of(UserProfile))
    assert capped["quote"] == {"type": "string", "maxLength": 200}
    assert {"type": "string", "maxLength": 500} in capped["value"]["anyOf"]
    assert "max" not in str(schema_of(UserProfile).change_schema(caps=False))


def test_what_the_prompt_says_is_not_said_twice() -> None:
    """Options, formats and bounds of single values stand in the prompt, and are judged later."""

    class Told(BaseModel):
        mood: Literal["good", "bad"] | None = None
        born: date | None = None
        age: Annotated[int | None, Field(ge=1, le=9)] = None
        size: float | None = None

    assert kinds(schema_of(Told)) == [{"type": k} for k in ("string", "number", "null")]


def test_fields_with_keys_ask_for_one() -> None:
    """Where a schema has maps or objects a change has a key, null for the other fields."""
    schema = schema_of(create_model("S", scores=(dict[str, int], {}), pets=(list[Pet], [])))
    found = parts(schema, caps=False)
    assert list(found) == ["quote", "action", "key", "value"]
    assert found["key"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert found["action"]["enum"] == [
        *("set scores", "remove scores", "add pets", "remove pets", "update pets")
    ]


def test_objects_say_how_they_are_built() -> None:
    """An item of a list of objects has its properties, each of which may be null."""
    number, pet, _ = kinds(schema_of(create_model("S", n=(int, 0), pets=(list[Pet], []))))
    assert number == {"type": "integer"}
    assert list(pet["properties"]) == pet["required"] == ["name", "age"]
    assert pet["properties"]["age"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert pet["additionalProperties"] is False


def test_objects_are_changed_one_property_at_a_time() -> None:
    """The value is of one property, and lists inside take items."""
    schema = schema_of(create_model("S", home=(Home | None, None)))
    assert parts(schema)["action"]["enum"] == [
        *("update home", "clear home", "add home", "remove home")
    ]
    assert kinds(schema) == [{"type": "string"}, {"type": "integer"}, {"type": "null"}]


def test_nobody_is_asked_for_protected_fields() -> None:
    """Neither ``ask=False`` nor ``protect=True`` reaches the model, at the top or in an object."""

    class Inner(BaseModel):
        seen: str | None = None
        hidden: Annotated[str | None, Remember(ask=False)] = None

    class Guarded(BaseModel):
        name: str | None = None
        tier: Annotated[str | None, Remember(protect=True)] = None
        inner: Inner = Inner()
        items: list[Inner] = []

    text = str(schema_of(Guarded).change_schema())
    assert "seen" in text
    assert "hidden" not in text
    assert "tier" not in text


def test_there_must_be_something_to_ask_for() -> None:
    """A schema of which nothing may be asked is a mistake."""
    with pytest.raises(SchemaError, match="no field"):
        schema_of(create_model("S", a=(Annotated[str | None, Remember(ask=False)], None)))


def test_too_many_fields_are_refused_when_built() -> None:
    """What strict modes would refuse at run time is refused at once."""
    many: dict[str, Any] = {f"f{number}": (str | None, None) for number in range(600)}
    with pytest.raises(SchemaError, match="too many"):
        schema_of(create_model("S", **many))


def test_deep_nesting_is_refused_when_built() -> None:
    """An object in an object, nine deep, is more than strict modes take; a shallow one is fine."""

    def nested(levels: int) -> Any:
        kind: Any = str | None
        for level in range(levels):
            kind = create_model(f"L{level}", inner=(kind, ...)) | None
        return create_model("S", deep=(kind, None))

    accepted = schema_of(nested(7)).change_schema(caps=False)
    assert list(strict_refusals(accepted)) == []
    with pytest.raises(SchemaError, match="'deep' is nested more deeply"):
        schema_of(nested(9))


def test_settings_and_descriptions_reach_the_fields() -> None:
    """What a person says about a field is there for the prompt, and no cap that nobody set."""

    class Told(BaseModel):
        food: Annotated[list[str], Remember(max_items=3, examples=("nuts",), about="anyone")] = (
            Field([], title="Dishes", description="What they like to eat")
        )
        pets: Annotated[list[Pet], Remember(key="age")] = []
        nick: str | None = Field(None, examples=["Bo"])

    fields = schema_of(Told).fields
    assert (fields["food"].title, fields["food"].description) == ("Dishes", "What they like to eat")
    assert fields["food"].settings == Remember(
        max_items=3, max_length=None, examples=("nuts",), about="anyone"
    )
    assert fields["pets"].settings.key == "age"
    assert fields["nick"].settings.examples == ("Bo",)
    plain = schema_of(Told.model_json_schema()).fields
    assert {name: field.settings for name, field in plain.items()} == {
        name: field.settings for name, field in fields.items()
    }
