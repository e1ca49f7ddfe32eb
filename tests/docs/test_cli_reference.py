"""The page about the command line is what the commands say of themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Annotated, Any

import pytest
import typer
from tools.cli_reference import PAGE, Undocumented, page

from usermemory.cli.app import app


def _commands(command: Any, words: str) -> list[tuple[str, Any]]:
    """All commands as the program's own parser knows them."""
    inner = getattr(command, "commands", {})
    below = [found for name in inner for found in _commands(inner[name], f"{words} {name}")]
    return [(words, command), *below]


def test_page_is_up_to_date() -> None:
    """The page in the repository is the one that the commands make today."""
    assert PAGE.read_text(encoding="utf-8") == page(app), "out of date: run make cli-reference"


def test_nothing_is_missing() -> None:
    """Each command, argument and option that the parser takes has its line, and no hidden one."""
    sections = re.split(r"^#+ ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    told = {section.partition("\n")[0]: section for section in sections}
    for words, command in _commands(typer.main.get_command(app), "usermemory")[1:]:
        section = told[words]
        for parameter in command.params:
            argument = parameter.param_type_name == "argument"
            names = [parameter.metavar or parameter.name.upper()] if argument else parameter.opts
            for name in names:
                listed = re.search(rf"^- `[^`]*{re.escape(name)}\b", section, re.MULTILINE)
                assert bool(listed) is not parameter.hidden, f"{words}: {name}"


@pytest.mark.parametrize("missing", ["command", "argument", "option"])
def test_what_says_nothing_is_refused(missing: str) -> None:
    """A command, an argument or an option without help cannot get onto the page."""

    def help_of(what: str) -> str | None:
        return None if what == missing else "What it is."

    def command(
        user: Annotated[str, typer.Argument(help=help_of("argument"))],
        force: Annotated[bool, typer.Option("--force", help=help_of("option"))] = False,
    ) -> None: ...

    command.__annotations__ = {
        "user": Annotated[str, typer.Argument(help=help_of("argument"))],
        "force": Annotated[bool, typer.Option("--force", help=help_of("option"))],
        "return": None,
    }
    made = typer.Typer(help="What it is.")
    made.command(help=help_of("command"))(command)
    named = {"command": "usermemory command", "argument": "user", "option": "force"}[missing]
    with pytest.raises(Undocumented, match=f"^{named}"):
        page(made)


def test_page_is_the_same_everywhere() -> None:
    """Neither the terminal nor the environment of whoever makes the page can be seen in it."""
    code = "from tools.cli_reference import page; from usermemory.cli.app import app; "
    code += "import sys; sys.stdout.write(page(app))"
    odd = {"COLUMNS": "40", "FORCE_COLOR": "1", "USERMEMORY_DB": "/x", "USERMEMORY_MODEL": "y"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **odd, "PYTHONIOENCODING": "utf-8"},
        cwd=PAGE.parents[1],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == page(app)
