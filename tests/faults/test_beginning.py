"""Many processes begin with a database that nobody has used."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.faults.tables import rows_of
from tests.support.deep import DEEP
from tests.support.postgres import fresh

from usermemory.store.driver import migrations

MANY = 64 if DEEP else 24


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_all_get_in(kind: str, tmp_path: Path) -> None:
    """Processes that open a new database together all open it, and store what was said.

    Each migration is made once, by one of them.
    """
    here = nullcontext(f"sqlite:///{tmp_path}/memory.db")
    with fresh() if kind == "postgres" else here as url:
        program = Path(__file__).with_name("beginning_process.py")
        done = subprocess.run(
            [sys.executable, program, url, str(MANY)], capture_output=True, text=True, check=True
        )
        assert (json.loads(done.stdout), done.stderr) == ([0] * MANY, "")
        assert rows_of(url, "SELECT COUNT(*) FROM usermemory.inbox")[0][0] == MANY
        made = rows_of(url, "SELECT number FROM usermemory.migrations ORDER BY number")
        assert [row[0] for row in made] == [number for number, _ in migrations()]
