"""Environments of their own for the other systems, under a folder that is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
REQUIREMENTS = {
    "usermemory": (str(ROOT),),
    "langmem": ("langmem", "langgraph-checkpoint-sqlite", "mistral-common"),
    "mem0": ("mem0ai", "qdrant-client", "langchain-core", "mistral-common"),
    "agno": ("agno", "openai", "sqlalchemy[asyncio]", "langchain-core", "mistral-common"),
    "dbos": ("dbos",),
}
"""What each is installed from: the newest that resolves, whose version the raw data names.

This project's own environment, which is asked for nothing but its size, is what users install.
"""


class NotRun(RuntimeError):
    """A row could not be measured; the text says why."""


def python_of(peer: str, cache: Path) -> Path:
    """The interpreter of a peer's environment, which is made where it is not there.

    Raises:
        NotRun: It cannot be installed.
    """
    folder = cache / peer
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        found = subprocess.run(
            [*install, *REQUIREMENTS[peer]], check=False, capture_output=True, text=True
        )
        if found.returncode:
            raise NotRun(f"{peer} could not be installed: {found.stderr.strip()[-300:]}")
        done.touch()
    return python


def version_of(python: Path, package: str) -> str:
    """The version of a package in an environment."""
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run(
        [python, "-c", asked], check=True, capture_output=True, text=True
    ).stdout.strip()


def asked(python: Path, module: str, arguments: Sequence[str] = (), seconds: float = 300) -> Any:
    """What a module of the bench prints, in that environment, as JSON on its last line.

    Raises:
        NotRun: It fails, or takes too long.
    """
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "MEM0_TELEMETRY": "false"}
    variables["MEM0_DIR"] = str(python.parents[1] / "home")  # it writes its settings there
    try:
        done = subprocess.run(
            [str(python), "-m", module, *arguments],
            cwd=ROOT,
            env=variables,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotRun(f"{module} took longer than {seconds:g} s") from error
    if done.returncode:
        raise NotRun(f"{module} failed: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.splitlines()[-1])
