"""Random schemas of every kind, and random answers to their change schemas."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from typing import Annotated, Any, Literal

import typing_extensions
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from usermemory.errors import SchemaError
from usermemory.records import Change
from usermemory.schema import Field as Described
from usermemory.schema import Remember, Schema, schema_of
from usermemory.schema.answer_form import closed, properties, strict

_CAPS = Remember(max_items=4, max_length=9)


class Diet(enum.Enum):
    """Something to choose from."""

    VEGAN = "vegan"
    MEAT = "meat"


class Place(BaseModel):
    """An object of which something is required, and which holds a list."""

    city: str
    floor: int | None = None
    country: str = "DE"
    names: list[str] = []


class Pet(BaseModel):
    """An item that is addressed by its name."""

    name: str
    kind: Literal["dog", "cat"] | None = None
    age: int = 1
    toys: set[str] = set()


class Plain(BaseModel):
    """A pet of which less is known."""

    name: str
    toys: set[str] = set()


class Home(BaseModel):
    """Objects and lists of objects, inside of an object."""

    city: str | None = None
    best: Pet | None = None
    pets: list[Pet] = []


class PlainHome(BaseModel):
    """The same with pets of which less is known."""

    city: str | None = None
    best: Plain | None = None
    pets: list[Plain] = []


class Street(BaseModel):
    """A list of objects that hold lists of objects."""

    name: str
    homes: list[Home] = []
    first: Pet | None = None


class PlainStreet(BaseModel):
    """The same with homes of which less is known."""

    name: str
    homes: list[PlainHome] = []
    first: Plain | None = None


SCALARS: list[Any] = [
    str,
    bool,
    float,
    Diet,
    dt.date,
    Annotated[int, Field(ge=0, le=150)],
    Annotated[str, Field(max_length=5)],
    Literal["a", "b"],
]
SHAPES: list[Any] = [
    list[str],
    list[str] | str,
    set[str],
    list[dt.date],
    Annotated[list[int], Remember(max_items=3)],
    dict[str, int],
    dict[str, list[str]],
    dict[str, Pet],
    Place,
    list[Pet],
]
AGED: list[tuple[Any, Any]] = [
    (list[Pet], list[Plain]),
    (dict[str, Pet], dict[str, Plain]),
    (Home, PlainHome),
    (dict[str, Home], dict[str, PlainHome]),
    (list[Street], list[PlainStreet]),
    (dict[str, list[Pet]], dict[str, list[Plain]]),
]
"""Types, and what became of them: properties are gone, however deep."""

TURNED: list[Any] = [str, list[str], dict[str, str], Place, list[Pet], Annotated[int, Field(ge=0)]]
"""Types of all shapes, of which one may take another's place."""

NAMES = st.sampled_from(["name", "a/b", "~tilde", "größe", "with space", "x", "y", "z"])
WORDS = st.sampled_from(["Rex", "rex", " REX.", "a", "b/c", "~", "ça va", "["]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=6
)


@st.composite
def fields(draw: st.DrawFn) -> tuple[Any, Any]:
    """The type of a field, and its default or ``...``."""
    kind = draw(st.sampled_from(SCALARS + SHAPES))
    if draw(st.booleans()):
        return kind | None, draw(st.sampled_from([None, ...]))
    return kind, ...


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A schema from a Pydantic model, a dataclass, a TypedDict or a JSON Schema dict."""
    parts = draw(st.dictionaries(NAMES, fields(), min_size=1, max_size=5))
    match draw(st.sampled_from(["model", "plain", "dataclass", "typed dict"])):
        case "dataclass":
            ordered = sorted(parts.items(), key=lambda part: part[1][1] is not ...)
            return schema_of(
                dataclasses.make_dataclass(
                    "Random",
                    [
                        (f"f{at}", kind) if default is ... else (f"f{at}", kind, default)
                        for at, (_, (kind, default)) in enumerate(ordered)
                    ],
                )
            )
        case "typed dict":
            make: Any = typing_extensions.TypedDict
            return schema_of(make("Random", {name: kind for name, (kind, _) in parts.items()}))
        case form:
            named: dict[str, Any] = {
                f"f{at}": (kind, Field(default, alias=name))
                for at, (name, (kind, default)) in enumerate(parts.items())
            }
            model = create_model("Random", **named)
            return schema_of(model if form == "model" else model.model_json_schema())


@st.composite
def aged(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """Two versions of a schema: properties that are gone deep inside, and fields of new shapes."""
    lost = draw(st.lists(st.sampled_from(AGED), min_size=1, max_size=2))
    turned = draw(st.lists(st.tuples(st.sampled_from(TURNED), st.sampled_from(TURNED)), max_size=3))
    fields = [*lost, *turned]
    made: list[Schema] = []
    for version in (0, 1):
        parts: dict[str, Any] = {
            f"f{at}": (pair[version] | None, None) for at, pair in enumerate(fields)
        }
        made.append(schema_of(create_model("Aged", **parts)))
    return made[0], made[1]


def answers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any JSON value that fits a schema of the strict dialect."""
    if "anyOf" in schema:
        return st.one_of(*map(answers, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        parts = {name: answers(part) for name, part in schema["properties"].items()}
        return st.fixed_dictionaries(parts)
    if schema["type"] == "array":
        return st.lists(answers(schema["items"]), max_size=4)
    words = WORDS.map(lambda word: word[: schema.get("maxLength", 9)])
    plain: dict[str, st.SearchStrategy[Any]] = {
        "string": st.dates().map(str) if schema.get("format") == "date" else words,
        "integer": st.integers(schema.get("minimum", -5), schema.get("maximum", 5)),
        "number": st.floats(-9, 9),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return plain[schema["type"]]


def changes(schema: Schema, fields: set[str] | None = None) -> st.SearchStrategy[list[Change]]:
    """What a model may answer, as changes of these fields."""
    chosen = [
        (field, action)
        for field in schema.fields.values()
        for action in field.actions
        if field.settings.ask and not field.settings.protect
        if fields is None or field.name in fields
    ]
    if not chosen:
        return st.just([])
    return st.lists(st.sampled_from(chosen).flatmap(lambda one: _change(*one)), max_size=12)


def _change(field: Described, action: Any) -> st.SearchStrategy[Change]:
    """One change of the form, with a value that mostly fits."""
    key: st.SearchStrategy[Any] = st.none()
    value: st.SearchStrategy[Any] = st.none()
    match field.kind:
        case "scalar" | "list" | "map":
            key = WORDS.filter(bool) if field.kind == "map" else key
            value = value if action == "clear" else _value(field)
        case "objects":
            key = key if action == "add" else WORDS.filter(bool)
            item = properties(field.value_schema, _CAPS, field.name, without="")
            value = answers(closed(item)) if action != "remove" else value
        case "object":
            return st.sampled_from(sorted(field.keys)).flatmap(
                lambda name: st.builds(
                    Change,
                    st.just(field.name),
                    st.just(action),
                    st.none() if action == "clear" else _value(field.keys[name]),
                    key=st.just(name),
                )
            )
    return st.builds(Change, st.just(field.name), st.just(action), value, key=key)


def _value(field: Described) -> st.SearchStrategy[Any]:
    try:
        return answers(strict(field.value_schema, _CAPS, field.name))
    except SchemaError:
        return st.none()
