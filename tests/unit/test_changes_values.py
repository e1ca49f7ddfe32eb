"""Values as models write them, brought into the field's own form where nothing is misread."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from usermemory.changes import Unfit, apply
from usermemory.records import Change
from usermemory.schema import Remember, schema_of


class Step(BaseModel):
    text: str
    done: bool = False


class Goal(BaseModel):
    title: str
    deadline: dt.date | None = None
    status: Literal["open", "in repair", "done"] = "open"
    weight: float | None = None
    steps: list[Step] = []
    tags: list[str] = []


class Rooms(BaseModel):
    tools: list[Step] = []
    floors: Annotated[dict[str, int], Remember(ask=False)] = {}


class Person(BaseModel):
    name: str | None = None
    age: int | None = None
    weight: float | None = None
    vegan: bool | None = None
    born: dt.date | None = None
    seen: dt.datetime | None = None
    wakes: dt.time | None = None
    state: Literal["in repair", "up-to-date", "N/A"] | None = None
    twins: Literal["a b", "a-b"] | None = None
    size: Literal[1, 2] | None = None
    week: dict[str, list[str]] = {}
    days: list[dt.date] = []
    goals: list[Goal] = []
    rooms: Rooms = Rooms()
    plain: Annotated[Any, Remember(ask=False)] = None


SOURCES = [schema_of(Person), schema_of(Person.model_json_schema())]


@pytest.fixture(params=SOURCES, ids=["model", "dict"])
def schema(request: pytest.FixtureRequest) -> Any:
    """The same fields from a type and from a JSON Schema."""
    return request.param


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("age", "80", 80),
        ("age", "80.0", 80),
        ("age", " 80 ", 80),
        ("age", "80,0", 80),
        ("age", 80.0, 80),
        ("age", ["80"], 80),
        ("age", "٣٥", 35),
        ("weight", "1.80", 1.8),
        ("weight", "1,80", 1.8),
        ("weight", "-0,125", -0.125),
        ("weight", 72, 72),
        ("vegan", "true", True),
        ("vegan", "False", False),
        ("born", "2026-12-04T00:00:00Z", "2026-12-04"),
        ("born", "2026-12-4", "2026-12-04"),
        ("born", "2026/12/04", "2026-12-04"),
        ("born", "20261204", "2026-12-04"),
        ("born", dt.date(2026, 12, 4), "2026-12-04"),
        ("born", dt.datetime(2026, 12, 4, 7, 30, tzinfo=dt.UTC), "2026-12-04"),
        ("wakes", "6:30:00", "06:30:00"),
        ("state", "in_repair", "in repair"),
        ("state", "IN-REPAIR", "in repair"),
        ("state", "up to date", "up-to-date"),
        ("state", "n/a", "N/A"),
        ("twins", "A-B", "a-b"),
        ("size", "2", 2),
        ("name", 1984, "1984"),
        ("name", ["Al"], "Al"),
        ("plain", {"a": (1, {2})}, {"a": [1, [2]]}),
    ],
    ids=str,
)
def test_a_value_comes_into_the_fields_form(schema: Any, field: str, value: Any, kept: Any) -> None:
    """What can be read in one way only is read so, in the type that the schema wants."""
    after, _ = apply(schema.empty(), Change(field, "set", value), schema)
    assert after[field] == kept
    assert type(after[field]) is type(kept) or isinstance(kept, int)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age", "80.5"),
        ("age", "1.800"),
        ("age", "1,800"),
        ("age", "eighty"),
        ("age", "9" * 5_000),
        ("age", 10**5_000),
        ("age", True),
        ("weight", "1,800"),
        ("weight", "1,8,0"),
        ("weight", "NaN"),
        ("weight", "1e999"),
        ("weight", float("nan")),
        ("weight", float("inf")),
        ("vegan", "yes"),
        ("vegan", 1),
        ("born", "1990"),
        ("born", 1990),
        ("born", {2026}),
        ("wakes", "630"),
        ("wakes", "6.30"),
        ("seen", "20261204"),
        ("state", "broken"),
        ("twins", "A_B"),
        ("size", 3),
        ("name", b"Al"),
        ("name", object()),
        ("name", {"first": "Al"}),
        ("name", ["Al", "Bo"]),
        ("plain", {1: "a"}),
        ("plain", [object()]),
    ],
    ids=lambda value: "large" if isinstance(value, int) and value > 9_999 else repr(value)[:20],
)
def test_what_could_be_misread_is_refused(schema: Any, field: str, value: Any) -> None:
    """A thousand or one, a word for a number, what no JSON holds: the type is wrong, and said."""
    with pytest.raises(Unfit) as unfit:
        apply(schema.empty(), Change(field, "set", value), schema)
    assert (unfit.value.reason, bool(unfit.value.detail)) == ("wrong_type", True)
    assert len(unfit.value.detail) < 300


@pytest.mark.parametrize(
    "value",
    [
        {"title": "climb"},
        {"title": "climb", "status": None, "deadline": None, "steps": None, "tags": None},
        {"title": " climb ", "status": "", "deadline": "", "weight": None},
        '{"title": "climb", "status": null}',
        [{"title": "climb"}],
    ],
    ids=str,
)
def test_nulls_that_say_nothing_leave_the_schemas_defaults(schema: Any, value: Any) -> None:
    """A property that is not given has its default, be it left out, null or blank."""
    after, _ = apply(schema.empty(), Change("goals", "add", value), schema)
    (goal,) = after["goals"]
    assert (goal["title"], goal["status"]) == ("climb", "open")
    assert (goal.get("deadline"), goal.get("steps"), goal.get("tags")) == (None, [], [])


def test_the_parts_of_an_item_come_into_form(schema: Any) -> None:
    """Dates, numbers, options and lone items are read inside of an item as they are outside."""
    goal = {
        "title": "climb",
        "deadline": "2027-5-1T00:00:00Z",
        "status": "In_Repair",
        "weight": "1,5",
        "steps": {"text": "train", "done": "true"},
        "tags": "hobby",
    }
    after, _ = apply(schema.empty(), Change("goals", "add", goal), schema)
    assert after["goals"] == [
        {
            "title": "climb",
            "deadline": "2027-05-01",
            "status": "in repair",
            "weight": 1.5,
            "steps": [{"text": "train", "done": True}],
            "tags": ["hobby"],
        }
    ]


def test_one_value_where_a_list_is_wanted(schema: Any) -> None:
    """A lone value becomes a list of one, and a list of one its value."""
    after, _ = apply(schema.empty(), Change("week", "set", "run", key="monday"), schema)
    after, _ = apply(after, Change("days", "add", ["2026-12-4"]), schema)
    assert (after["week"], after["days"]) == ({"monday": ["run"]}, ["2026-12-04"])


def test_a_list_or_map_inside_of_an_object_is_set_as_a_whole(schema: Any) -> None:
    """What a property of an object holds may be a list of objects or a map."""
    tools = [{"text": "saw", "done": "false"}]
    after, _ = apply(schema.empty(), Change("rooms", "update", tools, key="tools"), schema)
    after, _ = apply(after, Change("rooms", "update", {"attic": "3"}, key="floors"), schema)
    assert after["rooms"] == {"tools": [{"text": "saw", "done": False}], "floors": {"attic": 3}}


@pytest.mark.parametrize(
    ("value", "names"), [({"status": "done"}, "title"), ({"title": "a", "steps": [{}]}, "text")]
)
def test_what_an_item_lacks_is_named(schema: Any, value: Any, names: str) -> None:
    """An item without what its schema requires is refused, and the detail says what is missing."""
    with pytest.raises(Unfit, match=names) as unfit:
        apply(schema.empty(), Change("goals", "add", value), schema)
    assert unfit.value.reason == "invalid_document"


def test_an_item_of_nulls_is_nothing(schema: Any) -> None:
    """Neither an addition nor an update is made of nulls alone."""
    before, _ = apply(schema.empty(), Change("goals", "add", {"title": "climb"}), schema)
    for change in (
        Change("goals", "add", {"status": None, "tags": None}),
        Change("goals", "update", {"status": None}, key="climb"),
    ):
        with pytest.raises(Unfit, match="no_value"):
            apply(before, change, schema)


class Option(enum.Enum):
    """Something that is no JSON, with a value that is."""

    OPEN = "in repair"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Option.OPEN, "in repair"),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({2, 1}), [1, 2]),
        (("x",), ["x"]),
        (dt.time(6, 30), "06:30:00"),
        (MappingProxyType({"a": 1}), {"a": 1}),
    ],
    ids=["enum", "set", "frozenset", "tuple", "time", "mapping"],
)
def test_what_python_has_for_json_becomes_json(value: Any, kept: Any) -> None:
    """Sets and tuples become lists, dates and times their ISO texts, enums their values."""
    after, _ = apply(SOURCES[0].empty(), Change("plain", "set", value), SOURCES[0])
    assert after["plain"] == kept


def deep() -> Any:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    return value


def endless() -> Any:
    value: list[Any] = []
    value += [value, value]
    return value


@pytest.mark.parametrize("made", [deep, endless])
def test_a_value_without_an_end_is_refused(made: Callable[[], Any]) -> None:
    """A value that contains itself, or is nested beyond reason, is no JSON."""
    with pytest.raises(Unfit, match="wrong_type"):
        apply(SOURCES[0].empty(), Change("plain", "set", made()), SOURCES[0])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
    | st.binary(max_size=2) | st.sampled_from(["2026-12-4", "1,80", "80.0", "true", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["title", "status", "steps", "text", "x"]), inner, max_size=3)
    | st.frozensets(st.integers(), max_size=2),
    max_leaves=8,
)  # fmt: skip


@given(
    st.sampled_from(SOURCES), st.sampled_from(sorted(SOURCES[0].fields)), ANYTHING,
    st.sampled_from(["set", "add", "update", "remove", "clear"]), st.sampled_from([None, "tools"]),
)  # fmt: skip
def test_whatever_is_proposed_is_made_or_refused(
    schema: Any, field: str, value: Any, action: Any, key: str | None
) -> None:
    """No value makes anything raise but the refusal, and what is made is valid as it stands."""
    try:
        after, _ = apply(schema.empty(), Change(field, action, value, key=key), schema)
    except Unfit:
        return
    assert schema.validate(after) == after
