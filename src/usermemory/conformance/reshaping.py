"""What a value of another shape promises on every database: undo gives it back as it was."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from pydantic import BaseModel

from usermemory.conformance.misfitting import Making
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


class Reshaping:
    """Tests of fields that take values of another shape by now."""

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


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    """Without properties that hold nothing."""
    return {
        name: {key: part for key, part in value.items() if part is not None}
        if is_object(value)
        else value
        for name, value in document.items()
    }
