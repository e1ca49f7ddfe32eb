"""The table of promises names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)`", (TESTS / "README.md").read_text("utf-8"))))
TEST = re.compile(r"^\s*(async )?def test_|^class Test", re.MULTILINE)


@pytest.mark.parametrize("name", NAMED)
def test_a_promise_has_its_tests(name: str) -> None:
    """Each file that the table names holds tests, or runs a suite or a machine of random steps."""
    assert TEST.search((TESTS / name).read_text(encoding="utf-8"))
