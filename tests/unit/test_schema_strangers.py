"""Properties that a schema does not know, wherever they stand in what is stored."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    field_validator,
)

from usermemory.schema import Remember, schema_of


class Toy(BaseModel):
    """The innermost object."""

    name: str


class Open(BaseModel):
    """An object that takes any property."""

    model_config = ConfigDict(extra="allow")
    name: str


class Node(BaseModel):
    """A type that contains itself."""

    name: str
    inner: list[Node] = []


def found(kind: Any, value: Any) -> list[tuple[Any, Any]]:
    """Path and value of the misfits of a profile with one field."""
    made: Any = type(
        "Made",
        (BaseModel,),
        {"__annotations__": {"n": str | None, "x": kind}, "n": None, "x": None},
    )
    read = schema_of(made).read({"x": value})
    return [(one.path or (one.key, one.index), one.value) for one in read.misfits]


NEW = {"name": "ball", "colour": "red"}
ANY = Remember(ask=False)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (dict[str, Toy], {"a": NEW}, [(("a", "colour"), "red")]),
        (dict[str, list[Toy]], {"a": [NEW]}, [(("a", 0, "colour"), "red")]),
        (
            Annotated[dict[str, dict[str, Toy]], ANY],
            {"a": {"b": NEW}},
            [(("a", "b", "colour"), "red")],
        ),
        (list[Toy], [NEW, {"name": "x"}], [((0, "colour"), "red")]),
        (list[Toy], [{"nome": 1}, NEW], [((None, 0), {"nome": 1}), ((1, "colour"), "red")]),
        (list[Toy], [{"name": "x", "old": []}, {"name": "y", "old": None}], []),
        (dict[str, Open], {"a": NEW}, []),
        (Annotated[Toy | int, ANY], NEW, [(("colour", None), "red")]),
        (
            Annotated[Node | None, ANY],
            {"name": "a", "inner": [{"name": "b", "old": 1, "inner": [{"name": "c", "old": 2}]}]},
            [(("inner", 0, "old"), 1), (("inner", 0, "inner", 0, "old"), 2)],
        ),
        (Annotated[Any, ANY], {"a": [NEW]}, []),
    ],
)
def test_a_property_that_is_unknown(kind: Any, value: Any, expected: list[Any]) -> None:
    """It is a misfit in its place, in maps, lists, unions and types that contain themselves."""
    assert found(kind, value) == expected


def test_a_validator_that_makes_something_else() -> None:
    """What a validator takes as a whole has no unknown parts."""

    class Place(BaseModel):
        at: dict[str, str] = {}

        @field_validator("at", mode="before")
        @classmethod
        def joined(cls, value: Any) -> Any:
            return {
                key: "/".join(part) if isinstance(part, dict) else part
                for key, part in value.items()
            }

    assert schema_of(Place).read({"at": {"home": {"lat": 1, "lon": 2}}}).misfits == ()


def test_places_tell_misfits_apart() -> None:
    """The same value under the same key at two depths has two places; in a list, one."""

    class Two(BaseModel):
        n: str | None = None
        x: Annotated[dict[str, Node], ANY] = {}

    node = {"name": "a", "old": 1, "inner": [{"name": "b", "old": 1}]}
    places = [one.place for one in schema_of(Two).read({"x": {"k": node}}).misfits]
    assert len(set(places)) == 2
    more = [
        one.place
        for one in schema_of(Two)
        .read({"x": {"k": {**node, "inner": [{"name": "z"}, *node["inner"]]}}})
        .misfits
    ]
    assert more == places


class AtLeastTwo(BaseModel):
    pair: Annotated[list[str], Field(min_length=2)] = []


def _not_one(value: list[str]) -> list[str]:
    if len(value) < 2:
        raise ValueError("too few")
    return value


_TWO = Field(min_length=2)


@pytest.mark.parametrize(
    ("kind", "default", "value", "misfit"),
    [
        (Annotated[list[str], _TWO], [], ["a"], "a"),
        (Annotated[set[str], _TWO], set(), ["a"], "a"),
        (Annotated[list[str], _TWO] | None, None, ["a"], "a"),
        (Annotated[list[str], AfterValidator(_not_one)], [], ["a"], "a"),
        (Annotated[dict[str, str], _TWO], {}, {"a": "b"}, {"a": "b"}),
        (AtLeastTwo, AtLeastTwo(), {"pair": ["a"]}, "a"),
    ],
    ids=["list", "set", "optional", "validator", "map", "object"],
)
def test_a_list_that_fits_neither_with_its_items_nor_empty(
    kind: Any, default: Any, value: Any, misfit: Any
) -> None:
    """Where a schema takes no shorter list, reading comes to an end, and the items are misfits."""
    read = schema_of(create_model("Made", x=(kind, default))).read({"x": value})
    assert [one.value for one in read.misfits] == [misfit]
    assert read.stored == {"x": value}
