"""The documentation keeps up with the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from usermemory.cli.app import app
from usermemory.store.driver import statements

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))

_BLOCK = re.compile(r"^```(\w+)( run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_IN_LINE = re.compile(r"`(usermemory [^`]+)`")
_ABOUT_ONE_USER = re.compile(r"user_id = :user_id|VALUES \(:user_id")


def _blocks(language: str, *, run: bool = False) -> list[Any]:
    """Code of all pages; with ``run`` only what is marked so."""
    return [
        pytest.param(match[3], id=f"{page.name}-{number}")
        for page in PAGES
        for number, match in enumerate(_BLOCK.finditer(page.read_text(encoding="utf-8")), 1)
        if match[1] == language and (match[2] or not run)
    ]


def _commands() -> list[str]:
    """Whatever the pages and the compose file tell people to type."""
    lines: set[str] = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines |= set(_IN_LINE.findall(text))
        lines |= set(re.findall(r"^usermemory .+$", text, re.MULTILINE))
    for service in COMPOSE["services"].values():
        if service.get("image") == "usermemory":
            lines.add(shlex.join(["usermemory", *service["command"]]))
    return sorted(lines)


@pytest.mark.parametrize("code", _blocks("python"))
def test_python_compiles(code: str) -> None:
    """What the pages show is Python."""
    compile(code, "page", "exec")


@pytest.mark.parametrize("code", _blocks("python", run=True))
def test_python_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is marked to run does, on a machine without a key or a network."""
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "page", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    """Every link of a page to another file of the repository leads there."""
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("line", _commands())
def test_commands_exist(line: str) -> None:
    """Every command and option that people are told to type is known."""
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(app)
    while words and not words[0].startswith("-") and (inner := getattr(command, "commands", None)):
        assert words[0] in inner, line
        command = inner[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    asked = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert asked <= known, line


def test_compose() -> None:
    """Two workers start after the migration, which starts when the database is ready."""
    services = COMPOSE["services"]
    worker, migrate = services["worker"], services["migrate"]
    assert services["postgres"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert worker["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert worker["deploy"]["replicas"] == 2


def test_statements_that_cross_shards() -> None:
    """The page on operation names exactly the statements that are not about one user."""
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Distributing by user")
    table = "\n".join(line for line in section.splitlines() if line.startswith("| `"))
    crossing = {name for name, sql in statements().items() if not _ABOUT_ONE_USER.search(sql)}
    named = set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines())))
    assert named == crossing | {"jobs"}  # which is about one user if it is told so
