"""How much one consolidation may change, and how much a profile may hold."""

from __future__ import annotations

from typing import Any

import pytest

from usermemory.limits import Limits
from usermemory.records import Applied, Change, Refused

TEN = {"name": "Will", "tags": list("abcdef"), "notes": {"x": 1, "y": 2}, "child": {"age": 3}}


def gone(count: int) -> list[Applied]:
    return [Applied("tags", "remove", before=str(number)) for number in range(count)]


@pytest.mark.parametrize(
    ("document", "removed", "reason"),
    [
        (TEN, 5, None),
        (TEN, 6, "removes_too_much"),
        ({"tags": ["a", "b"]}, 2, None),
        ({"tags": list("abcd")}, 3, None),
        ({"tags": list("abcd")}, 4, "removes_too_much"),
    ],
)
def test_a_share_of_all_values_may_go(document: Any, removed: int, reason: str | None) -> None:
    """Items of lists, entries of maps and single values count alike; three go in any case."""
    exceeded = Limits().exceeded(document, gone(removed), ())
    assert (exceeded and exceeded[0]) == reason


def test_a_correction_is_no_removal() -> None:
    """Values that become others count as changes only."""
    corrected = [Applied("tags", "set", before="a", after="b")] * 10
    assert Limits().exceeded(TEN, corrected, ()) is None
    assert Limits(max_changes=9).exceeded(TEN, corrected, ()) == (
        "too_many",
        "10 changes at once, 9 at most",
    )


def test_an_answer_that_was_not_read_to_its_end_is_too_long() -> None:
    """What the reader of answers says about one that is too long is the reason in words."""
    told = "the answer holds 101 changes, and only 100 were read"
    refused = [Refused(Change("", "set"), "too_many", told)]
    assert Limits().exceeded(TEN, (), refused) == ("too_many", told)


def test_no_share_at_all() -> None:
    """With ``max_removed=1`` a profile may be emptied, with 0 three values may go."""
    assert Limits(max_removed=1).exceeded(TEN, gone(10), ()) is None
    assert Limits(max_removed=0).exceeded(TEN, gone(4), ()) is not None
    assert Limits(max_removed=0).exceeded(TEN, gone(3), ()) is None
