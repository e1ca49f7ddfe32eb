"""What taking over another schema promises on every database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from pydantic import BaseModel

from usermemory.conformance.harness import Bench
from usermemory.conformance.misfitting import GOALS, First, Goal, Second, stored
from usermemory.erasure import buried
from usermemory.errors import InvalidInput
from usermemory.store.flows.erase import graves

Making = Callable[..., Bench]


def _homed(document: dict[str, Any]) -> dict[str, Any]:
    return {"home": document.get("city")}


class Migrating:
    """Tests of migrations by a mapping and by a function."""

    def test_a_schema_is_migrated(self, making: Making) -> None:
        """Values move with their words, the rest is accepted; undo takes it back."""

        class Third(BaseModel):
            city: str | None = None
            weight: str | None = None
            goals: list[Goal] = []
            hobbies: list[str] = []
            feeling: str | None = None

        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Third)
        (would,) = later.migrate_schema({"mood": "feeling"})
        assert {(one.field, one.before, one.after) for one in would.changes} == {
            ("mood", "fine", None),
            ("feeling", None, "fine"),
        }
        assert later.recall("will").document["mood"] == "fine"
        assert len(later.migrate_schema({"mood": "feeling"}, dry_run=False)) == 1
        assert later.migrate_schema({"mood": "feeling"}, dry_run=False) == []
        assert later.recall("will").value.feeling == "fine"
        assert [one.quote for one in later.why("will", "feeling")] == ["My mood is fine."]
        assert later.check_schema().fits
        later.undo("will")
        assert later.recall("will").document["mood"] == "fine"
        with pytest.raises(InvalidInput, match="no field"):
            later.migrate_schema({"mood": "mode"})

    def test_a_schema_is_migrated_by_a_function(self, making: Making) -> None:
        """What the function makes of a document is one revision; what is left is accepted."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)

        def move(document: dict[str, Any]) -> dict[str, Any]:
            hobbies = [
                {"name": one} if isinstance(one, str) else one for one in document["hobbies"]
            ]
            return {**document, "hobbies": hobbies, "weight": 80.0}

        later.migrate_schema(function=move, dry_run=False)
        assert [one.name for one in later.recall("will").value.hobbies] == ["chess", "golf"]
        assert later.recall("will").value.weight == 80.0
        assert {one.field for one in later.misfits("will")} == {"goals", "mood"}
        later.remember("will", "t3", ["Hello"])
        assert {one.status for one in later.trigger("will")} == {"unchanged"}

    @pytest.mark.parametrize("moment", ["stopped", "again", "learned first", "learned after"])
    def test_a_function_is_shown_a_profile_once(self, making: Making, moment: str) -> None:
        """Stopped in the middle, or run again, it empties nobody who was migrated before."""

        class Home(BaseModel):
            home: str | None = None
            goals: list[Goal] = []
            hobbies: list[str] = []

        bench = making(schema=First)
        users = ["ana", "bob", "will"]
        for number, user in enumerate(users):
            bench.verbs.edit(user, {"city": f"Graz {number}", "mood": "fine"}, by="x")
        later = bench.another(schema=Home)
        shown: list[str] = []

        def move(document: dict[str, Any]) -> dict[str, Any]:
            shown.append(document.get("city", ""))
            if moment == "stopped" and len(shown) == 3:
                raise KeyError("city")
            # It does not know today's name, and leaves a misfit.
            return {"home": document.get("city"), "mood": document.get("mood")}

        if moment == "learned first":
            later.edit("bob", {"goals": [GOALS[0]]}, by="bob")
        told = "KeyError on the profile of 'will'"
        stops = pytest.raises(InvalidInput, match=told) if moment == "stopped" else nullcontext()
        with stops:
            later.migrate_schema(function=move, dry_run=False)
        if moment == "learned after":
            later.edit("bob", {"home": "Linz"}, by="bob")
            later.edit("new", {"home": "Wien"}, by="new")
        assert later.migrate_schema(function=move) == later.migrate_schema(
            function=move, dry_run=False
        )
        homes = [later.recall(user).value.home for user in users]
        changed = "Linz" if moment == "learned after" else "Graz 1"
        assert homes == ["Graz 0", changed, "Graz 2"]
        assert shown.count("Graz 0") == 1
        assert later.recall("new").value.home == ("Wien" if moment == "learned after" else None)
        if moment == "again":
            assert len(later.migrate_schema(function=move, again=True)) == 3
            later.undo("ana")
            assert len(later.migrate_schema(function=move)) == 1

    @pytest.mark.parametrize("by", ["mapping", "function"])
    def test_what_was_erased_does_not_move_back(self, making: Making, by: str) -> None:
        """A value erased under the old name is not learned again from words of before."""

        class Home(BaseModel):
            home: str | None = None

        bench = making(schema=First)
        said = ("user", "I live in Graz")
        bench.verbs.remember("will", "t", [said])
        bench.verbs.edit("will", {"city": "Graz", "mood": "fine"}, by="x")
        bench.clock.advance(1)
        bench.verbs.forget("will", "city", "Graz")
        later = bench.another(schema=Home)
        if by == "mapping":
            later.migrate_schema({"city": "home"}, dry_run=False)
        else:
            later.migrate_schema(function=_homed, dry_run=False)
        salt, tombstones = later.memory.driver.read(graves, "will")
        before, after = bench.clock.now() - 60, bench.clock.now() + 60
        assert buried(tombstones, salt, "home", "Graz", before)
        assert not buried(tombstones, salt, "home", "Linz", before)
        assert not buried(tombstones, salt, "home", "Graz", after)

    def test_a_slip_in_a_mapping_is_told(self, making: Making) -> None:
        """A name that no profile has, but nearly, is an error; so is nothing else."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        with pytest.raises(InvalidInput, match=r"has a field 'moood'.*'mood'"):
            later.migrate_schema({"moood": "home"})
        assert later.migrate_schema({"long_gone": "home"})
