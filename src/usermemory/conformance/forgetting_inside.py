"""What erasing promises on every database where a value stands inside of an object."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from usermemory.conformance.forgetting import Making, kept
from usermemory.errors import InvalidInput
from usermemory.extract import Extraction, Request
from usermemory.records import Change
from usermemory.schema import Remember


class _Toy(BaseModel):
    name: str
    colour: str | None = None


class _Pet(BaseModel):
    name: str
    kind: str
    note: str | None = None
    tags: list[str] = []
    toys: list[_Toy] = []


class _Home(BaseModel):
    town: str | None = None
    best: _Pet | None = None


class _Profile(BaseModel):
    family: dict[str, str] = {}
    by_name: dict[str, _Pet] = {}
    pets: list[_Pet] = []
    home: _Home | None = None


class _PlainPet(BaseModel):
    name: str


class _Plain(BaseModel):
    pets: list[_PlainPet] = []
    family: str | None = None


class _Goal(BaseModel):
    title: str
    place: str | None = None
    company: Annotated[list[str], Field(alias="with")] = []


class _Nested(BaseModel):
    goals: list[_Goal] = []
    plan: dict[str, _Goal] = {}
    home: _Goal | None = None
    days: dict[str, list[str]] = {}


class _Older(BaseModel):
    name: str | None = None
    old: Annotated[Any, Remember(ask=False)] = None


class _Says:
    """Learns the note again, where it is said."""

    def extract(self, request: Request) -> Extraction:
        if not any("limps" in message.text for message in request.batch):
            return Extraction()
        note = {"note": "limps"}
        return Extraction((Change("pets", "update", note, "Rex limps", key="Rex"),))


def _rex() -> dict[str, Any]:
    return {
        "name": "Rex",
        "kind": "dog",
        "note": "limps",
        "tags": ["loud"],
        "toys": [{"name": "ball", "colour": "red"}],
    }


def _whole() -> dict[str, Any]:
    return {
        "family": {"mum": "Anna", "dad": "Karl"},
        "by_name": {"rex": _rex()},
        "pets": [_rex(), {**_rex(), "name": "Ida", "note": None, "tags": []}],
        "home": {"town": "Graz", "best": _rex()},
    }


_INSIDE: list[tuple[str, str, Any]] = [
    ("goals", "Bergen", [{"title": "row", "place": None, "with": ["Idalina"]}]),
    ("goals", "Idalina", [{"title": "row", "place": "Bergen", "with": []}]),
    ("goals", "row", []),
    ("plan", "Bergen", {"may": {"title": "row", "place": None, "with": ["Idalina"]}}),
    ("plan", "row", {}),
    ("home", "Bergen", {"title": "flat", "place": None, "with": []}),
    ("days", "Bergen", {"may": ["rowing"]}),
    ("old", "Bergen", {"deep": ["stays"]}),
]


class ForgettingInside:
    """Tests of forget with a value of a map, or a property of an object."""

    @pytest.mark.parametrize(
        ("field", "text", "left"),
        [
            ("family", "anna", {"dad": "Karl"}),
            ("by_name", "limps", {"rex": {**_rex(), "note": None}}),
            ("by_name", "red", {"rex": {**_rex(), "toys": [{"name": "ball", "colour": None}]}}),
            ("by_name", "dog", {}),  # nobody can be without a kind
            ("home", "limps", {"town": "Graz", "best": {**_rex(), "note": None}}),
            ("home", "Graz", {"town": None, "best": _rex()}),
            ("pets", "Ida", [_rex()]),
            ("pets", "dog", []),
        ],
    )
    def test_a_value_inside_of_an_object(
        self, making: Making, field: str, text: str, left: Any
    ) -> None:
        """It goes, and nothing beside it; an item goes where it cannot be without the value."""
        bench = making(schema=_Profile)
        bench.verbs.edit("will", _whole(), by="x")
        assert bench.verbs.forget("will", field, text, dry_run=True).values >= 1
        assert bench.verbs.forget("will", field, text).values >= 1
        assert bench.verbs.recall("will").document == {**_whole(), field: left}
        assert text.casefold() not in str(bench.verbs.recall("will").document[field]).casefold()
        assert bench.verbs.misfits("will") == []

    def test_the_proof_is_clean(self, making: Making) -> None:
        """Neither profile, past, quotes nor messages hold it; the rest can still be undone."""
        bench = making(schema=_Profile)
        bench.verbs.edit("will", {"pets": [{"name": "Rex", "kind": "dog"}]}, by="x")
        bench.clock.advance(1)
        said = [("user", "Rex limps"), ("user", "Rex has a ball")]
        bench.verbs.remember("will", "u", ["Rex limps, my dog"])
        note = Change("pets", "update", {"note": "limps"}, "Rex limps", key="Rex")
        toys = Change("pets", "update", {"toys": [{"name": "ball"}]}, "has a ball", key="Rex")
        assert bench.verbs.propose("will", "t", [note, toys], said).rejections == ()
        done = bench.verbs.forget("will", "pets", "limps")
        assert (done.values, done.quotes) == (1, 1)
        assert "limps" not in kept(bench).casefold()
        assert bench.verbs.verify_erased("will", "limps").erased
        (rex,) = bench.verbs.recall("will").document["pets"]
        assert (rex["note"], rex["toys"][0]["name"]) == (None, "ball")
        assert [one.quote for one in bench.verbs.why("will", "pets") if one.quote] == [
            "Rex has a ball"
        ]
        assert bench.verbs.recall("will", tail=True).tail[0].text == "[erased], my dog"

    def test_it_is_not_learned_again(self, making: Making) -> None:
        """Not from words said before; from new words it is."""
        bench = making(schema=_Profile, model=_Says())
        rex = {"name": "Rex", "kind": "dog", "note": "limps"}
        bench.verbs.edit("will", {"pets": [rex]}, by="x")
        bench.verbs.forget("will", "pets", "limps")
        for text, note in (("old", None), ("new", "limps")):
            bench.clock.advance(1)
            take = bench.verbs.memory.backfill if text == "old" else bench.verbs.memory.remember
            take("will", text, [("user", "Rex limps")])
            bench.verbs.trigger("will")
            assert bench.verbs.recall("will").document["pets"][0]["note"] == note

    def test_inside_of_misfits(self, making: Making) -> None:
        """A property that is gone, and a value that was set aside, are reached too."""
        bench = making(schema=_Profile)
        bench.verbs.edit("will", _whole(), by="x")
        later = bench.another(schema=_Plain)
        bench.clock.advance(1)
        change = Change("family", "set", "large", "It is large")
        later.propose("will", "t", [change], [("user", "It is large")])
        assert later.recall("will").document["family"] != {"Anna": "mum"}
        for field, text in (
            ("family", "Anna"),
            ("pets", "red"),
            ("pets", "loud"),
            ("home", "Graz"),
        ):
            assert later.forget("will", field, text).values >= 1
            held = later.recall("will").document
            assert text not in str(held.get(field)) + str(held.get("x-aside"))
        assert "Karl" in str(later.misfits("will"))
        assert [pet["name"] for pet in later.recall("will").document["pets"]] == ["Rex", "Ida"]

    def test_a_part_of_a_text_is_no_value(self, making: Making) -> None:
        """It is an error that names the values, and nothing is erased."""
        bench = making(schema=_Profile)
        pet = {"name": "Rex", "kind": "dog", "note": "limps badly"}
        bench.verbs.edit("will", {"pets": [pet]}, by="x")
        before = kept(bench)
        with pytest.raises(InvalidInput, match=r"'limps' is no item of pets.*'limps badly'"):
            bench.verbs.forget("will", "pets", "limps")
        assert kept(bench) == before

    @pytest.mark.parametrize(("field", "value", "left"), _INSIDE)
    def test_in_whatever_shape(self, making: Making, field: str, value: str, left: Any) -> None:
        """It goes from the item, which stays; the item goes if it cannot be without."""
        bench = making(schema=_Nested)
        goal: Any = {"title": "row", "place": "Bergen", "with": ["Idalina"]}
        given: dict[str, Any] = {
            "goals": [goal],
            "plan": {"may": goal},
            "home": {"title": "flat", "place": "Bergen", "with": []},
            "days": {"may": ["rowing", "Bergen"]},
        }
        bench.verbs.edit("will", {field: given.get(field)}, by="will")
        if field == "old":
            old = {"deep": [{"here": {"city": "Bergen"}}, "stays", "Bergen"]}
            earlier = bench.another(schema=_Older)
            earlier.edit("will", {"old": old}, by="will")
        bench.clock.advance(1)
        done = bench.verbs.forget("will", field, value)
        assert done.values >= 1
        assert bench.verbs.recall("will").document[field] == left
        assert value not in kept(bench)
        assert bench.verbs.verify_erased("will", value).erased
        with pytest.raises(InvalidInput, match="is no item"):
            bench.verbs.forget("will", field, "Berg")
