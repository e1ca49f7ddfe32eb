"""What objects and values of another shape promise on every database, when a schema changes."""

from __future__ import annotations

from itertools import permutations
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field

from usermemory.conformance.misfitting import Making
from usermemory.errors import InvalidDocument
from usermemory.records import Change
from usermemory.schema.shape import is_object


class _Text(BaseModel):
    place: str | None = None


class _Texts(BaseModel):
    place: list[str] = []


class _Map(BaseModel):
    place: dict[str, str] = {}


class _Town(BaseModel):
    town: str | None = None
    country: str = "AT"


class _Object(BaseModel):
    place: _Town | None = None


class _Flat(BaseModel):
    name: str


class _Objects(BaseModel):
    place: list[_Flat] = []


class _Few(BaseModel):
    hobbies: list[str] = []
    pair: set[str] = set()
    trip: dict[str, list[str]] = {}


class _Stops(BaseModel):
    stops: Annotated[list[str], Field(min_length=2)] = []


class _Several(BaseModel):
    hobbies: Annotated[list[str], Field(min_length=2)] = []
    pair: Annotated[set[str], Field(min_length=2)] | None = None
    trip: _Stops | None = None


_STORED: dict[type[BaseModel], Any] = {
    _Text: "Graz",
    _Texts: ["Graz"],
    _Map: {"home": "Graz"},
    _Object: {"town": "Graz", "country": "AT"},
    _Objects: [{"name": "Graz"}],
}
_LEARNED: dict[type[BaseModel], Change] = {
    _Text: Change("place", "set", "Linz", "I am in Linz"),
    _Texts: Change("place", "add", "Linz", "I am in Linz"),
    _Map: Change("place", "set", "Linz", "I am in Linz", key="work"),
    _Object: Change("place", "update", "Linz", "I am in Linz", key="town"),
    _Objects: Change("place", "add", {"name": "Linz"}, "I am in Linz"),
}


class _Toy(BaseModel):
    name: str
    colour: str | None = None


class _Pet(BaseModel):
    name: str
    kind: str | None = None
    toys: list[_Toy] = []


class _Ranked(BaseModel):
    name: str
    rank: int = 0


class _Tags(BaseModel):
    tags: list[str] = []


class _Kennel(BaseModel):
    by_name: dict[str, _Pet] = {}
    by_town: dict[str, list[_Pet]] = {}
    pets: list[_Pet] = []
    oldest: _Pet | None = None


class _OneToy(BaseModel):
    toy: str | None = None


class _PlainToy(BaseModel):
    name: str


class _PlainPet(BaseModel):
    name: str
    toys: list[_PlainToy] = []


class _PlainKennel(BaseModel):
    by_name: dict[str, _PlainPet] = {}
    by_town: dict[str, list[_PlainPet]] = {}
    pets: list[_PlainPet] = []
    oldest: _PlainPet | None = None


_REX = {"name": "Rex", "kind": "dog", "toys": [{"name": "ball", "colour": "red"}]}


class _Loose(BaseModel):
    words: list[str] = []
    pets: list[_Ranked] = []
    trip: _Tags = _Tags()
    by_town: dict[str, _Tags] = {}


def _sorted(words: list[str]) -> list[str]:
    return sorted(word.title() for word in words)


def _ranked(pets: list[_Ranked]) -> list[_Ranked]:
    return sorted(pets, key=lambda pet: -pet.rank)


class _SortedTags(BaseModel):
    tags: Annotated[list[str], AfterValidator(_sorted)] = []


class _Sorted(BaseModel):
    words: Annotated[list[Annotated[str, Field(max_length=6)]], AfterValidator(_sorted)] = []
    pets: Annotated[list[_Ranked], AfterValidator(_ranked)] = []
    trip: _SortedTags = _SortedTags()
    by_town: dict[str, _SortedTags] = {}


class Reshaping:
    """Tests of fields that take values of another shape by now, and of properties that are gone."""

    def test_undo_after_a_change_of_shape(self, making: Making) -> None:
        """What was learned goes, the stored value is back verbatim, and the old class reads it."""
        bench = making(schema=_Text)
        for number, (old, new) in enumerate(permutations(_STORED, 2)):
            user, stored = f"u{number}", {"place": _STORED[old]}
            first, later = bench.another(schema=old), bench.another(schema=new)
            first.edit(user, stored, by="x")
            value = first.recall(user).value
            for undoing in (later, first):
                bench.clock.advance(1)
                said = [("user", "I am in Linz")]
                learned = later.propose(user, "t", [_LEARNED[new]], said)
                assert learned.rejections == ()
                assert "Graz" in str(later.recall(user).document)
                assert "Linz" in str(later.recall(user).document["place"])
                assert _bare(undoing.snapshot(user, 1).document) == stored
                assert undoing.undo(user).conflicts == ()
                assert _bare(later.recall(user).document) == stored
                assert (first.recall(user).value, first.misfits(user)) == (value, [])

    def test_an_edit_and_a_migration_of_another_shape(self, making: Making) -> None:
        """They are taken back verbatim too, whether the value was set aside or converted."""

        def converted(document: dict[str, Any]) -> dict[str, Any]:
            return {**document, "place": {"town": document["place"], "country": "AT"}}

        bench = making(schema=_Text)
        bench.verbs.edit("will", {"place": "Graz"}, by="x")
        later = bench.another(schema=_Object)
        later.edit("will", {"place": {"town": "Linz"}}, by="y")
        assert [one.value for one in later.misfits("will")] == ["Graz"]
        assert later.undo("will").conflicts == ()
        assert later.recall("will").document == {"place": "Graz"}
        patch = [{"op": "replace", "path": "/place", "value": {"town": "Linz"}}]
        later.edit("will", patch, by="y")
        assert later.undo("will").conflicts == ()
        assert later.recall("will").document == {"place": "Graz"}
        later.migrate_schema(function=converted, dry_run=False)
        assert later.recall("will").value.place.town == "Graz"
        assert later.undo("will").conflicts == ()
        assert later.recall("will").document == {"place": "Graz"}
        assert bench.verbs.recall("will").value.place == "Graz"

    def test_undo_beside_what_came_since(self, making: Making) -> None:
        """A value whose place holds more by now stays set aside, and the conflict is told."""
        bench = making(schema=_Text)
        bench.verbs.edit("will", {"place": "Graz"}, by="x")
        later = bench.another(schema=_Map)
        bench.clock.advance(1)
        said = [("user", "I am in Linz")]
        later.propose("will", "t", [_LEARNED[_Map]], said)
        more = Change("place", "set", "Linz", "I am in Linz", key="home")
        later.propose("will", "t", [more], said)
        undone = later.undo("will", 2)
        assert [(one.before, one.after) for one in undone.conflicts] == [("Graz", {})]
        document = later.recall("will").document
        assert document == {"place": {"home": "Linz"}, "x-aside": {"place": ["Graz"]}}
        assert later.undo("will", 3).conflicts == ()
        assert [one.value for one in later.misfits("will")] == ["Graz"]

    def test_a_list_that_may_not_be_so_short(self, making: Making) -> None:
        """A list that is refused with its items and without them ends in misfits, and is there."""
        bench = making(schema=_Few)
        stored = {"hobbies": ["golf"], "pair": ["a"], "trip": {"stops": ["Graz"]}}
        bench.verbs.edit("will", stored, by="x")
        later = bench.another(schema=_Several)
        assert [(one.field, one.value) for one in later.misfits("will")] == [
            ("hobbies", "golf"),
            ("pair", "a"),
            ("trip", "Graz"),
        ]
        assert later.recall("will").value == _Several()
        assert bench.verbs.recall("will").document == stored

    def test_a_part_of_a_misfit_is_edited(self, making: Making) -> None:
        """A patch takes it out, or moves it, and nothing else; undo brings it back."""
        bench = making(schema=_Kennel)
        ball = {"name": "ball", "colour": "red"}
        stored = {"by_town": {"Graz": [_REX], "Linz": []}, "pets": [_REX], "oldest": _REX}
        bench.verbs.edit("will", stored, by="x")
        stored = bench.verbs.recall("will").document
        later = bench.another(schema=_OneToy)
        bench.clock.advance(1)
        remove, move, graz = {"op": "remove"}, {"op": "move"}, "/by_town/Graz"
        for patch, wanted in [
            ([{**remove, "path": f"{graz}/0/toys/0"}], {**_REX, "toys": []}),
            ([{**remove, "path": f"{graz}/0/kind"}], {"name": "Rex", "toys": [ball]}),
            ([{**move, "from": f"{graz}/0/toys/0/name", "path": "/toy"}], None),
            ([{**remove, "path": f"{graz}/0"}], ...),
        ]:
            later.edit("will", patch, by="support")
            town = later.recall("will").document["by_town"]
            rest = {**_REX, "toys": [{"colour": "red"}]} if wanted is None else wanted
            assert town == {"Graz": [] if rest is ... else [rest], "Linz": []}
            assert later.recall("will").value.toy == ("ball" if wanted is None else None)
            assert later.undo("will").conflicts == ()
            assert later.recall("will").document == {**stored, "toy": None}
        wrong: list[dict[str, Any]] = [
            {"op": "add", "path": f"{graz}/-", "value": _REX},
            {"op": "replace", "path": f"{graz}/0/kind", "value": "cat"},
            {**move, "from": f"{graz}/0", "path": "/by_town/Linz/0"},
        ]
        for one in wrong:
            with pytest.raises(InvalidDocument, match="by_town"):
                later.edit("will", [one], by="support")
        with pytest.raises(InvalidDocument, match="by_town"):
            later.edit("will", {**stored, "by_town": {"Graz": []}}, by="support")

    def test_a_validator_that_sorts(self, making: Making) -> None:
        """What is taken out, changed or added is what was said, and the rest stays as stored."""
        bench = making(schema=_Loose)
        ranks = {"run": 1, "swim": 5, "lift": 3}
        stored = {
            "words": ["tea", "bicycle", "chess", "art"],
            "pets": [{"name": name, "rank": rank} for name, rank in ranks.items()],
            "trip": {"tags": ["b", "a", "c"]},
            "by_town": {"Graz": {"tags": ["b", "a", "c"]}},
        }
        bench.verbs.edit("will", stored, by="x")
        bench.clock.advance(1)
        later = bench.another(schema=_Sorted, verify="off")
        assert later.recall("will").value.words == ["Art", "Chess", "Tea"]
        said = "no more chess, run, b, but dance; swim has rank 0"
        changes = [
            Change("words", "remove", "Chess", said),
            Change("words", "add", "Dance", said),
            Change("pets", "remove", {"name": "run"}, said),
            Change("pets", "update", {"rank": 0}, said, key="swim"),
            Change("trip", "remove", "B", said, key="tags"),
            Change("by_town", "set", {"tags": ["A", "C"]}, said, key="Graz"),
        ]
        learned = later.propose("will", "t", changes, [("user", said)])
        assert learned.rejections == ()
        assert later.recall("will").document == {
            "words": ["tea", "bicycle", "art", "Dance"],
            "pets": [{"name": "swim", "rank": 0}, {"name": "lift", "rank": 3}],
            "trip": {"tags": ["a", "c"]},
            "by_town": {"Graz": {"tags": ["a", "c"]}},
        }
        assert later.undo("will").conflicts == ()
        assert bench.verbs.recall("will").document == stored
        value = later.recall("will").document | {"words": ["Tea", "Art"], "pets": stored["pets"]}
        later.edit("will", value, by="x")
        assert later.recall("will").document == {**stored, "words": ["tea", "bicycle", "art"]}

    def test_a_property_that_is_gone_deep_inside(self, making: Making) -> None:
        """At any depth it is a misfit in its place, and the rest of its item goes on working."""
        bench = making(schema=_Kennel)
        kennel = {
            "by_name": {"rex": _REX},
            "by_town": {"Graz": [_REX]},
            "pets": [_REX],
            "oldest": _REX,
        }
        bench.verbs.edit("will", kennel, by="x")
        later = bench.another(schema=_PlainKennel)
        assert {
            (one.field, one.path or (one.index, one.key), one.value)
            for one in later.misfits("will")
        } == {
            ("by_name", ("rex", "kind"), "dog"),
            ("by_name", ("rex", "toys", 0, "colour"), "red"),
            ("by_town", ("Graz", 0, "kind"), "dog"),
            ("by_town", ("Graz", 0, "toys", 0, "colour"), "red"),
            ("oldest", (None, "kind"), "dog"),
            ("oldest", ("toys", 0, "colour"), "red"),
            ("pets", (0, "kind"), "dog"),
            ("pets", (0, "toys", 0, "colour"), "red"),
        }
        found = later.check_schema()
        assert (found.fits, found.fields["pets", "unknown_field"]) == (False, (2, 1))
        bench.clock.advance(1)
        toys = {"toys": [{"name": "ball"}, {"name": "bone"}]}
        learned = later.propose(
            "will",
            "t",
            [Change("pets", "update", toys, "a new bone", key="Rex")],
            [("user", "a new bone")],
        )
        assert learned.rejections == ()
        ((rex,), bone) = later.recall("will").document["pets"], {"name": "bone"}
        assert rex == {**_REX, "toys": [*_REX["toys"], bone]}
        assert len(later.misfits("will")) == 8
        assert later.undo("will").conflicts == ()
        assert bench.verbs.recall("will").document == kennel
        assert bench.verbs.misfits("will") == []
        patch = [{"op": "remove", "path": "/by_name/rex/toys/0/colour"}]
        later.edit("will", patch, by="support")
        assert len(later.misfits("will")) == 7
        wrong = [{"op": "add", "path": "/pets/0/toys/0/size", "value": 3}]
        with pytest.raises(InvalidDocument, match="pets"):
            later.edit("will", wrong, by="support")


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    """Without properties that hold nothing."""
    return {
        name: {key: part for key, part in value.items() if part is not None}
        if is_object(value)
        else value
        for name, value in document.items()
    }
