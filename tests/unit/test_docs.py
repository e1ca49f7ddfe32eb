"""The documentation keeps up with the code: each block of each page is run, parsed or excused."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
import yaml
from tests.support.page_run import PageRun
from tests.support.pages import PAGES, ROOT, SHELL, Block, blocks, inline, links, name_of, typed
from tests.support.postgres import shared
from tests.support.provider_server import ProviderServer

from usermemory.cli.app import app
from usermemory.store.driver import statements

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
BLOCKS = [block for page in PAGES for block in blocks(page)]

PYTHON = {"python", "py"}
PRINTS = 'text title="prints"'
"""A block that says what the block before it prints."""

_EXTRAS = re.compile(r"(?:usermemory|\.)\[([a-z][\w,]*)\]")
_ABOUT_ONE_USER = re.compile(r"user_id = :user_id|VALUES \(:user_id")


def _of(*languages: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for block in BLOCKS if block.language in languages]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of a page runs from top to bottom, and prints what the page says it prints."""
    if not any(block.language in PYTHON for block in blocks(page)):
        return
    monkeypatch.chdir(tmp_path)
    printed = ""
    with ProviderServer() as server, PageRun(server, monkeypatch) as run:
        for block in blocks(page):
            if block.info == PRINTS:
                assert block.code.strip() == printed.strip(), block
            elif block.language in PYTHON and block.not_run:
                compile(block.code, str(block), "exec", PageRun.FLAGS)
            elif block.language in PYTHON:
                printed = run(block)


@pytest.mark.parametrize("block", _of(*SHELL))
def test_what_is_to_type(block: Block) -> None:
    """Commands with their arguments and options, extras, targets of make and modules exist."""
    for words in typed(block):
        program = Path(words[0]).name
        if program == "usermemory":
            _parse(words[1:])
        elif program == "make":
            assert set(words[1:]) <= set(TARGETS), block
        elif program.startswith("python") and words[1:2] == ["-m"]:
            assert find_spec(words[2]), block
        for extras in _EXTRAS.findall(" ".join(words)):
            assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), block


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in inline(page)}))
def test_commands_in_sentences_exist(line: str) -> None:
    """Every command and option that a sentence mentions is known, whatever it leaves out."""
    command, words = _command(shlex.split(line)[1:])
    known = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
    asked = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert asked <= known, line


_PARSERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
}


def test_data_parses() -> None:
    """Data that the pages show can be read by what reads it."""
    for block in BLOCKS:
        if block.language in _PARSERS:
            try:
                _PARSERS[block.language](block.code)
            except ValueError as error:
                raise AssertionError(f"{block}: {error}") from error


@pytest.mark.parametrize("block", _of("sql"))
def test_sql_parses(block: Block) -> None:
    """PostgreSQL takes each statement for one, whether or not it could be carried out here."""
    with psycopg.connect(shared()) as connection:
        # The body of a function is parsed when it is made, and nothing in it has to exist.
        body = f"BEGIN\n{block.code}\nEND"
        connection.execute(
            f"CREATE FUNCTION pg_temp.page() RETURNS void LANGUAGE plpgsql AS $page${body}$page$"
        )
        connection.rollback()


def test_every_block_is_accounted_for() -> None:
    """No block is in a language that nobody checks, or says more of itself than a title."""
    checked = {*PYTHON, "sql", *_PARSERS, *SHELL}
    for block in BLOCKS:
        assert block.language in checked | {"text", "markdown"}, f"{block}: {block.info}"
        assert re.fullmatch(r'\w*( title="[^"]+")?', block.info), f"{block}: {block.info}"
        assert not block.not_run or block.language in PYTHON, block


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    """Every link of a page to another file of the repository leads there, headings too."""
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if heading and file.suffix == ".md":
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {_anchor(title) for title in titles}, target


def test_compose() -> None:
    """Two workers start after the migration, which starts when the database is ready."""
    services = COMPOSE["services"]
    worker, migrate = services["worker"], services["migrate"]
    assert services["postgres"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert worker["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert worker["deploy"]["replicas"] == 2
    for service in services.values():
        if service.get("image") == "usermemory":
            _parse(service["command"])


def test_statements_that_cross_shards() -> None:
    """The page on operation names exactly the statements that are not about one user."""
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## Distributing by user")
    table = "\n".join(line for line in section.splitlines() if line.startswith("| `"))
    crossing = {name for name, sql in statements().items() if not _ABOUT_ONE_USER.search(sql)}
    named = set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines())))
    assert named == crossing | {"jobs"}  # which is about one user if it is told so


@cache
def _program() -> Any:
    return typer.main.get_command(app)


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words call, and the words that are left for it."""
    command = _program()
    while words and not words[0].startswith("-") and (inner := getattr(command, "commands", None)):
        assert words[0] in inner, f"there is no command {words[0]}"
        command = inner[words[0]]
        words = words[1:]
    return command, words


def _parse(words: list[str]) -> None:
    """Parse as the program does, and stop before it does anything; wrong usage is raised."""
    command, rest = _command(words)
    if {"--help", "-h", "--version"}.isdisjoint(rest) and not hasattr(command, "commands"):
        command.make_context("usermemory", list(rest))


def _anchor(title: str) -> str:
    """As GitHub and the site make it of a heading."""
    plain = re.sub(r"[^\w\- ]", "", title.replace("`", "").lower())
    return plain.strip().replace(" ", "-")
