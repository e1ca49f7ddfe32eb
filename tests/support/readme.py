"""What an example's README tells people to type, and what it says they will see.

In a ``console`` block a line that begins with ``$`` is a command, and what follows is its output,
where ``…`` stands for anything. So the page is the test, and neither can move without the other.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from tests.support.command_line import PATIENCE, environment

import usermemory

EXAMPLES = Path(__file__).parents[2] / "examples"

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and the lines it is said to print."""

    command: str
    output: tuple[str, ...]


def steps(page: Path) -> list[Step]:
    """What the page tells people to type, in order."""
    found: list[Step] = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        first, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert not first.strip(), f"{page}: output before a command"
        for part in rest:
            command, *output = part.splitlines()
            found.append(Step(command, tuple(line for line in output if line.strip())))
    return found


def copied(example: str, folder: Path) -> Path:
    """A copy of an example, to run where it leaves its files."""
    return shutil.copytree(EXAMPLES / example, folder / example)


def example_environment(**more: str) -> dict[str, str]:
    """No keys or settings; the interpreter and the package that the tests run with."""
    kept = environment(**more)
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
    kept["PYTHONPATH"] = str(Path(usermemory.__file__).parents[1])
    kept["PYTHONWARNINGS"] = "error::DeprecationWarning:__main__"
    return kept


def play(page: Path, folder: Path, started: tuple[str, ...] = (), **more: str) -> list[Step]:
    """Type what the page says, one command after the other, and compare.

    Args:
        page: The README.
        folder: Where to type it.
        started: Beginnings of commands that run until they are stopped: the test's business.
        more: For the environment.

    Returns:
        The steps that were played.
    """
    played = [step for step in steps(page) if not step.command.startswith(started or ("\0",))]
    assert played, f"{page} shows no command"
    for step in played:
        if step.command.startswith("pip install"):
            _is_installed(step.command, folder)
            continue
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=example_environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"$ {step.command}\n{done.stdout}{done.stderr}"
        assert not done.stderr, f"$ {step.command}\n{done.stderr}"
        compare(step, done.stdout)
    return played


def compare(step: Step, printed: str) -> None:
    """See that the promised lines were printed, in this order."""
    lines = iter(printed.splitlines())
    for promised in step.output:
        pattern = ".*".join(re.escape(part.strip()) for part in promised.split("…"))
        assert any(re.fullmatch(pattern, line.strip()) for line in lines), (
            f"$ {step.command}\ndid not print {promised!r} (in this place), but:\n{printed}"
        )


def _is_installed(command: str, folder: Path) -> None:
    """See that the tests run with what the page tells people to install."""
    assert command == "pip install -r requirements.txt", command
    for line in (folder / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            wanted = Requirement(line)
            assert wanted.specifier.contains(version(wanted.name), prereleases=True), line
