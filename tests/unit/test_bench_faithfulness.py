"""The recorded answers, replayed: what was learned from them is what bench/README.md says."""

from __future__ import annotations

import re

from bench.faithfulness.page import HALVES, README, large, measured
from tests.support.deep import DEEP


def test_table_is_what_the_code_says() -> None:
    """The table of the large model stands in bench/README.md as the replayed answers give it.

    Its half in sight is replayed by `make test-deep`: the cases are others, the way is the same.
    """
    page = README.read_text("utf-8")
    found = re.search(r"<!-- table: large -->\n(.*?)\n<!-- /table -->", page, re.DOTALL)
    assert found is not None
    told = found[1].splitlines()
    if not DEEP:
        told = [line for line in told if HALVES["tune"] not in line]
    assert told == large(HALVES if DEEP else ["held"]).splitlines()


def test_kept_aside_is_learned() -> None:
    """Of the kept-aside updates 98% are learned, and nothing is lost, invented or misfiled."""
    for sets in ("updates chat world", "years"):
        run = measured("large-updates", "held", sets, "auto")
        marks = run.marks
        assert marks.learned >= 0.98 * marks.facts
        assert (marks.lost, marks.invented, marks.wrong) == (0, 0, 0)
    calls = [
        outcome.usage.calls
        for sets in ("updates chat world", "years")
        for outcome in measured("large-updates", "held", sets, "auto").outcomes
    ]
    assert sum(calls) <= 1.2 * len(calls)
