"""What a changed schema promises on every database: nothing that is stored is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_pascal

from usermemory.conformance.harness import Bench, Verbs
from usermemory.errors import InvalidDocument
from usermemory.records import Change
from usermemory.schema import Remember

Making = Callable[..., Bench]


class Goal(BaseModel):
    """A goal as it was."""

    title: str
    status: Literal["open", "done", "dropped"] = "open"


class First(BaseModel):
    """The profile as it was."""

    city: str | None = None
    weight: str | None = None
    goals: list[Goal] = []
    hobbies: list[str] = []
    mood: str | None = None


class NewGoal(BaseModel):
    """A goal with other options."""

    title: str
    status: Literal["open", "done", "paused"] = "open"


class Hobby(BaseModel):
    """What was a text before."""

    name: str
    level: int | None = None


class Second(BaseModel):
    """The profile with fields renamed, retyped, tightened and removed."""

    home: Annotated[str | None, Remember(was="city")] = None
    weight: float | None = None
    goals: list[NewGoal] = []
    hobbies: list[Hobby] = []


GOALS = [
    {"title": "run", "status": "open"},
    {"title": "swim", "status": "dropped"},
    {"title": "lift", "status": "done"},
]


def stored(bench: Bench) -> None:
    """A user who was remembered under the first schema, in their own words."""
    said = "I live in Graz. I weigh 80 kg. My mood is fine. I like chess and golf."
    quotes = {
        "city": ("Graz", "I live in Graz"),
        "weight": ("80 kg", "I weigh 80 kg"),
        "mood": ("fine", "My mood is fine"),
    }
    changes = [Change(name, "set", value, quote) for name, (value, quote) in quotes.items()]
    changes += [
        Change("hobbies", "add", hobby, "I like chess and golf") for hobby in ("chess", "golf")
    ]
    proposed = bench.verbs.propose("will", "t", changes, [("user", said)])
    assert proposed.rejections == ()
    bench.verbs.edit("will", [{"op": "add", "path": "/goals", "value": GOALS}], by="import")


def _learn(verbs: Verbs, said: str, *changes: Change) -> Any:
    return verbs.propose("will", "t2", changes, [("user", said)])


def _misfits(verbs: Verbs) -> list[tuple[str, Any, str]]:
    return [(one.field, one.value, one.reason) for one in verbs.misfits("will")]


class Misfitting:
    """Tests of misfits and renamed fields."""

    def test_what_fits_goes_on_working(self, making: Making) -> None:
        """Item by item: what the new schema takes is in the profile, the rest is a misfit."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        value = later.recall("will").value
        assert [goal.title for goal in value.goals] == ["run", "lift"]
        assert (value.home, value.weight, value.hobbies) == ("Graz", None, [])
        assert sorted(_misfits(later), key=str) == [
            ("goals", GOALS[1], "does_not_fit"),
            ("hobbies", "chess", "does_not_fit"),
            ("hobbies", "golf", "does_not_fit"),
            ("mood", "fine", "unknown_field"),
            ("weight", "80 kg", "does_not_fit"),
        ]

    def test_learning_keeps_the_misfits(self, making: Making) -> None:
        """An item is added beside them; a single value takes their place, undo gives it back."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        learned = _learn(
            later,
            "I weigh 82 and I play tennis",
            Change("weight", "set", 82.0, "I weigh 82"),
            Change("hobbies", "add", {"name": "tennis"}, "I play tennis"),
        )
        assert learned.rejections == ()
        document = later.recall("will").document
        assert document["hobbies"] == ["chess", "golf", {"name": "tennis", "level": None}]
        changed = {one.field: one.before for one in learned.revision.changes}
        assert changed == {"weight": "80 kg", "hobbies": None}
        assert later.undo("will").conflicts == ()
        assert later.recall("will").document["weight"] == "80 kg"
        first = bench.another(schema=First)
        assert first.recall("will").value.hobbies == ["chess", "golf"]
        assert first.recall("will").value.mood == "fine"

    def test_why_and_history_of_a_renamed_field(self, making: Making) -> None:
        """Value, words, dates and past of the old name belong to the new one."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        assert [one.quote for one in later.why("will", "home")] == ["I live in Graz."]
        assert [one.quote for one in later.why("will", "mood")] == ["My mood is fine."]
        assert later.history("will", "home")[0].changes[0].after == "Graz"
        assert "learned" in later.recall("will").stamps["home"]
        assert later.snapshot("will", 0).document["home"] is None
        _learn(later, "I moved to Linz", Change("home", "set", "Linz", "I moved to Linz"))
        assert later.recall("will").document["home"] == "Linz"
        assert later.undo("will").conflicts == ()
        assert later.recall("will").document["home"] == "Graz"

    def test_erased_under_the_old_name(self, making: Making) -> None:
        """What was forgotten of the old name is not learned under the new one from old words."""
        bench = making(schema=First)
        stored(bench)
        said = [("user", "I live in Graz"), ("user", "Hello")]
        bench.verbs.remember("will", "other", said)
        bench.verbs.forget("will", "city", "Graz")
        bench.clock.advance(1)
        later = bench.another(schema=Second, model=_Again())
        later.migrate_schema(dry_run=False)
        later.trigger("will")
        assert later.recall("will").document["home"] is None
        later.remember("will", "new", [("user", "I live in Graz")])
        later.trigger("will")
        assert later.recall("will").document["home"] == "Graz"

    def test_erased_under_the_new_name(self, making: Making) -> None:
        """Forgetting a renamed field reaches the past that bears the old name, and misfits too."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        assert later.forget("will", "home", "Graz").values == 1
        assert later.forget("will", "hobbies", "golf").values == 1
        assert later.forget("will", "mood").values == 1
        assert [one[:2] for one in _misfits(later)] == [
            ("weight", "80 kg"),
            ("goals", GOALS[1]),
            ("hobbies", "chess"),
        ]
        text = str(later.export("will"))
        assert ("Graz" in text, "golf" in text, "fine" in text) == (False, False, False)

    def test_misfits_are_edited(self, making: Making) -> None:
        """A patch moves or removes them; no edit makes a new one; whole documents leave them."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        later.edit("will", {"home": "Linz"}, by="will")
        assert len(_misfits(later)) == 5
        patch = [
            {"op": "remove", "path": "/mood"},
            {"op": "replace", "path": "/hobbies/0", "value": {"name": "chess"}},
        ]
        later.edit("will", patch, by="support")
        assert {one[0] for one in _misfits(later)} == {"weight", "goals", "hobbies"}
        assert [one.name for one in later.recall("will").value.hobbies] == ["chess"]
        with pytest.raises(InvalidDocument, match="weight"):
            later.edit("will", [{"op": "replace", "path": "/weight", "value": "91 kg"}], by="will")
        assert later.undo("will").conflicts == ()
        assert ("mood", "fine", "unknown_field") in _misfits(later)

    def test_misfits_are_carried(self, making: Making) -> None:
        """An export holds them, and an import keeps them."""
        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Second)
        carried = later.memory.import_("bill", later.export("will"))
        assert set(carried.unknown) == {"goals", "hobbies", "mood", "weight"}
        assert len(later.misfits("bill")) == 5

    def test_both_names_hold_values(self, making: Making) -> None:
        """The new one counts, the old one is a misfit."""
        bench = making(schema=First)
        bench.verbs.edit("will", {"city": "Graz"}, by="x")
        bench.another(schema=Second).edit("will", {"home": "Linz"}, by="x")
        bench.another(schema=First).edit("will", {"city": "Wien"}, by="x")
        later = bench.another(schema=Second)
        assert later.recall("will").value.home == "Linz"
        assert _misfits(later) == [("city", "Wien", "renamed")]

    def test_aliases_are_old_names(self, making: Making) -> None:
        """A validation alias says the same as ``was``."""

        class Aliased(BaseModel):
            home: str | None = Field(None, validation_alias="city")

        bench = making(schema=First)
        stored(bench)
        later = bench.another(schema=Aliased)
        assert later.recall("will").value.home == "Graz"
        assert [one.quote for one in later.why("will", "home")] == ["I live in Graz."]

    def test_an_alias_that_is_gained_and_lost(self, making: Making) -> None:
        """Camel case comes and goes, at any depth; a single alias is an alias of the field."""

        class Step(BaseModel):
            title: str
            due_date: str | None = None

        class Plain(BaseModel):
            first_name: str | None = None
            city: str | None = None
            steps: list[Step] = []

        class CamelStep(Step):
            model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

        class Camel(BaseModel):
            model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
            first_name: str | None = None
            city: str | None = Field(None, alias="livesIn")
            steps: list[CamelStep] = []

        steps = [{"title": "run", "due_date": "May"}]
        bench = making(schema=Plain)
        bench.verbs.edit("will", {"first_name": "Will", "city": "Graz", "steps": steps}, by="x")
        later = bench.another(schema=Camel)
        assert (later.misfits("will"), later.recall("will").document) == (
            [],
            {
                "firstName": "Will",
                "livesIn": "Graz",
                "steps": [{"title": "run", "dueDate": "May"}],
            },
        )
        later.edit("will", [{"op": "replace", "path": "/firstName", "value": "Bill"}], by="x")
        assert later.history("will")[1].changes[0].field == "firstName"
        back = bench.another(schema=Plain).recall("will")
        assert (back.value.first_name, back.value.steps[0].due_date) == ("Bill", "May")

    def test_a_generator_of_aliases_that_is_lost(self, making: Making) -> None:
        """What was stored in Pascal case, or with hyphens, is the field's that it spells."""

        class Plain(BaseModel):
            first_name: str | None = None
            home_town: str | None = None

        bench = making(schema=Plain)

        def hyphened(name: str) -> str:
            return name.replace("_", "-")

        generators: list[Callable[[str], str]] = [to_pascal, hyphened]
        for write in generators:
            config = ConfigDict(alias_generator=write, populate_by_name=True)
            written = type("Written", (Plain,), {"model_config": config})
            user = write("a_user")
            bench.another(schema=written).edit(user, {write("first_name"): "Will"}, by="x")
            assert bench.verbs.recall(user).value.first_name == "Will"
            assert bench.verbs.misfits(user) == []

    def test_what_only_the_whole_refuses_comes_back(self, making: Making) -> None:
        """An undo brings back a value that was a misfit beside others, or made one of another."""

        class Before(BaseModel):
            least: int | None = None
            most: int | None = None

        class After(Before):
            @model_validator(mode="after")
            def ordered(self) -> After:
                if self.least is not None and self.most is not None and self.least > self.most:
                    raise ValueError("least is more than most")
                return self

        bench = making(schema=Before)
        stored = {"least": 5, "most": 3}
        bench.verbs.edit("will", stored, by="x")
        later = bench.another(schema=After)
        later.migrate_schema({}, dry_run=False)
        assert _misfits(later) == [("most", 3, "does_not_fit")]
        for name, value in (("least", 1), ("most", 9)):
            patch = [{"op": "replace", "path": f"/{name}", "value": value}]
            later.edit("will", patch, by="support")
            assert _misfits(later) == []
            assert later.undo("will").conflicts == ()
            assert _misfits(later) == [("most", 3, "does_not_fit")]
            assert later.snapshot("will").document == stored
        # A value that was none then is not made one: it was changed since.
        for name, value in (("least", 1), ("most", 2)):
            patch = [{"op": "replace", "path": f"/{name}", "value": value}]
            later.edit("will", patch, by="support")
        number = later.history("will")[1].number
        assert len(later.undo("will", number).conflicts) == 1
        assert later.recall("will").document == {"least": 1, "most": 2}

    def test_a_schema_is_checked(self, making: Making) -> None:
        """How many users and values do not fit, in which fields and why."""
        bench = making(schema=First)
        stored(bench)
        bench.verbs.edit("ana", {"city": "Rom"}, by="x")
        assert bench.verbs.check_schema().fits
        found = bench.another(schema=Second).check_schema()
        assert (found.users, found.misfitting, found.unread, found.fits) == (2, 1, 1, False)
        assert found.fields["hobbies", "does_not_fit"] == (2, 1)
        assert found.fields["mood", "unknown_field"] == (1, 1)

    def test_a_value_of_another_shape(self, making: Making) -> None:
        """What cannot stand beside a new value is set aside, and told."""

        class Before(BaseModel):
            address: str | None = None

        class Address(BaseModel):
            city: str | None = None
            zip: str | None = None

        class After(BaseModel):
            address: Address | None = None

        bench = making(schema=Before)
        bench.verbs.edit("will", {"address": "Main St, Graz"}, by="x")
        later = bench.another(schema=After)
        bench.clock.advance(1)
        _learn(
            later,
            "I live in Linz",
            Change("address", "update", "Linz", "I live in Linz", key="city"),
        )
        assert later.recall("will").value.address.city == "Linz"
        assert _misfits(later) == [("address", "Main St, Graz", "set_aside")]
        later.forget("will", "address", "Main St, Graz")
        assert _misfits(later) == []


class _Again:
    """Learns where the user lives."""

    def extract(self, request: Any) -> Any:
        from usermemory.extract import Extraction

        words = "I live in Graz"
        said = any(words in message.text for message in request.batch)
        change = Change("home", "set", "Graz", words)
        return Extraction((change,) if said else ())
