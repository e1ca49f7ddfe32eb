"""What a model is asked to fill in."""

from __future__ import annotations

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


def branches(schema: Schema, *, caps: bool = True) -> list[dict[str, Any]]:
    changes = schema.change_schema(caps=caps)["properties"]["changes"]
    found: list[dict[str, Any]] = [part["properties"] for part in changes["items"]["anyOf"]]
    return found


def summary(schema: Schema) -> list[tuple[Any, ...]]:
    """Fields, actions and what else a branch asks for."""
    return [
        (part["field"]["enum"], part["action"]["enum"], *sorted(part.keys() - COMMON))
        for part in branches(schema)
    ]


COMMON = {"quote", "who", "field", "action"}


def test_the_ready_profile_makes_four_branches() -> None:
    """Alike fields share a branch, and clearing has one without a value."""
    assert summary(schema_of(UserProfile)) == [
        (["name"], ["set"], "value"),
        (["name", "age"], ["clear"]),
        (["age"], ["set"], "value"),
        (["interests", "core_memories"], ["add", "remove"], "value"),
    ]


def test_caps_are_written_down_where_they_are_taken() -> None:
    """Strings have their field's length, numbers their bounds; without caps neither is there."""

    class Capped(BaseModel):
        nick: Annotated[str | None, Remember(max_length=9)] = None
        code: Annotated[str | None, Field(max_length=4)] = None
        age: Annotated[int | None, Field(ge=1, le=9)] = None

    nick, _, code, age = branches(schema_of(Capped))
    assert nick["value"] == {"type": "string", "maxLength": 9}
    assert code["value"] == {"type": "string", "maxLength": 4}
    assert age["value"] == {"type": "integer", "minimum": 1, "maximum": 9}
    assert {"type": "string"} in [
        part.get("value") for part in branches(schema_of(Capped), caps=False)
    ]


def test_maps_and_lists_of_objects_take_keys() -> None:
    """A map is set and removed by key, an item removed and updated by name, added whole."""
    schema = schema_of(create_model("S", scores=(dict[str, int], {}), pets=(list[Pet], [])))
    assert summary(schema) == [
        (["scores"], ["set"], "key", "value"),
        (["scores", "pets"], ["remove"], "key"),
        (["pets"], ["add"], "value"),
        (["pets"], ["update"], "key", "value"),
    ]
    add, update = (part["value"] for part in branches(schema)[2:])
    assert list(add["properties"]) == add["required"] == ["name", "age"]
    assert list(update["properties"]) == ["age"]
    assert update["properties"]["age"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def test_objects_are_updated_one_property_at_a_time() -> None:
    """The key is enumerated, lists inside take items, plain properties can be cleared."""
    parts = branches(schema_of(create_model("S", home=(Home | None, None))))
    found = [(part["action"]["enum"], part["key"]["enum"]) for part in parts]
    assert found == [
        (["update"], ["city"]),
        (["update"], ["rooms"]),
        (["add", "remove"], ["names"]),
        (["clear"], ["city", "rooms"]),
    ]


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


def test_long_enumerations_are_not_spelled_out() -> None:
    """A choice of hundreds is asked for as text, and still judged."""
    choices = [f"c{number}" for number in range(300)]
    schema = schema_of(create_model("S", a=(Literal[tuple(choices)] | None, None)))  # type: ignore[valid-type]
    assert "enum" not in branches(schema)[0]["value"]
    assert schema.fields["a"].value_schema["enum"] == choices


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
