"""What the user says about what no longer fits is heard, on every database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, model_validator

from usermemory.conformance.harness import Bench, Verbs
from usermemory.records import Action, Change, Proposed
from usermemory.schema import schema_of

Making = Callable[..., Bench]


class Goal(BaseModel):
    """A goal as it was."""

    title: str
    status: str = "open"


class Body(BaseModel):
    """An object as it was."""

    size: str | None = None
    shirts: list[str] = []


class Before(BaseModel):
    """The profile as it was."""

    weight: str | None = None
    city: list[str] = []
    goals: list[Goal] = []
    hobbies: list[str] = []
    colors: list[str] = []
    numbers: dict[str, str] = {}
    body: Body = Body()


class NewGoal(BaseModel):
    """A goal that needs a reason, and has no status any more."""

    title: str
    why: str
    tags: list[str] = []


class Hobby(BaseModel):
    """What was a text before."""

    name: str
    level: int | None = None


class NewBody(BaseModel):
    """An object with tighter properties."""

    size: int | None = None
    shirts: list[Literal["blue"]] = []


class After(BaseModel):
    """The profile retyped, tightened, and with a required property."""

    weight: float | None = None
    city: str | None = None
    goals: list[NewGoal] = []
    hobbies: list[Hobby] = []
    colors: list[Literal["red", "blue"]] = []
    numbers: dict[str, int] = {}
    body: NewBody = NewBody()


class Loose(BaseModel):
    """Values in any spelling."""

    tongue: str | None = None
    tongues: list[str] = []
    numbers: list[int] = []
    body: Body = Body()


class StrictBody(BaseModel):
    """An object with one spelling of each option."""

    shirts: list[Literal["Blue", "Plaid"]] = []


class Strict(BaseModel):
    """The same values in one spelling."""

    tongue: list[Literal["English", "German"]] = []
    tongues: list[Annotated[str, Field(pattern="^[A-Z]")]] = []
    numbers: list[str] = []
    body: StrictBody = StrictBody()


class Span(BaseModel):
    """A name, and two ends in any order."""

    name: str | None = None
    least: int | None = None
    most: int | None = None


class Ends(BaseModel):
    """Ends in any order, and a list of any length."""

    least: int | None = None
    most: int | None = None
    many: int | None = None
    names: list[str] = []


class Spans(Ends):
    """The same, and an object."""

    span: Span | None = None


class OrderedSpan(Span):
    """The same with its ends in order."""

    @model_validator(mode="after")
    def ordered(self) -> OrderedSpan:
        """The least is not more than the most."""
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is more than most")
        return self


class OrderedSpans(Ends):
    """The same in order, and with no more names than it says."""

    span: OrderedSpan | None = None

    @model_validator(mode="after")
    def few(self) -> OrderedSpans:
        """There are no more names, and the ends are in order."""
        OrderedSpan(least=self.least, most=self.most)
        if self.many is not None and len(self.names) > self.many:
            raise ValueError("too many names")
        return self


STORED: dict[str, Any] = {
    "weight": "80 kg",
    "city": ["Graz", "Linz"],
    "goals": [{"title": "run", "status": "open"}, {"title": "swim", "status": "done"}],
    "hobbies": ["chess", "golf"],
    "colors": ["red", "green"],
    "numbers": {"shoe": "nine", "cats": "2"},
    "body": {"size": "tall", "shirts": ["blue", "plaid"]},
}


def grown(making: Making) -> tuple[Bench, Verbs]:
    """A user stored under the first class, and a memory with the second."""
    bench = making(schema=Before)
    bench.verbs.edit("will", STORED, by="import")
    bench.clock.advance(1)
    return bench, bench.another(schema=After)


def _change(words: str, field: str, action: Action, value: Any, key: str | None = None) -> Change:
    return Change(field, action, value, words, key=key)


def _said(verbs: Verbs, words: str, *changes: tuple[Any, ...]) -> Proposed:
    made = [_change(words, *one) for one in changes]
    learned: Proposed = verbs.propose("will", "t", made, [("user", words)])
    return learned


def _stored(verbs: Verbs) -> Any:
    return verbs.recall("will").document


TAKEN_BACK = [
    ("I don't play golf any more", ("hobbies", "remove", "golf")),
    ("I don't play golf any more", ("hobbies", "remove", {"name": "Golf"})),
    ("I gave up to swim", ("goals", "remove", "Swim")),
    ("I gave up to swim", ("goals", "remove", None, "swim")),
    ("I no longer like green", ("colors", "remove", "green")),
    ("Forget the shoe, nine is wrong", ("numbers", "remove", None, "shoe")),
    ("My weight is not 80 kg any more", ("weight", "clear", None)),
    ("I left my city, Graz", ("city", "clear", None)),
    ("My size is not tall", ("body", "clear", None, "size")),
    ("My plaid shirts are gone", ("body", "remove", "plaid", "shirts")),
]


class Mending:
    """Tests of misfits that the user speaks of."""

    @pytest.mark.parametrize(("words", "change"), TAKEN_BACK)
    def test_a_misfit_is_taken_back(
        self, making: Making, words: str, change: tuple[Any, ...]
    ) -> None:
        """It goes, alone, by the user's words; undo brings it back verbatim."""
        bench, later = grown(making)
        before = _stored(later)
        misfits = later.misfits("will")
        learned = _said(later, words, change)
        assert learned.rejections == ()
        assert learned.revision is not None
        (done,) = learned.revision.changes
        gone = [one for one in misfits if one.value == done.before]
        assert [one.value for one in misfits if one.value not in _values(later)] == [done.before]
        assert len(gone) == 1
        assert [one.quote for one in done.evidence] == [words]
        assert later.undo("will").conflicts == ()
        assert _stored(later) == before
        assert bench.another(schema=Before).recall("will").value == Before.model_validate(STORED)

    def test_an_item_is_completed(self, making: Making) -> None:
        """What is missing is told, by an update or an addition: there is one item, and it fits."""
        _, later = grown(making)
        was = _stored(later)
        words = "I run for fun, I swim for my back, and my golf is level 3"
        learned = _said(
            later,
            words,
            ("goals", "update", {"why": "for fun"}, "run"),
            ("goals", "add", {"title": "Swim", "why": "for my back", "tags": []}),
            ("hobbies", "add", {"name": "golf", "level": 3}),
            ("hobbies", "update", {"level": 1}, "golf"),
        )
        assert learned.rejections == ()
        value = later.recall("will").value
        assert [(one.title, one.why) for one in value.goals] == [
            ("run", "for fun"),
            ("swim", "for my back"),
        ]
        assert _stored(later)["goals"][0] == {"title": "run", "status": "open", "why": "for fun"}
        assert _stored(later)["hobbies"] == ["chess", {"name": "golf", "level": 1}]
        assert [one.quote for one in later.why("will", "goals", "run")][:1] == [words]
        assert later.snapshot("will", 1).document == STORED
        later.forget("will", "goals", "run")
        assert later.undo("will").conflicts != ()
        assert [one["title"] for one in _stored(later)["goals"]] == ["swim"]
        assert "for fun" not in str(later.export("will"))
        assert was["hobbies"] == STORED["hobbies"]

    def test_completing_is_undone(self, making: Making) -> None:
        """The item is the misfit that it was."""
        _, later = grown(making)
        before = _stored(later)
        _said(later, "I run for fun", ("goals", "update", {"why": "fun"}, "run"))
        assert len(later.recall("will").value.goals) == 1
        assert later.undo("will").conflicts == ()
        assert _stored(later) == before

    def test_nothing_is_half_mended(self, making: Making) -> None:
        """What does not fit after it is refused, or stands beside; what fits goes first."""
        _, later = grown(making)
        refused = _said(later, "I run on tags", ("goals", "update", {"tags": ["x"]}, "run"))
        assert [one.reason for one in refused.rejections] == ["invalid_document"]
        assert _said(later, "no tennis", ("hobbies", "remove", "tennis")).rejections[0].reason == (
            "item_not_there"
        )
        assert _stored(later) == later.snapshot("will", 1).document
        learned = _said(
            later,
            "red is out, then again green too, and shoe 9",
            ("colors", "remove", "red"),
            ("colors", "remove", "green"),
            ("numbers", "set", 9, "Shoe"),
        )
        assert learned.rejections == ()
        assert (_stored(later)["colors"], _stored(later)["numbers"]["shoe"]) == ([], 9)

    def test_another_spelling_of_a_misfit(self, making: Making) -> None:
        """It fits beside the misfit, once, whoever adds it; undo leaves the misfit alone."""
        bench = making(schema=Loose)
        stored = {
            "tongue": "english",
            "tongues": ["german", "english"],
            "numbers": [1, 2],
            "body": {"size": "tall", "shirts": ["blue"]},
        }
        bench.verbs.edit("will", stored, by="import")
        bench.clock.advance(1)
        later = bench.another(schema=Strict)
        learned = _said(
            later,
            "I speak English, number 1, and wear Blue",
            ("tongue", "add", "English"),
            ("tongues", "add", "English"),
            ("numbers", "add", "1"),
            ("body", "add", "Blue", "shirts"),
        )
        assert learned.rejections == ()
        value = {
            "tongue": ["English"],
            "tongues": ["English"],
            "numbers": ["1"],
            "body": {"shirts": ["Blue"]},
        }
        assert later.recall("will").value == Strict.model_validate(value)
        assert _values(later) == ["english", "german", "english", 1, 2, "blue", "tall"]
        assert later.undo("will").conflicts == ()
        assert _stored(later) == stored
        assert later.recall("will").value == Strict()
        later.edit("will", value, by="support")
        assert later.recall("will").value == Strict.model_validate(value)
        assert _stored(later)["numbers"] == [1, 2, "1"]
        assert later.undo("will").conflicts == ()
        assert bench.verbs.recall("will").value.tongues == ["german", "english"]

    @pytest.mark.parametrize("more", ["", ", most 9 and 8, no more a but c"])
    def test_what_fits_again_is_there(self, making: Making, more: str) -> None:
        """A value that another one kept out counts when that changes, and is changed by value."""
        bench = making(schema=Spans)
        span = {"name": "y", "least": 7, "most": 3}
        stored = {"least": 5, "most": 2, "many": 1, "names": ["a", "b"], "span": span}
        bench.verbs.edit("will", stored, by="import")
        bench.clock.advance(1)
        later = bench.another(schema=OrderedSpans)
        assert later.recall("will").value == OrderedSpans(least=5, many=1)
        changes: list[tuple[Any, ...]] = [
            ("least", "set", 1),
            ("many", "set", 4),
            ("span", "update", 0, "least"),
        ]
        wanted = {"least": 1, "most": 2, "many": 4, "names": ["a", "b"]}
        spanned = {"name": "y", "least": 0, "most": 3}
        if more:
            changes += [("most", "set", 9), ("names", "remove", "a"), ("names", "add", "c")]
            changes += [("span", "update", 8, "most")]
            wanted, spanned = {**wanted, "most": 9, "names": ["b", "c"]}, {**spanned, "most": 8}
        assert _said(later, "It is 1, for 4, from 0" + more, *changes).rejections == ()
        assert _stored(later) == {**wanted, "span": spanned}
        assert later.recall("will").value.model_dump(exclude_none=True) == _stored(later)
        assert later.snapshot("will", 1).document == stored
        assert later.undo("will").conflicts == ()
        assert _stored(later) == stored
        assert bench.verbs.recall("will").value == Spans.model_validate(stored)

    def test_a_proposal_speaks_of_a_misfit(self, making: Making) -> None:
        """It waits for a person, and is made when they approve."""
        bench, _ = grown(making)
        later = bench.another(schema=After, review="all")
        learned = _said(
            later,
            "I don't play golf, I run for fun",
            ("hobbies", "remove", "golf"),
            ("goals", "update", {"why": "fun"}, "run"),
        )
        assert learned.rejections == ()
        for one in later.proposals("will"):
            assert later.approve(one.id, user_id="will").rejections == ()
        assert _stored(later)["hobbies"] == ["chess"]
        assert [one.why for one in later.recall("will").value.goals] == ["fun"]

    def test_what_was_erased_is_not_completed(self, making: Making) -> None:
        """Words from before an erasure bring nothing back."""
        bench, later = grown(making)
        later.forget("will", "hobbies", "golf")
        bench.clock.advance(1)
        assert schema_of(After).read(_stored(later)).misfits
        assert "golf" not in _stored(later)["hobbies"]
        _said(later, "I play golf, level 3", ("hobbies", "add", {"name": "golf", "level": 3}))
        assert _stored(later)["hobbies"] == ["chess", {"name": "golf", "level": 3}]


def _values(verbs: Verbs) -> list[Any]:
    return [one.value for one in verbs.misfits("will")]
