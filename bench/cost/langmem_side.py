"""LangMem's side, measured by another interpreter."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.cost.run import Run

_ROOT = Path(__file__).parents[2]


def read(python: Path, data: Path, only: Sequence[str]) -> Run:
    """What LangMem did.

    Args:
        python: An interpreter that has langmem and mistral-common.
        data: The file of dialogues.
        only: Which of them; empty for all.
    """
    command = [str(python), "-m", "bench.cost.langmem_process", str(data.resolve()), *only]
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Run.from_json(json.loads(done.stdout.splitlines()[-1]))
