"""Every kind of source becomes the same fields, and documents load as what the source says."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys
import typing
from typing import Annotated, Any, Literal, NotRequired, Required

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    computed_field,
    create_model,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from usermemory.errors import InvalidDocument, SchemaError
from usermemory.schema import Remember, UserProfile, schema_of


class Home(BaseModel):
    city: str
    country: str = "DE"


class Model(BaseModel):
    name: str
    age: Annotated[int | None, Field(ge=0)] = None
    home: Home
    tags: list[str] = []


class Typed(typing.TypedDict, total=False):
    name: Required[str]
    age: Annotated[int | None, Field(ge=0)]
    home: Required[Home]
    tags: list[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    name: str
    home: Home
    age: Annotated[int | None, Field(ge=0)] = None
    tags: list[str] = dataclasses.field(default_factory=list)


@pydantic_dataclass
class Checked:
    name: str
    home: Home
    age: Annotated[int | None, Field(ge=0)] = None
    tags: list[str] = Field(default_factory=list)


SOURCES = [Model, Typed, Plain, Checked, Model.model_json_schema()]


class Origin(BaseModel):
    core_memories: list[str] | str | None = Field(..., description="All core memories")
    interests: list[str] | str
    name: str | None
    age: int | None = None


@pytest.mark.parametrize("source", SOURCES)
def test_sources_agree(source: Any) -> None:
    """The same fields make the same kinds, whatever they are written in."""
    schema = schema_of(source)
    kinds = {name: (field.kind, field.required) for name, field in schema.fields.items()}
    assert kinds == {
        "name": ("scalar", True),
        "age": ("scalar", False),
        "home": ("object", True),
        "tags": ("list", False),
    }
    assert schema.empty() == {
        "name": None,
        "age": None,
        "tags": [],
        "home": {"city": None, "country": "DE"},
    }


@pytest.mark.parametrize("source", SOURCES)
def test_partial_documents_are_judged_by_what_they_hold(source: Any) -> None:
    """Something required may be missing, but nothing may be wrong."""
    schema = schema_of(source)
    document = schema.validate({"name": "Bo", "home": {"country": "NO"}})
    assert document["home"] == {"city": None, "country": "NO"}
    with pytest.raises(InvalidDocument, match="age"):
        schema.validate({"age": -1})


@pytest.mark.parametrize("source", [Model, Plain, Checked])
def test_instances_load_and_dump(source: Any) -> None:
    """A whole document loads as the source's own type, a partial one as a kind of it."""
    schema = schema_of(source)
    whole = schema.validate({"name": "Bo", "home": {"city": "Oslo"}, "tags": ["a"]})
    value = schema.load(whole)
    assert type(value) is source
    assert (value.name, value.home, value.tags) == ("Bo", Home(city="Oslo"), ["a"])
    assert schema.dump(value) == whole
    partial = schema.load(schema.empty())
    assert isinstance(partial, source)
    assert (partial.name, partial.tags) == (None, [])
    assert schema.dump(partial) == schema.empty()


def test_dicts_load_as_dicts() -> None:
    """TypedDicts and JSON Schemas have no instances but dicts."""
    told = {"name": "Bo", "home": {"city": "Oslo"}}
    assert schema_of(Typed).load(told)["home"] == Home(city="Oslo")
    assert schema_of(Model.model_json_schema()).load(told)["home"]["city"] == "Oslo"


def test_the_origins_unions_become_lists() -> None:
    """``list[str] | str | None`` is a list, never a string and never a list inside a string."""
    schema = schema_of(Origin)
    assert schema.fields["core_memories"].kind == "list"
    assert schema.fields["core_memories"].description == "All core memories"
    assert schema.validate({"interests": '["a", "b"]'})["interests"] == ["a", "b"]
    assert schema.validate({"interests": "chess"})["interests"] == ["chess"]
    assert schema.load(schema.empty()).interests == []


def test_dates_sets_and_aliases_survive_the_way_through_json() -> None:
    """Documents are JSON under the aliases, instances are Python under the names."""

    class Rich(BaseModel):
        born: dt.date | None = Field(None, alias="bornOn")
        langs: set[str] = set()
        kind: Literal["a", "b"] | None = None

    schema = schema_of(Rich)
    document = schema.validate({"bornOn": "2001-02-03", "langs": ["no", "de", "en"], "kind": "b"})
    assert document == {"bornOn": "2001-02-03", "langs": ["no", "de", "en"], "kind": "b"}
    value = schema.load(document)
    assert (value.born, value.langs) == (dt.date(2001, 2, 3), {"no", "de", "en"})


def test_nullable_objects_and_lists_load_as_null_while_empty() -> None:
    """What the source may leave out is null in its instance, and something empty in documents."""

    class Loose(BaseModel):
        home: Home | None = None
        tags: Annotated[list[str], Field(min_length=1)] | None = None

    schema = schema_of(Loose)
    assert schema.empty() == {"home": {"city": None, "country": "DE"}, "tags": []}
    assert schema.load(schema.empty()) == Loose()


def test_computed_fields_are_not_kept() -> None:
    """A computed field is neither asked for nor stored."""

    class Computing(BaseModel):
        model_config = ConfigDict(extra="forbid")
        name: str | None = None

        @computed_field
        def shout(self) -> str:
            return f"{self.name}!"

    schema = schema_of(Computing)
    assert schema.validate({"name": "Bo"}) == {"name": "Bo"}
    assert schema.load({"name": "Bo"}).shout == "Bo!"


@pytest.mark.parametrize(
    "kind",
    [
        *(Any, dict, dict[str, Any], list, list[list[int]], tuple[int, str], int | str),
        *(SecretStr, Home | Model, list[Home | Model], dict[str, dict[str, str]], Literal[1, "a"]),
    ],
    ids=str,
)
def test_what_no_model_can_be_asked_for_is_named(kind: Any) -> None:
    """The error names the field when the schema is built."""
    source = type("Bad", (BaseModel,), {"__annotations__": {"odd": kind}, "__module__": __name__})
    with pytest.raises(SchemaError, match="odd"):
        schema_of(source)


def test_it_may_be_kept_all_the_same() -> None:
    """With ``ask=False`` a field may be anything; the model never hears of it."""

    class Keeping(BaseModel):
        name: str | None = None
        raw: Annotated[Any, Remember(ask=False)] = None

    schema = schema_of(Keeping)
    assert schema.validate({"raw": {"any": [1]}})["raw"] == {"any": [1]}
    assert "raw" not in str(schema.change_schema())


def test_types_that_contain_themselves_are_refused() -> None:
    """Recursion is named, unless nobody is asked for it."""
    plain = {"title": "Tree", "properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}}
    with pytest.raises(SchemaError, match="'child' contains itself"):
        schema_of(plain)
    plain["properties"]["child"]["x-remember"] = {"ask": False}
    assert schema_of(plain).fields["name"].kind == "scalar"


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"type": "strin"}, "strin"),
        ({"$ref": "#/nowhere"}, "nothing stands at"),
        ({"type": "string", "x-remember": {"aks": False}}, "no setting 'aks'"),
        ({"type": "string", "x-remember": {"max_length": 0}}, "at least 1"),
        ({"type": "string", "x-remember": {"about": "me"}}, "about must be"),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, "no plain property"),
    ],
)
def test_malformed_schemas_are_refused(part: dict[str, Any], says: str) -> None:
    """A JSON Schema or setting that makes no sense is named when the memory is built."""
    with pytest.raises(SchemaError, match=f"a.*{says}"):
        schema_of({"properties": {"a": part}})


def test_validators_that_refuse_an_empty_profile_are_found_at_once() -> None:
    """A model that cannot be empty cannot be a profile, and says so when it is built."""

    class Stubborn(BaseModel):
        first: str
        last: str

        @model_validator(mode="after")
        def full(self) -> Stubborn:
            assert len(self.first + self.last) > 3
            return self

    with pytest.raises(SchemaError, match="Stubborn refuses an empty profile"):
        schema_of(Stubborn)


def test_a_field_where_values_are_set_aside() -> None:
    """The name under which a document keeps what was set aside is no name of a field."""

    class Aside(BaseModel):
        words: str | None = Field(None, alias="x-aside")

    with pytest.raises(SchemaError, match="x-aside"):
        schema_of(Aside)


@pytest.mark.parametrize("source", [3, "UserProfile", dict[str, int], {"type": "object"}, Model])
def test_only_schemas_are_schemas(source: Any) -> None:
    """Anything else is refused in words, and a schema is taken as it is."""
    if source is Model:
        schema = schema_of(source)
        assert schema_of(schema) is schema
    else:
        with pytest.raises(SchemaError, match="properties|no schema"):
            schema_of(source)


def test_typed_dicts_inside_of_lists_are_understood() -> None:
    """Also the standard library's TypedDict, on every supported Python."""

    class Pet(typing.TypedDict):
        name: str
        kind: NotRequired[str]

    class Owner(typing.TypedDict):
        pets: list[Pet]

    Owner.__annotations__["pets"] = list[Pet]  # annotations of local classes cannot be looked up
    Pet.__annotations__.update(name=str, kind=NotRequired[str])
    assert schema_of(Owner).validate({"pets": [{"name": "Rex"}]}) == {"pets": [{"name": "Rex"}]}


def test_an_old_document_is_adopted() -> None:
    """Unknown fields and values that no longer fit are set apart, the rest goes on working."""
    schema = schema_of(UserProfile)
    document = {"name": "Bo", "age": "old", "shoe": 43, "interests": ["chess"]}
    reading = schema.read(document)
    fitting = {"name": "Bo", "age": None, "interests": ["chess"], "core_memories": []}
    assert reading.document == fitting
    assert {one.field: one.value for one in reading.misfits} == {"age": "old", "shoe": 43}
    assert schema.load(document).interests == ["chess"]


def test_old_names_that_cannot_be() -> None:
    """``was`` names no field of today, and no two fields have been the same one."""
    for wrong in (
        {"home": {"type": "string", "x-remember": {"was": "town"}}, "town": {"type": "string"}},
        {
            "home": {"type": "string", "x-remember": {"was": "city"}},
            "town": {"type": "string", "x-remember": {"was": ["city"]}},
        },
    ):
        with pytest.raises(SchemaError, match="town|city"):
            schema_of({"type": "object", "properties": wrong})


def test_old_names_inside_of_objects() -> None:
    """Properties of objects, and of the objects of lists, are renamed like fields."""
    renamed = {
        "type": "object",
        "properties": {"title": {"type": "string", "x-remember": {"was": "name"}}},
    }
    schema = schema_of(
        {
            "type": "object",
            "properties": {"home": renamed, "pets": {"type": "array", "items": renamed}},
        }
    )
    reading = schema.read({"home": {"name": "den"}, "pets": [{"name": "Rex"}]})
    assert reading.document == {"home": {"title": "den"}, "pets": [{"title": "Rex"}]}
    assert reading.misfits == ()


def test_a_list_holds_each_item_once() -> None:
    """The first of several spellings of one item stays, in its place."""
    document = schema_of(UserProfile).validate({"interests": ["Chess", "go", " chess", "C", "C++"]})
    assert document["interests"] == ["Chess", "go", "C", "C++"]


def test_unknown_fields_are_refused() -> None:
    """A misspelt field of an edit is an error, not a silent loss."""
    with pytest.raises(InvalidDocument, match="nmae"):
        schema_of(UserProfile).validate({"nmae": "Bo"})


def test_the_fingerprint_follows_the_fields() -> None:
    """It is the same in every process, and another one for another schema."""
    code = (
        "from usermemory.schema import *; from pydantic import create_model\n"
        "print(schema_of(create_model('S', tags=(set[str], {'a', 'b', 'c', 'd'}))).fingerprint)"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        for _ in range(3)
    }
    assert len(runs) == 1
    assert schema_of(UserProfile).fingerprint != schema_of(Model).fingerprint


def test_a_list_of_a_plain_dict_keeps_its_order() -> None:
    """Where the caller's dict holds lists, a set's items come back in the order they were in."""
    schema = schema_of(
        {
            "title": "Pets",
            "type": "object",
            "properties": {
                "toys": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
            },
        }
    )
    assert schema.dump({"toys": ["rope", "ball", "cube"]}) == {"toys": ["rope", "ball", "cube"]}


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


Tagged = Annotated[Cat | Dog, Field(discriminator="kind")]


@pytest.mark.parametrize("pet", [Tagged, Annotated[Cat | Dog, Discriminator("kind")]])
def test_an_optional_union_with_a_tag(pet: Any) -> None:
    """A discriminated union may be absent, stand in another model, and have no name yet."""
    inner = create_model("Home", pet=(pet | None, None), street=(str, ...))
    whole = create_model(
        "Whole",
        name=(str | None, None),
        pet=(Annotated[pet | None, Remember(ask=False)], None),
        home=(Annotated[inner | None, Remember(ask=False)], None),
    )
    schema = schema_of(whole)
    rex = {"kind": "dog", "name": "Rex"}
    assert schema.load({"pet": rex}).pet == Dog(**rex)
    assert isinstance(schema.load({"home": {"pet": rex}}).home.pet, Dog)
    assert isinstance(schema.load({"pet": {"kind": "dog"}}).pet, Dog)
    assert [one.field for one in schema.read({"pet": {"kind": "bird"}}).misfits] == ["pet"]
