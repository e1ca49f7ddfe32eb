"""The examples that are scripts: what their pages tell people to type does what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.readme import EXAMPLES, copied, play


@pytest.mark.parametrize("example", ["smallest", "own_graph", "agent"])
def test_its_page_is_true(example: str, tmp_path: Path) -> None:
    """Each command of the example's page ends well and prints what the page shows."""
    folder = copied(example, tmp_path)
    assert len(play(folder / "README.md", folder)) >= 2


def test_the_smallest_is_small() -> None:
    """The smallest bot has fewer than 30 lines."""
    script = EXAMPLES / "smallest" / "bot.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) < 30
