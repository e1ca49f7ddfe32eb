"""Parameters whose every two values meet, without all combinations of them."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations, product
from typing import Any

import pytest
from tests.support.deep import DEEP

Row = tuple[int, ...]


def pairs(**axes: Collection[Any]) -> pytest.MarkDecorator:
    """Parametrize by rows among which any two values of two axes meet; by all in deep tests."""
    values = [list(axis) for axis in axes.values()]
    rows = list(product(*(range(len(axis)) for axis in values)))
    chosen = rows if DEEP else _covering(rows)
    cases = [[axis[at] for axis, at in zip(values, row, strict=True)] for row in chosen]
    return pytest.mark.parametrize(list(axes), cases)


def _covering(rows: list[Row]) -> list[Row]:
    missing = set[Any]().union(*map(_pairs, rows))
    chosen: list[Row] = []
    while missing:
        chosen.append(max(rows, key=lambda row: len(missing & _pairs(row))))
        missing -= _pairs(chosen[-1])
    return chosen


def _pairs(row: Row) -> set[Any]:
    return set(combinations(enumerate(row), 2))
