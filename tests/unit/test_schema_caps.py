"""How much a field takes: what is said about it, and nothing that is not."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, create_model

from usermemory.changes import Unfit, apply
from usermemory.records import Change
from usermemory.schema import Remember, UserProfile, schema_of
from usermemory.schema.fields import FORM_MAX_ITEMS, FORM_MAX_LENGTH, MAX_LENGTH


class Toy(BaseModel):
    name: str
    story: Annotated[str | None, Field(max_length=3_000)] = None
    parts: Annotated[list[str], Remember(max_items=2)] = []


def caps_of(annotation: Any) -> tuple[int | None, int | None]:
    schema = schema_of(create_model("Capped", field=(annotation, ...)))
    settings = schema.fields["field"].settings
    return settings.max_items, settings.max_length


@pytest.mark.parametrize(
    ("annotation", "caps"),
    [
        (list[str], (None, None)),
        (dict[str, str], (None, None)),
        (Annotated[list[str], Remember(max_items=1_000)], (1_000, None)),
        (Annotated[list[str], Remember(max_items=80, max_length=2_000)], (80, 2_000)),
        (Annotated[list[str], Field(max_length=1_000)], (1_000, None)),
        (Annotated[list[str], Field(max_length=1_000), Remember(max_items=50)], (50, None)),
        (Annotated[list[str], Field(max_length=20), Remember(max_items=50)], (20, None)),
        (Annotated[dict[str, int], Field(max_length=300)], (300, None)),
        (Annotated[str, Field(max_length=5_000)], (None, 5_000)),
        (Annotated[str, Field(max_length=30), Remember(max_length=900)], (None, 30)),
        (list[Annotated[str, Field(max_length=30)]], (None, 30)),
    ],
    ids=str,
)
def test_caps_are_what_is_said(annotation: Any, caps: tuple[int | None, int | None]) -> None:
    """A cap is the setting's or the schema's own, the smaller of both, or there is none."""
    assert caps_of(annotation) == caps


def test_a_subclass_of_the_ready_profile_may_be_roomy() -> None:
    """A cap above any default counts where a field is declared anew."""

    class Roomy(UserProfile):
        core_memories: Annotated[list[str], Remember(max_items=1_000)] = Field(
            default_factory=list, description="all of it"
        )

    assert schema_of(Roomy).fields["core_memories"].settings.max_items == 1_000


def test_a_list_without_a_cap_never_fills_up() -> None:
    """Thousands of items and keys leave room for one more."""
    schema = schema_of(create_model("Open", tags=(list[str], []), scores=(dict[str, int], {})))
    many = [f"tag {number}" for number in range(4_000)]
    document = schema.validate({"tags": many, "scores": dict.fromkeys(many, 1)})
    document, _ = apply(document, Change("tags", "add", "one more"), schema)
    document, _ = apply(document, Change("scores", "set", 1, key="one more"), schema)
    assert len(document["tags"]) == len(document["scores"]) == 4_001


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        (Remember(), MAX_LENGTH),
        (Remember(max_length=60), 60),
        (Remember(max_length=5_000), 5_000),
    ],
)
def test_a_string_is_as_long_as_its_cap(settings: Remember, longest: int) -> None:
    """Two thousand characters where nothing is said; else what is said, less or more."""
    schema = schema_of(create_model("Long", note=(Annotated[str | None, settings], None)))
    document, _ = apply(schema.empty(), Change("note", "set", "x" * longest), schema)
    assert len(document["note"]) == longest
    with pytest.raises(Unfit, match=f"too_long.*at most {longest} .*{longest + 1}"):
        apply(schema.empty(), Change("note", "set", "x" * (longest + 1)), schema)


def test_properties_of_an_item_have_caps_of_their_own() -> None:
    """What a property says of its length and its items counts inside of an item, too."""
    schema = schema_of(create_model("Owner", toys=(list[Toy], [])))
    bear = {"name": "Bear", "story": "x" * 3_000, "parts": ["eye", "ear"]}
    document, _ = apply(schema.empty(), Change("toys", "add", bear), schema)
    assert document["toys"] == [bear]
    for part, reason in (
        ({"name": "x" * 2_001}, "too_long"),
        ({"story": "x" * 3_001}, "too_long"),
        ({"parts": ["a", "b", "c"]}, "list_full"),
    ):
        with pytest.raises(Unfit, match=reason):
            apply(schema.empty(), Change("toys", "add", {"name": "Doll", **part}), schema)


def test_keys_of_a_map_have_a_length_too() -> None:
    """A key is as long as `Remember` says of the map's strings, whatever its values may have."""
    short = Annotated[dict[str, Annotated[str, Field(max_length=3)]], Field()]
    schema = schema_of(
        create_model(
            "Keys",
            short=(short, {}),
            capped=(Annotated[dict[str, int], Remember(max_length=5)], {}),
        )
    )
    after, _ = apply(schema.empty(), Change("short", "set", "abc", key="a longer key"), schema)
    assert after["short"] == {"a longer key": "abc"}
    for change in (
        Change("capped", "set", 1, key="longer"),
        Change("short", "set", "abc", key="x" * (MAX_LENGTH + 1)),
        Change("short", "set", "abcd", key="a"),
    ):
        with pytest.raises(Unfit, match="too_long"):
            apply(schema.empty(), change, schema)


def test_what_is_too_long_by_now_can_still_go() -> None:
    """An item from before a cap was lowered is removed and not held against the removal."""
    schema = schema_of(create_model("Low", tags=(Annotated[list[str], Remember(max_length=5)], [])))
    long = "longer than five"
    after, _ = apply(schema.validate({"tags": [long]}), Change("tags", "remove", long), schema)
    assert after["tags"] == []


def inside(schema: Any, word: str) -> set[int]:
    """Every value of this word in a JSON Schema."""
    if isinstance(schema, list):
        return set().union(*(inside(part, word) for part in schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema[word]} if isinstance(schema.get(word), int) else set()
    return own.union(*(inside(part, word) for part in schema.values()))


def form_of(annotation: Any) -> Any:
    schema = schema_of(create_model("Form", field=(annotation, ...)))
    return schema.change_schema()["properties"]["changes"]["items"]["properties"]["value"]


def test_the_form_is_bounded_where_the_field_is_not() -> None:
    """A grammar without bounds may never end, so the form has some; without caps it has none."""
    assert inside(form_of(str), "maxLength") == {FORM_MAX_LENGTH}
    assert inside(form_of(dict[str, list[str]]), "maxItems") == {FORM_MAX_ITEMS}
    assert inside(form_of(Annotated[str, Remember(max_length=900)]), "maxLength") == {900}
    assert inside(form_of(Annotated[list[str], Remember(max_length=9)]), "maxLength") == {9}
    open_form = schema_of(create_model("Form", field=(list[str], []))).change_schema(caps=False)
    assert inside(open_form, "maxLength") == inside(open_form, "maxItems") == set()


def test_caps_of_a_list_do_not_bind_the_lists_in_its_items() -> None:
    """The form bounds a list inside of an item by what is said about that list alone."""
    few = Annotated[list[Toy], Remember(max_items=1)]
    assert inside(form_of(few), "maxItems") == {2}
    shelves = Annotated[dict[str, list[str]], Remember(max_items=7)]
    assert inside(form_of(shelves), "maxItems") == {FORM_MAX_ITEMS}
    assert inside(form_of(list[Toy]), "maxLength") == {FORM_MAX_LENGTH, 3_000}


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5])
def test_a_cap_that_makes_no_sense(wrong: Any) -> None:
    """A cap is a whole number, at least 1."""
    with pytest.raises(Exception, match="field 'a': max_items must be"):
        schema_of({"properties": {"a": {"type": "array", "items": {"type": "string"},
                                        "x-remember": {"max_items": wrong}}}})  # fmt: skip
