"""A model's JSON becomes changes: lenient about the wrapping, strict about the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usermemory.extract.language_model import proposals
from usermemory.records import Change

ITEM = {"quote": "q", "who": "user", "field": "name", "action": "set", "value": "Ana"}
CHANGE = Change("name", "set", "Ana", "q")


@pytest.mark.parametrize(
    "answer",
    [
        {"changes": [ITEM]},
        [ITEM],
        {"changes": json.dumps([ITEM])},
        {"changes": [json.dumps(ITEM)]},
        {"changes": [ITEM], "comment": "there you are"},
    ],
)
def test_wrappings_that_are_read(answer: Any) -> None:
    """The list may stand alone, or be JSON in a string, or hold JSON in strings."""
    assert proposals(answer) == ((CHANGE,), ())


@pytest.mark.parametrize(
    "answer", [None, "x", 3, {}, {"change": []}, {"changes": None}, {"changes": "[1"}, [1, 2]]
)
def test_what_is_no_change_list(answer: Any) -> None:
    """Anything else is no change list, which is not the same as an empty one."""
    assert proposals(answer) is None
    assert proposals({"changes": []}) == ((), ())


def test_ten_thousand_changes_are_capped_visibly() -> None:
    """Beyond the cap changes are not read, and one rejection says how many there were."""
    found = proposals({"changes": [ITEM] * 10_000}, most=5)
    assert found is not None
    changes, rejections = found
    assert changes == (CHANGE,) * 5
    assert [rejection.reason for rejection in rejections] == ["too_many"]
    assert "10000" in rejections[0].detail


def test_an_item_that_is_no_object_is_rejected_visibly() -> None:
    """One bad item costs only itself, and is counted."""
    found = proposals([ITEM, "not a change", 7])
    assert found is not None
    changes, rejections = found
    assert changes == (CHANGE,)
    assert [rejection.reason for rejection in rejections] == ["wrong_type", "wrong_type"]


def test_the_action_names_its_field() -> None:
    """An action and its field stand together, or apart as up to version 0.1."""
    found = proposals([{"quote": "q", "action": "add interests", "value": "tea"}])
    assert found == ((Change("interests", "add", "tea", "q"),), ())
    assert proposals([ITEM]) == ((CHANGE,), ())


def test_who_is_ignored() -> None:
    """Whom a change is about is for the second look to say."""
    assert proposals([{**ITEM, "who": "other"}]) == ((CHANGE,), ())


def test_unknown_fields_and_actions_reach_the_checks() -> None:
    """What the checks have a reason for is passed on to them as it is."""
    found = proposals([{"field": "shoe", "action": "explode", "quote": 7, "key": 3}])
    assert found is not None
    assert found[0] == (Change("shoe", "explode", None, "", "user", "3"),)  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["changes", "quote", "who", "field", "action", "key", "value"]), inner
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_garbage_never_raises(answer: Any) -> None:
    """Whatever JSON a model answers is read as changes or refused, and never fails otherwise."""
    found = proposals(answer)
    assert found is None or all(isinstance(change, Change) for change in found[0])
