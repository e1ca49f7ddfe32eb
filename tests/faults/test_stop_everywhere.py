"""A process may die before and after every statement and every commit."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.support.deep import DEEP
from tests.support.postgres import fresh

from usermemory.store.driver import statements

SHARDS = 4

OFTEN = [] if DEEP else ["once"]
"""A flow that the story passes ten times is killed before each of its statements once; in
`make test-deep` before and after each, each time, which takes eight times as long."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_stop_at_every_statement(shard: int) -> None:
    """Killed at any statement of any flow, nothing is lost, read twice or left hanging."""
    with tempfile.TemporaryDirectory() as path:
        stop_everywhere(f"sqlite:///{path}/", shard, *OFTEN)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_stop_at_every_statement_on_postgres(shard: int) -> None:
    """The same on PostgreSQL."""
    with fresh() as url:
        stop_everywhere(f"{url}_", shard, *OFTEN)


def stop_everywhere(prefix: str, shard: int, *options: str) -> None:
    program = [sys.executable, "-m", "tests.faults.stop_everywhere"]
    done = subprocess.run(
        [*program, prefix, str(shard), str(SHARDS), *options],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    passed = {statement for _, _, statement in report["calls"]} - {"commit"}
    flows = {flow for _, flow, _ in report["calls"] if flow}
    print(
        f"killed at {report['killed']} of {len(report['calls'])} places in {len(flows)} flows; "
        f"{len(passed)} of {len(statements())} statements"
    )
    assert report["wrong"] == []
    assert passed == set(statements()), "the story must pass every statement"
