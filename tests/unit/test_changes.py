"""One change at a time: what it does to each kind of field, and why it is refused."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, create_model

from usermemory.changes import Unfit, apply, difference, inverse, patch, proposed, undo
from usermemory.records import Applied, Change, Evidence
from usermemory.schema import Remember, schema_of


class Home(BaseModel):
    city: str
    street: str | None = None
    names: list[str] = []


class Pet(BaseModel):
    name: str
    kind: Literal["dog", "cat"] | None = None
    age: int = 1


class Profile(BaseModel):
    name: str | None = Field(None, max_length=20)
    age: int | None = Field(None, ge=0, le=150)
    lang: str = "en"
    diet: Literal["vegan", "meat"] | None = None
    born: dt.date | None = None
    tags: Annotated[list[str], Remember(max_items=3)] = []
    scores: dict[str, int] = {}
    home: Home | None = None
    pets: list[Pet] = []
    email: Annotated[str, AfterValidator(str.lower)] | None = None


SCHEMA = schema_of(Profile)
BEFORE = SCHEMA.validate(
    {
        "name": "Bo",
        "age": 31,
        "tags": ["chess", "C"],
        "scores": {"Go": 1},
        "home": {"city": "Oslo", "names": ["den"]},
        "pets": [{"name": "Rex", "kind": "dog"}],
    }
)


def made(*told: Change, document: dict[str, Any] = BEFORE) -> tuple[dict[str, Any], list[Applied]]:
    done: list[Applied] = []
    for change in told:
        document, applied = apply(document, change, SCHEMA)
        done.append(applied)
    return document, done


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (Change("name", "set", "  Al "), "name", "Al"),
        (Change("name", "clear"), "name", None),
        (Change("lang", "set", "de"), "lang", "de"),
        (Change("age", "set", "32"), "age", 32),
        (Change("age", "set", 32.0), "age", 32),
        (Change("diet", "set", "Vegan"), "diet", "vegan"),
        (Change("born", "set", "2001-02-03"), "born", "2001-02-03"),
        (Change("email", "set", "BO@X.NO"), "email", "bo@x.no"),
        (Change("tags", "add", "go"), "tags", ["chess", "C", "go"]),
        (Change("tags", "add", '["go"]'), "tags", ["chess", "C", "go"]),
        (Change("tags", "add", ["go"]), "tags", ["chess", "C", "go"]),
        (Change("tags", "add", "C++"), "tags", ["chess", "C", "C++"]),
        (Change("tags", "remove", " CHESS!"), "tags", ["C"]),
        (Change("scores", "set", 2, key="Chess"), "scores", {"Go": 1, "Chess": 2}),
        (Change("scores", "set", 2, key="go"), "scores", {"Go": 2}),
        (Change("scores", "remove", key="GO"), "scores", {}),
        (
            Change("home", "update", "Rome", key="City"),
            "home",
            {"city": "Rome", "street": None, "names": ["den"]},
        ),
        (
            Change("home", "add", "loft", key="names"),
            "home",
            {"city": "Oslo", "street": None, "names": ["den", "loft"]},
        ),
        (
            Change("home", "clear", key="city"),
            "home",
            {"city": None, "street": None, "names": ["den"]},
        ),
        (
            Change("pets", "update", {"kind": None, "age": 4}, key="rex"),
            "pets",
            [{"name": "Rex", "kind": "dog", "age": 4}],
        ),
        (
            Change("pets", "update", {"name": "REX", "age": 4}),
            "pets",
            [{"name": "Rex", "kind": "dog", "age": 4}],
        ),
        (
            Change("pets", "add", {"name": "“REX”", "kind": None, "age": 4}),
            "pets",
            [{"name": "Rex", "kind": "dog", "age": 4}],
        ),
        (Change("pets", "remove", key="rex"), "pets", []),
        (Change("pets", "remove", {"name": "Rex"}), "pets", []),
        (
            Change("pets", "add", {"name": "Mia", "kind": None, "age": None}),
            "pets",
            [{"name": "Rex", "kind": "dog", "age": 1}, {"name": "Mia", "kind": None, "age": 1}],
        ),
    ],
    ids=str,
)
def test_a_change_does_what_it_says(change: Change, field: str, value: Any) -> None:
    """Only its own field moves, and it moves as told."""
    after, _ = apply(BEFORE, change, SCHEMA)
    assert after == {**BEFORE, field: value}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Change("shoe", "set", 43), "unknown_field"),
        (Change("home", "update", 1, key="zip"), "unknown_field"),
        (Change("name", "add", "Al"), "unfit_action"),
        (Change("tags", "clear"), "unfit_action"),
        (Change("scores", "set", 1), "unfit_action"),
        (Change("home", "update", ["a"], key="names"), "unfit_action"),
        (Change("home", "add", "a", key="city"), "unfit_action"),
        (Change("age", "set", "old"), "wrong_type"),
        (Change("age", "set", value=True), "wrong_type"),
        (Change("diet", "set", "fish"), "wrong_type"),
        (Change("tags", "add", ["go", "dice"]), "wrong_type"),
        (Change("pets", "add", "Mia"), "wrong_type"),
        (Change("tags", "remove", "rowing"), "item_not_there"),
        (Change("scores", "remove", key="chess"), "item_not_there"),
        (Change("pets", "update", {"age": 2}, key="Mia"), "item_not_there"),
        (Change("tags", "add", " Chess"), "duplicate"),
        (Change("name", "set", "Bo"), "duplicate"),
        (Change("pets", "add", {"name": "REX"}), "duplicate"),
        (Change("pets", "add", {"name": "Rex", "kind": "DOG", "age": 1}), "duplicate"),
        (Change("pets", "update", {"age": 2}), "no_value"),
        (Change("pets", "remove"), "no_value"),
        (Change("tags", "remove", "C#"), "item_not_there"),
        (Change("name", "set", "B" * 21), "too_long"),
        (Change("tags", "add", "B" * 2_001), "too_long"),
        (Change("pets", "add", {"name": "B" * 2_001}), "too_long"),
        (Change("name", "set", None), "no_value"),
        (Change("name", "set", "  "), "no_value"),
        (Change("tags", "remove", None), "no_value"),
        (Change("age", "set", 151), "invalid_document"),
        (Change("born", "set", "soon"), "invalid_document"),
        (Change("pets", "add", {"kind": "cat"}), "invalid_document"),
    ],
    ids=str,
)
def test_a_change_that_cannot_be_made_says_why(change: Change, reason: str) -> None:
    """The reason is from the closed list."""
    with pytest.raises(Unfit) as unfit:
        apply(BEFORE, change, SCHEMA)
    assert unfit.value.reason == reason


def test_a_full_list_refuses_more() -> None:
    """The fourth tag is refused, the oldest is not dropped."""
    full, _ = made(Change("tags", "add", "go"))
    with pytest.raises(Unfit, match="list_full"):
        apply(full, Change("tags", "add", "dice"), SCHEMA)


def test_what_is_known_is_a_duplicate_in_a_full_list_too() -> None:
    """A full list still says that it holds the item, so that it counts as confirmed."""
    full, _ = made(Change("tags", "add", "go"))
    with pytest.raises(Unfit, match="duplicate"):
        apply(full, Change("tags", "add", "GO"), SCHEMA)


def test_adding_what_is_there_says_what_is_new_about_it() -> None:
    """An item of a known name takes the new parts, as one change that can be undone."""
    after, (done,) = made(Change("pets", "add", {"name": "rex.", "age": 4}))
    assert (done.action, done.key, done.after["age"]) == ("update", "Rex", 4)
    assert undo(after, [done], SCHEMA)[0] == BEFORE


def test_an_addition_empties_nothing() -> None:
    """Lists and texts that an addition leaves empty stay as they are known; so does a spelling."""

    class Toy(BaseModel):
        name: str
        parts: list[str] = []
        note: str = ""

    schema = schema_of(create_model("Shop", toys=(Annotated[list[Toy], Remember(max_items=1)], [])))
    before = schema.validate({"toys": [{"name": "Bear", "parts": ["eye"], "note": "Soft"}]})
    for empty in ({"parts": [], "note": ""}, {"note": "soft."}):
        with pytest.raises(Unfit, match="duplicate"):
            apply(before, Change("toys", "add", {"name": "Bear", **empty}), schema)


def test_items_without_a_name_are_told_apart_as_a_whole() -> None:
    """Where the name may be missing, one nameless item neither hides nor overwrites another."""

    class Plan(BaseModel):
        title: str | None = None
        day: str | None = None

    schema = schema_of(create_model("Week", plans=(list[Plan], [])))
    document, _ = apply(schema.empty(), Change("plans", "add", {"day": "monday"}), schema)
    document, _ = apply(document, Change("plans", "add", {"day": "friday"}), schema)
    assert [plan["day"] for plan in document["plans"]] == ["monday", "friday"]
    with pytest.raises(Unfit, match="duplicate"):
        apply(document, Change("plans", "add", {"day": "friday"}), schema)


def test_clearing_goes_back_to_what_an_empty_profile_has() -> None:
    """A field with a default has its default again."""
    after, _ = made(Change("lang", "set", "de"), Change("lang", "clear"))
    assert after["lang"] == "en"


def test_what_was_done_is_told_by_value_with_its_evidence() -> None:
    """The item, where it stood and the words it rests on."""
    evidence = (Evidence("I dropped chess"),)
    _, applied = apply(BEFORE, Change("tags", "remove", "Chess"), SCHEMA, evidence)
    assert applied == Applied("tags", "remove", "chess", None, None, 0, evidence)


def test_fields_of_an_older_schema_stay() -> None:
    """What this schema does not know is neither judged nor lost."""
    after, _ = apply({**BEFORE, "shoe": 43}, Change("age", "set", 32), SCHEMA)
    assert (after["shoe"], after["age"]) == (43, 32)


def test_validators_may_not_change_more_than_was_asked() -> None:
    """A validator that drops the oldest item turns an addition into a refusal."""

    class Short(BaseModel):
        last: Annotated[list[str], AfterValidator(lambda items: items[-2:])] = []

    schema = schema_of(Short)
    with pytest.raises(Unfit, match="more than was asked"):
        apply({"last": ["a", "b"]}, Change("last", "add", "c"), schema)


def test_sorting_validators_are_fine() -> None:
    """The item is found where the schema put it."""

    class Sorted(BaseModel):
        tags: Annotated[list[str], AfterValidator(sorted)] = []

    schema = schema_of(Sorted)
    before = {"tags": ["a", "c"]}
    after, applied = apply(before, Change("tags", "add", "b"), schema)
    assert (after, applied.index) == ({"tags": ["a", "b", "c"]}, 1)
    assert undo(after, [applied], schema)[0] == before


def test_undo_goes_by_value_whatever_came_since() -> None:
    """A removed item comes back between items that were added since."""
    after, done = made(Change("tags", "remove", "chess"))
    later, _ = made(Change("tags", "add", "go"), document=after)
    undone, _, conflicts = undo(later, done, SCHEMA)
    assert (undone["tags"], conflicts) == (["chess", "C", "go"], ())


def test_undo_takes_back_one_property_of_an_item() -> None:
    """What changed since in the same item stays."""
    _, done = made(Change("pets", "update", {"age": 4}, key="Rex"))
    later, _ = made(
        Change("pets", "update", {"age": 4}, key="Rex"),
        Change("pets", "update", {"kind": "cat"}, key="Rex"),
    )
    undone, _, conflicts = undo(later, done, SCHEMA)
    assert (undone["pets"], conflicts) == ([{"name": "Rex", "kind": "cat", "age": 1}], ())


@pytest.mark.parametrize(
    ("first", "since"),
    [
        (Change("name", "set", "Al"), Change("name", "set", "Cy")),
        (Change("scores", "set", 2, key="Go"), Change("scores", "set", 3, key="Go")),
        (
            Change("home", "update", "Rome", key="city"),
            Change("home", "update", "Bern", key="city"),
        ),
        (
            Change("pets", "add", {"name": "Mia"}),
            Change("pets", "update", {"age": 9}, key="Mia"),
        ),
    ],
    ids=str,
)
def test_what_changed_again_since_is_a_conflict(first: Change, since: Change) -> None:
    """Undoing the older change would take the newer one away, so it is left and reported."""
    after, done = made(first)
    later, _ = made(since, document=after)
    assert undo(later, done, SCHEMA) == (later, (), tuple(done))


def test_undoing_twice_does_nothing_more() -> None:
    """What is so already needs no change and is no conflict."""
    after, done = made(Change("tags", "add", "go"), Change("name", "clear"))
    undone, redo, _ = undo(after, done, SCHEMA)
    assert (undone, len(redo)) == (BEFORE, 2)
    assert undo(undone, done, SCHEMA) == (BEFORE, (), ())


def test_undo_sees_through_a_change_of_the_schema() -> None:
    """A field, or a property of an object, that the schema no longer has is wound back too."""
    gone = (Applied("shoe", "set", 42, 43), Applied("home", "update", None, 9, "zip"))
    stored = {**BEFORE, "shoe": 43, "home": {**BEFORE["home"], "zip": 9}}
    undone, changes, conflicts = undo(stored, gone, SCHEMA)
    assert undone == {**BEFORE, "shoe": 42}
    assert ([one.field for one in changes], conflicts) == (["home", "shoe"], ())


def test_undo_brings_back_what_the_schema_refuses_by_now() -> None:
    """A value that made room comes back as the misfit that it was."""
    done = Applied("age", "set", 200, 31)
    undone, _, conflicts = undo(BEFORE, [done], SCHEMA)
    assert (undone, conflicts) == ({**BEFORE, "age": 200}, ())
    assert [one.field for one in SCHEMA.read(undone).misfits] == ["age"]


def test_patches_escape_names_and_point_at_items() -> None:
    """Keys with slashes and tildes are escaped; items of a list are told by where they stood."""
    _, done = made(
        Change("scores", "set", 2, key="a/b~c"),
        Change("pets", "update", {"age": 4}, key="Rex"),
        Change("home", "add", "loft", key="names"),
    )
    assert [step["path"] for step in patch(done)] == [
        "/scores/a~1b~0c",
        "/pets/0",
        "/home/names/1",
    ]
    assert [step["op"] for step in patch(done)] == ["add", "replace", "add"]
    assert [step["op"] for step in inverse(done)] == ["remove", "replace", "remove"]


def test_a_difference_can_be_proposed_again() -> None:
    """The changes between two documents, proposed one by one, lead from one to the other."""
    after, _ = made(
        *(Change("name", "clear"), Change("tags", "remove", "C"), Change("tags", "add", "go")),
        *(Change("scores", "remove", key="Go"), Change("home", "update", "Rome", key="city")),
        *(Change("pets", "update", {"age": 4}, key="Rex"), Change("pets", "add", {"name": "Mia"})),
    )
    again, _ = made(*map(proposed, difference(BEFORE, after, SCHEMA)))
    assert again == after
