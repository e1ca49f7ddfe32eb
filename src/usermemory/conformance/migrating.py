"""What a migration promises on every database: each user once, with all that belongs to a value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from usermemory.conformance.harness import Bench, Verbs
from usermemory.conformance.misfitting import First, Goal, Hobby, Making, Second, stored
from usermemory.errors import InvalidDocument, InvalidInput, SchemaMismatch
from usermemory.extract import Extraction, Request
from usermemory.records import Change


class _Before(BaseModel):
    city: str | None = None
    age: int | None = None


class _After(BaseModel):
    home: str | None = None
    years: int | None = None
    tags: list[str] = []


def _move(document: dict[str, Any]) -> dict[str, Any]:
    """A second time it finds nothing, and would empty what the first time has made."""
    return {"home": document.get("city")}


_TASKS: tuple[dict[str, Any], ...] = ({"mapping": {"city": "home"}}, {"function": _move})


class _Fails:
    """The same function on a bad day: it stops at the user who lives there."""

    def __init__(self, city: str) -> None:
        self.city = city

    def __call__(self, document: dict[str, Any]) -> dict[str, Any]:
        if document["city"] == self.city:
            raise ValueError("no such place")
        return _move(document)


class _Says:
    """Learns that the user lives in Graz, wherever anything is said."""

    def extract(self, request: Request) -> Extraction:
        fields = request.schema.fields
        name = "home" if "home" in fields else "city"
        return Extraction((Change(name, "set", "Graz", "I live in Graz"),))


_CITIES = {"ann": "Graz", "ben": "Linz", "cem": "Wien"}


def _three(bench: Bench) -> None:
    for user, city in _CITIES.items():
        bench.verbs.edit(user, {"city": city}, by="x")


def _homes(verbs: Verbs) -> dict[str, Any]:
    return {user: verbs.recall(user).document["home"] for user in _CITIES}


class Migrating:
    """Tests of migrations: by a mapping, by a function, run again."""

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

    def test_a_function_that_is_run_again(self, making: Making) -> None:
        """It is applied once to each user: who is migrated is skipped, and counted."""
        bench = making(schema=_Before)
        _three(bench)
        later = bench.another(schema=_After)
        assert len(later.migrate_schema(function=_move, dry_run=False)) == 3
        assert _homes(later) == _CITIES
        would = later.migrate_schema(function=_move)
        assert (would, would.skipped) == ([], 3)
        again = later.migrate_schema(function=_move, dry_run=False)
        assert (again, again.skipped, _homes(later)) == ([], 3, _CITIES)
        assert later.history("ann")[0].model.endswith(":_move")

    def test_a_function_that_fails(self, making: Making) -> None:
        """The user is named, those before stay migrated; mended, it goes on from there."""
        bench = making(schema=_Before)
        _three(bench)
        later = bench.another(schema=_After)
        with pytest.raises(InvalidInput, match="user 'ben': ValueError: no such place"):
            later.migrate_schema(function=_Fails("Linz"), dry_run=False)
        assert later.recall("ann").document["home"] == "Graz"
        would = later.migrate_schema(function=_move)
        assert ([one.user_id for one in would], would.skipped) == (["ben", "cem"], 1)
        later.migrate_schema(function=_move, dry_run=False)
        assert _homes(later) == _CITIES
        assert later.migrate_schema(function=_move, dry_run=False).skipped == 3
        assert _homes(later) == _CITIES

    def test_a_migration_that_is_stopped(self, making: Making) -> None:
        """Stopped after a user, it goes on with the next."""

        def stop(_: Any) -> None:
            raise KeyboardInterrupt

        bench = making(schema=_Before)
        _three(bench)
        later = bench.another(schema=_After)
        for left in (2, 1, 0):
            with pytest.raises(KeyboardInterrupt):
                later.memory.migrate_schema(function=_move, dry_run=False, done=stop)
            assert len(later.migrate_schema(function=_move)) == left
        assert _homes(later) == _CITIES

    def test_who_learned_under_the_new_schema(self, making: Making) -> None:
        """Whom another schema left something is migrated still; who never had one is not."""

        class Before(BaseModel):
            tags: list[int] = []

        def texts(document: dict[str, Any]) -> dict[str, Any]:
            return {"tags": [str(tag * 2) for tag in document["tags"] if isinstance(tag, int)]}

        bench = making(schema=Before)
        bench.verbs.edit("will", {"tags": [1, 2]}, by="x")
        later = bench.another(schema=_After)
        for user in ("will", "eve"):
            later.propose(user, "t", [Change("tags", "add", "x", "x it is")], [("user", "x it is")])
        found = later.migrate_schema(function=texts, dry_run=False)
        assert ([one.user_id for one in found], found.skipped) == (["will"], 1)
        assert later.recall("will").value.tags == ["2", "4"]
        assert later.recall("eve").value.tags == ["x"]
        later.migrate_schema(function=texts, everyone=True, dry_run=False)
        assert later.recall("will").value.tags == ["2", "4"]
        assert later.recall("eve").value.tags == []

    def test_another_function_later(self, making: Making) -> None:
        """It is a migration of its own: for the same schema, the next one, and the way back."""

        def loud(document: dict[str, Any]) -> dict[str, Any]:
            return {**document, "home": document["home"] + "!"}

        def back(document: dict[str, Any]) -> dict[str, Any]:
            return {"city": document["home"]}

        bench = making(schema=_Before)
        _three(bench)
        later = bench.another(schema=_After)
        later.migrate_schema(function=_move, dry_run=False)
        for skipped in (0, 3):
            assert later.migrate_schema(function=loud, dry_run=False).skipped == skipped
        assert later.recall("ann").document["home"] == "Graz!"
        assert later.memory.migrate_schema(function=lambda d: {**d, "home": "A"}).skipped == 0
        bench.verbs.migrate_schema(function=back, dry_run=False)
        assert bench.verbs.recall("ann").value.city == "Graz!"
        later.migrate_schema(function=_move, dry_run=False)
        assert later.recall("ann").document["home"] == "Graz!"

    def test_a_migration_that_was_taken_back(self, making: Making) -> None:
        """It is no more: run again, it migrates again; an undo of the undo is it again."""
        bench = making(schema=_Before)
        _three(bench)
        later = bench.another(schema=_After)
        later.migrate_schema(function=_move, dry_run=False)
        undone = later.undo("ann").revision
        assert later.recall("ann").document["city"] == "Graz"
        (would,) = later.migrate_schema(function=_move)
        assert would.user_id == "ann"
        later.undo("ann", undone.number)
        assert later.migrate_schema(function=_move).skipped == 3

    def test_a_mapping_takes_everything_along(self, making: Making) -> None:
        """Past, words, dates and undo of the old name are those of the new one."""
        bench = making(schema=_Before)
        for city in ("Rom", "Wien"):
            bench.verbs.edit("will", {"city": city, "age": 31}, by="x")
        bench.clock.advance(1)
        said = [("user", "I live in Graz now")]
        bench.verbs.propose("will", "t", [Change("city", "set", "Graz", "I live in Graz")], said)
        dates = bench.verbs.recall("will").stamps
        later = bench.another(schema=_After)
        later.migrate_schema({"city": "home", "age": "years"}, dry_run=False)
        assert later.migrate_schema({"city": "home", "age": "years"}, dry_run=False) == []
        assert later.recall("will").stamps == {"home": dates["city"], "years": dates["age"]}
        past = [one.after for each in later.history("will", "home") for one in each.changes]
        assert past == ["Graz", "Graz", "Wien", "Rom"]
        assert [one.quote for one in later.why("will", "home")] == ["I live in Graz now"]
        ended = [
            one.before for each in later.recall("will", earlier=9).earlier for one in each.changes
        ]
        assert ended == ["Wien", "Rom"]
        assert later.snapshot("will", 1).document["city"] == "Rom"
        assert later.undo("will", 3).conflicts == ()
        assert later.recall("will").document["home"] == "Wien"
        later.forget("will", "home")
        later.forget("will", "years", 31)
        left = later.export("will")
        told = [one for each in left["revisions"] for one in each["changes"]]
        assert {str(one[side]) for one in told for side in ("before", "after", "key")} == {"None"}
        assert {str(held) for held in left["profile"]["document"].values()} <= {"None", "[]"}

    def test_what_was_erased_is_moved_too(self, making: Making) -> None:
        """A migration by a mapping or a function brings back nothing from words said before."""
        for number, task in enumerate(_TASKS):
            bench = making(schema=_Before)
            users = (f"ann{number}", f"ben{number}")
            bench.verbs.edit(users[0], {"city": "Graz", "age": 31}, by="x")
            bench.verbs.forget(users[0], "city", "Graz")
            bench.verbs.forget(users[1], "city", "Graz", anywhere=True)
            bench.clock.advance(1)
            later = bench.another(schema=_After, model=_Says())
            later.migrate_schema(**task, dry_run=False)
            for user in users:
                later.memory.backfill(user, "old", [("user", "I live in Graz")])
                later.trigger(user)
                assert later.recall(user).document["home"] is None
                assert later.forget(user, "home", "Graz").values == 0
            carried = bench.another(schema=_After, model=_Says())
            carried.memory.import_(f"copy{number}", later.export(users[0]))
            carried.memory.backfill(f"copy{number}", "old2", [("user", "I live in Graz")])
            carried.trigger(f"copy{number}")
            assert carried.recall(f"copy{number}").document["home"] is None
            bench.clock.advance(1)
            later.remember(users[0], "new", [("user", "I live in Graz")])
            later.trigger(users[0])
            assert later.recall(users[0]).document["home"] == "Graz"

    def test_a_mapping_of_nothing(self, making: Making) -> None:
        """An old name that no profile, past or erasure has is an error that says what was meant."""
        bench = making(schema=_Before)
        later = bench.another(schema=_After)
        assert later.migrate_schema({"cty": "home"}) == []
        _three(bench)
        for dry_run in (True, False):
            with pytest.raises(InvalidInput, match=r"'cty'.*did you mean 'city'"):
                later.migrate_schema({"cty": "home"}, dry_run=dry_run)
        later.migrate_schema({"city": "home"}, dry_run=False)
        assert later.migrate_schema({"city": "home"}) == []
        with pytest.raises(InvalidInput, match="not by both"):
            later.migrate_schema({"city": "home"}, _move)

    def test_a_worker_with_another_schema(self, making: Making) -> None:
        """It is told which fields it does not take, and reads nothing; the chat goes on."""
        bench = making(schema=First)
        stored(bench)
        wrong = bench.another()  # the default schema, as on a command line without --schema
        wrong.remember("will", "t3", ["I like tea"])
        unread = [job.unread for job in wrong.jobs()]
        told = r"(?s)has no city.*--schema.*schema migrate"
        bench.clock.advance(1_000)
        with pytest.raises(SchemaMismatch, match=told):
            wrong.trigger("will")
        with pytest.raises(SchemaMismatch, match=told):
            wrong.trigger_all()
        with pytest.raises(SchemaMismatch, match=told):
            wrong.run_due()
        assert bench.listener.read == []
        assert [job.unread for job in wrong.jobs()] == unread
        assert wrong.recall("will").document["city"] == "Graz"
        wrong.edit("will", [{"op": "replace", "path": "/mood", "value": None}], by="support")
        with pytest.raises(SchemaMismatch):
            wrong.trigger("will")
        bench.verbs.trigger("will")
        assert bench.listener.texts[-1] == "I like tea"

    def test_a_schema_that_takes_everything(self, making: Making) -> None:
        """A field that is new, or was renamed, keeps nobody from reading."""

        class Wider(First):
            pets: list[str] = []  # noqa: RUF012 - a model copies it

        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Wider)
        assert later.check_schema().fits
        later.remember("will", "t3", ["I like tea"])
        assert [one.status for one in later.trigger("will")] != []

    def test_a_field_that_takes_other_values_by_now(self, making: Making) -> None:
        """It keeps nobody from reading: what is learned stands beside what does not fit."""

        class Tighter(First):
            weight: float | None = None  # type: ignore[assignment]
            hobbies: list[Hobby] = []  # type: ignore[assignment]  # noqa: RUF012

        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Tighter)
        later.remember("will", "t3", ["Hello"])
        assert {one.status for one in later.trigger("will")} == {"unchanged"}
        assert later.recall("will").document["hobbies"] == ["chess", "golf"]

    def test_a_number_that_is_a_date_by_now(self, making: Making) -> None:
        """A bare number under a field of time is a misfit, kept as it was, and no day of 1970."""

        class Since(First):
            weight: datetime | None = None  # type: ignore[assignment]

        bench = making(schema=First)
        bench.verbs.edit("will", {"weight": "80"}, by="test")
        later = bench.another(schema=Since)
        assert later.recall("will").value.weight is None
        with pytest.raises(InvalidDocument, match=r"weight: .* bare number"):
            later.edit("will", {"weight": "81"}, by="test")
        assert [(one.field, one.value) for one in later.misfits("will")] == [("weight", "80")]

    def test_a_validator_that_raises_anything(self, making: Making) -> None:
        """What it met is a misfit; the others are read on, and no error leaves the memory."""

        class Strict(First):
            @field_validator("weight")
            @classmethod
            def halved(cls, value: str | None) -> str | None:
                return None if value is None else str(1 / (value != "80 kg"))

        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Strict)
        assert later.recall("will").value.city == "Graz"
        assert [(one.field, one.value) for one in later.misfits("will")] == [("weight", "80 kg")]
        later.remember("will", "t3", ["Hello"])
        assert {one.status for one in later.trigger("will")} == {"unchanged"}
