"""Many processes begin with a database that nobody has used."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.faults.tables import rows_of
from tests.support.postgres import fresh

MANY = 64


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_all_get_in(kind: str, tmp_path: Path) -> None:
    """Processes that open a new database together all open it, and store what was said."""
    here = nullcontext(f"sqlite:///{tmp_path}/memory.db")
    with fresh() if kind == "postgres" else here as url:
        program = Path(__file__).with_name("beginning_process.py")
        every = [
            subprocess.Popen(
                [sys.executable, program, url, f"user{number}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(MANY)
        ]
        for one in every:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        said = [one.communicate("go\n")[1] for one in every]
        assert [text for one, text in zip(every, said, strict=True) if one.returncode] == []
        assert rows_of(url, "SELECT COUNT(*) FROM usermemory.inbox")[0][0] == MANY
