"""What of a foreign profile fits, what is left out, and why."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, model_validator

from usermemory import Remember, UserProfile
from usermemory.errors import InvalidInput
from usermemory.extras.importing.fitting import (
    FULL,
    HOLDS,
    NO_FIELD,
    NO_NOTES,
    OLDER,
    Fitted,
    Found,
    fit,
    notes_field,
)
from usermemory.schema import Field, Schema, schema_of


class Home(BaseModel):
    city: str | None = None
    floor: int | None = None


class Pet(BaseModel):
    name: str
    kind: str | None = None


class Person(BaseModel):
    name: str | None = None
    age: int | None = None
    likes: Annotated[list[str], Remember(max_items=3, max_length=20)] = []
    pets: list[Pet] = []
    phones: dict[str, str] = {}
    home: Home = Home()
    notes: Annotated[list[str], Remember(about="anyone")] = []

    @model_validator(mode="after")
    def no_child_lives_alone(self) -> Person:
        if self.age is not None and self.age < 3 and self.home.floor is not None:
            raise ValueError("too young for a floor")
        return self


SCHEMA = schema_of(Person)


def fitted(held: dict[str, Any], *parts: dict[str, Any], **options: Any) -> Fitted:
    notes = options.pop("notes", ())
    found = Found("will", parts, notes)
    return fit(SCHEMA, SCHEMA.validate(held), found, notes="notes", **options)


def news(result: Fitted) -> dict[str, Any]:
    return {name: result.document[name] for name in result.fields}


def left(result: Fitted) -> list[tuple[str, Any]]:
    return [(one.field, one.value) for one in result.left_out]


def test_an_empty_profile_takes_all_that_fits() -> None:
    """Values are read as the schema reads them: a text for a list, a number in a text."""
    result = fitted({}, {"name": "Will", "age": "42", "likes": "tea"},
                    {"pets": [{"name": "Rex", "kind": "dog"}], "phones": {"home": "1"},
                     "home": {"city": "Bergen"}}, notes=["Sister Ann"])  # fmt: skip
    assert news(result) == {
        "name": "Will",
        "age": 42,
        "likes": ["tea"],
        "pets": [{"name": "Rex", "kind": "dog"}],
        "phones": {"home": "1"},
        "home": {"city": "Bergen", "floor": None},
        "notes": ["Sister Ann"],
    }
    assert result.left_out == []


def test_what_is_held_stays() -> None:
    """Single values stay, lists and maps grow, and what stands against them is said."""
    held = {"name": "Bill", "likes": ["Tea"], "pets": [{"name": "Rex", "kind": "cat"}],
            "phones": {"home": "1"}, "home": {"city": "Oslo"}}  # fmt: skip
    said = {"name": "Will", "likes": ["tea", "chess"],
            "pets": [{"name": "rex", "kind": "dog"}, {"name": "Tom", "kind": None}],
            "phones": {"home": "2", "work": "3"},
            "home": {"city": "Bergen", "floor": 2}}  # fmt: skip
    result = fitted(held, said)
    assert news(result) == {
        "likes": ["Tea", "chess"],
        "pets": [{"name": "Rex", "kind": "cat"}, {"name": "Tom", "kind": None}],
        "phones": {"home": "1", "work": "3"},
        "home": {"city": "Oslo", "floor": 2},
    }
    assert {one.reason for one in result.left_out} == {HOLDS}
    assert left(result) == [
        ("name", "Will"),
        ("pets", {"name": "rex", "kind": "dog"}),
        ("phones", {"home": "2"}),
        ("home", {"city": "Bergen"}),
    ]


def test_replace() -> None:
    """Told to replace, the source's values stand instead, and other fields stay."""
    held = {"name": "Bill", "likes": ["fog", "tea"], "phones": {"home": "1"}, "age": 42}
    result = fitted(held, {"name": "Will", "likes": ["tea"], "phones": {"work": "3"}}, replace=True)
    assert news(result) == {"name": "Will", "likes": ["tea"], "phones": {"work": "3"}}
    assert result.document["age"] == 42
    assert result.left_out == []


def test_the_newest_of_several_counts() -> None:
    """Of several parts the last one's single value is taken, and all items of lists."""
    result = fitted({}, {"name": "Bill", "likes": ["tea"]}, {"name": "Will", "likes": ["fog"]})
    assert news(result) == {"name": "Will", "likes": ["tea", "fog"]}


def test_the_newest_is_told_by_its_date() -> None:
    """Of values under one name the newest date counts, in whatever order; what is older is said."""
    found = Found(
        "will",
        [
            {"name": "Will", "phones": {"home": "2"}, "pets": [{"name": "Rex", "kind": "dog"}]},
            {"name": "Bill", "phones": {"home": "1"}, "pets": [{"name": "Rex", "kind": "cat"}]},
            {"name": "Billy", "home": {"city": "Oslo"}},
            {"home": {"city": "Bergen"}},
        ],
        part_dates=[200.0, 100.0, None, 300.0],
    )
    result = fit(SCHEMA, SCHEMA.validate({}), found)
    assert news(result) == {
        "name": "Will",
        "pets": [{"name": "Rex", "kind": "dog"}],
        "phones": {"home": "2"},
        "home": {"city": "Bergen", "floor": None},
    }
    assert {one.reason for one in result.left_out} == {OLDER}
    assert left(result) == [
        ("name", "Billy"),
        ("name", "Bill"),
        ("pets", {"name": "Rex", "kind": "cat"}),
        ("phones", {"home": "1"}),
        ("home", {"city": "Oslo"}),
    ]


def test_what_is_no_json_is_left_out() -> None:
    """No number that is none, and nothing nested without end, gets into a profile."""
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]

    class Numbers(BaseModel):
        weight: float | None = None
        sizes: list[float] = []
        notes: list[str] = []

    schema = schema_of(Numbers)
    part = {"weight": float("nan"), "sizes": [1.5, float("inf"), 2.5], "notes": [deep, "tea"]}
    result = fit(schema, schema.empty(), Found("will", [part]))
    assert news(result) == {"sizes": [1.5, 2.5], "notes": ["tea"]}
    assert [one.field for one in result.left_out] == ["weight", "sizes", "notes"]
    assert json.dumps([one.value for one in result.left_out], allow_nan=False)


def test_many_items_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of items only those near one that does not fit are validated apart."""
    judged, asked = Schema.judged, 0

    def counted(schema: Schema, document: Any) -> Any:
        nonlocal asked
        asked += 1
        return judged(schema, document)

    monkeypatch.setattr(Schema, "judged", counted)
    texts: list[Any] = [f"Fact {number}" for number in range(5_000)]
    result = fitted({}, {"notes": [*texts, 7, *texts]})
    assert len(result.document["notes"]) == 5_000
    assert left(result) == [("notes", 7)]
    assert asked < 50


def test_what_does_not_fit_is_left_out_by_itself() -> None:
    """A bad value keeps no good one out, and each says what is wrong with it."""
    said = {"job": "cook", "age": "old", "name": None, "likes": ["tea", 7, "x" * 21, "fog"],
            "pets": [{"kind": "dog"}, {"name": "Rex"}], "phones": {"a": [], "b": "1"}}  # fmt: skip
    result = fitted({}, said)
    assert news(result) == {
        "likes": ["tea", "fog"],
        "pets": [{"name": "Rex", "kind": None}],
        "phones": {"b": "1"},
    }
    reasons = {(one.field, str(one.value)): one.reason for one in result.left_out}
    assert reasons["job", "cook"] == NO_FIELD
    assert reasons["age", "old"].startswith("Input should be a valid integer")
    assert "at most 20 characters" in reasons["likes", "x" * 21]
    assert {name for name, _ in left(result)} == {"job", "age", "likes", "pets", "phones"}


def test_a_full_list_takes_no_more() -> None:
    """What is beyond a list's length is left out; nothing of it is dropped."""
    result = fitted({"likes": ["a", "b"]}, {"likes": ["c", "d"]})
    assert news(result) == {"likes": ["a", "b", "c"]}
    assert [(one.value, one.reason) for one in result.left_out] == [("d", FULL)]


def test_a_field_that_the_whole_refuses() -> None:
    """What fits alone and not with the rest is left out, and the rest is kept."""
    result = fitted({"age": 2}, {"home": {"floor": 3}, "name": "Will"})
    assert news(result) == {"name": "Will"}
    assert "too young" in result.left_out[0].reason


def test_what_is_unwanted_is_left_out() -> None:
    """A refused value does not come, with the reason; what stands already is not asked about."""
    asked: list[Any] = []

    def refuse(field: Field, value: Any, key: str | None) -> str | None:
        asked.append((field.name, value, key))
        return "no" if value in ("Will", "tea", "1", 2) or key == "Rex" else None

    said = {"name": "Will", "likes": ["tea", "fog", "art"], "pets": [{"name": "Rex"}],
            "phones": {"home": "1"}, "home": {"city": "Bergen", "floor": 2}}  # fmt: skip
    result = fitted({"likes": ["art"]}, said, refuse=refuse)
    assert news(result) == {"likes": ["art", "fog"], "home": {"city": "Bergen", "floor": None}}
    assert left(result) == [
        ("name", "Will"),
        ("likes", "tea"),
        ("pets", {"name": "Rex", "kind": None}),
        ("phones", {"home": "1"}),
        ("home", {"floor": 2}),
    ]
    assert {one.reason for one in result.left_out} == {"no"}
    assert ("likes", "art", None) not in asked


def test_fields_unknown_to_the_schema_stay() -> None:
    """What an older schema left in a profile is neither lost nor judged."""
    document = SCHEMA.validate({}) | {"old": 1}
    assert fit(SCHEMA, document, Found("will", [{"name": "Will"}])).document["old"] == 1


class Plain(BaseModel):
    tags: list[str] = []
    other: list[str] = []
    count: int | None = None


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (UserProfile, None, "core_memories"),
        (UserProfile, "interests", "interests"),
        (Person, None, "notes"),
        (Plain, None, None),
        (Plain, "tags", "tags"),
    ],
)
def test_where_plain_memories_go(source: Any, name: str | None, expected: str | None) -> None:
    """They go to the named list of texts, else to the one that is made for them, if any."""
    assert notes_field(schema_of(source), name) == expected


def test_plain_memories_without_a_place() -> None:
    """Where the schema has no such list they are left out; a field of another kind is an error."""
    schema: Schema = schema_of(Plain)
    result = fit(schema, schema.empty(), Found("will", notes=["Likes tea"]), notes=None)
    assert [(one.value, one.reason) for one in result.left_out] == [
        ("Likes tea", NO_NOTES.format("tags, other"))
    ]
    with pytest.raises(InvalidInput, match="'count' takes no memories.*tags, other"):
        notes_field(schema, "count")


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "kind", "city", "floor", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from([*SCHEMA.fields, "job"]), VALUES), max_size=3),
       st.booleans())  # fmt: skip
def test_whatever_comes_the_profile_stays_valid(parts: list[Any], replace: bool) -> None:
    """Any source gives a valid profile, and the same source again changes nothing."""
    once = fitted({"name": "Bill", "likes": ["tea"]}, *parts, replace=replace)
    assert SCHEMA.validate(once.document) == once.document
    again = fitted(once.document, *parts, replace=replace)
    assert again.fields == []
