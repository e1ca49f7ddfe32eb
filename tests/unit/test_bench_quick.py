"""Which ratios of the quick bench count as worse."""

from __future__ import annotations

import pytest
from bench.quick.__main__ import worse
from bench.table import Figure, Sense


@pytest.mark.parametrize(
    ("sense", "was", "now", "named"),
    [
        ("<=", 1.5, 1.6, False),
        ("<=", 1.5, 2.1, True),
        ("<=", 1.5, 0.7, False),
        (">=", 5.0, 4.5, False),
        (">=", 5.0, 3.0, True),
        (">=", 5.0, 9.0, False),
    ],
)
def test_a_ratio_that_is_worse_by_a_third_is_named(
    sense: Sense, was: float, now: float, *, named: bool
) -> None:
    """A ceiling is worse when the ratio rises, a floor when it falls; less is taken for noise."""
    found = worse([Figure("a turn", "", "", now, None, sense)], {"a turn": was})
    assert found == ([f"a turn: {now:.2f}, was {was:.2f}"] if named else [])


def test_what_was_not_measured_or_is_new_is_not_worse() -> None:
    """A figure without a ratio, or without one to compare with, is passed over."""
    figures = [Figure("flushes", "-", "-", None), Figure("new", "", "", 3.0)]
    assert worse(figures, {"flushes": 2.0}) == []
