"""The command line as a whole: help, errors, and output for people and programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command_line import Terminal, run, run_anew

from usermemory import UserMemory
from usermemory.cli.common import printable

COMMANDS = [
    "doctor",
    "demo",
    "chat",
    "worker",
    "profile show",
    "profile history",
    "profile why",
    "profile pause",
    "profile resume",
    "jobs list",
    "jobs retry",
    "jobs drop",
    "jobs trigger",
]


def test_help_teaches() -> None:
    """The help names each command, each variable, and commands to copy."""
    text = run_anew("--help").stdout
    for word in {name.split()[0] for name in COMMANDS}:
        assert f"\n  {word} " in text
    for name in ("DB", "MODEL", "BASE_URL", "SCHEMA", "USER"):
        assert f"USERMEMORY_{name}" in text
    assert "usermemory chat --user will" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    """Each command explains itself and its options."""
    done = run(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
    assert "--db" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    """Whoever asks for help does not wait for LangGraph, a database or a terminal library."""
    code = (
        "import sys; from usermemory.cli import app; "
        "print([n for n in ('langgraph', 'langchain_core', 'jsonschema', 'prompt_toolkit', 'rich') "
        "if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wrong_usage() -> None:
    """Wrong usage is told with exit code 2."""
    for arguments in (
        ("nonsense",),
        ("profile", "show"),
        ("jobs", "trigger"),
        ("chat", "--delay", "x"),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert "Usage" in done.stderr


def _of(folder: Path, name: str, code: str) -> str:
    """The option for a schema in a module of the application with this code."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    return f"--schema={name}:A"


def failing(tmp_path: Path) -> dict[str, tuple[list[str], dict[str, str], str]]:
    """Commands that cannot work, with their environment, and what must be said."""
    other = tmp_path / "other.db"
    other.write_bytes(b"this is no database at all " * 100)
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000, encoding="utf-8")
    db = f"--db={tmp_path / 'memory.db'}"
    return {
        "no database": (["profile", "show", "will", db], {}, "there is no database"),
        "not a database": (["jobs", "list", f"--db={other}"], {}, "not an SQLite database"),
        "no folder": (
            ["worker", f"--db={tmp_path / 'no' / 'm.db'}", "--model=offline"],
            {},
            "does its folder exist",
        ),
        "no model for a worker": (["worker", db], {}, "no language model is named"),
        "no model for a trigger": (["jobs", "trigger", "--all", db], {}, "--model offline"),
        "in memory": (["chat", "--db=:memory:"], {}, "must outlive"),
        "other server": (["chat", "--db=mysql://x/y"], {}, "no driver"),
        "no key": (["chat", db, "--model=openai:gpt-x"], {}, "OPENAI_API_KEY"),
        "no package": (
            ["worker", db],
            {"USERMEMORY_MODEL": "groq:x"},
            "pip install",
        ),
        "no name": (["chat", db, "--base-url=http://localhost:1/v1"], {}, "--model"),
        "no schema": (
            ["worker", db, "--model=offline", "--schema=nowhere:Nothing"],
            {},
            "cannot be loaded",
        ),
        "a schema that exits": (
            [
                "worker",
                db,
                "--model=offline",
                _of(tmp_path, "exits", "exit(3)"),
            ],
            {"PYTHONPATH": str(tmp_path)},
            "SystemExit(3)",
        ),
        "a schema that raises": (
            ["worker", db, "--model=offline", _of(tmp_path, "raises", "1 / 0")],
            {"PYTHONPATH": str(tmp_path)},
            "ZeroDivisionError",
        ),
        "a schema that is no Python": (
            ["worker", db, "--model=offline", _of(tmp_path, "broken", "class")],
            {"PYTHONPATH": str(tmp_path)},
            "cannot be loaded: SyntaxError",
        ),
        "no address": (["migrate", "--db=postgresql://[bad"], {}, "URL cannot be read"),
        "nested without end": (["profile", "import", str(deep), db], {}, "nested too deeply"),
        "no user": (["chat", db, "--user= "], {}, "user_id"),
    }


def test_what_cannot_work(tmp_path: Path) -> None:
    """An error of ours is one line on standard error, exit code 1, and no traceback."""
    for case, (arguments, variables, words) in failing(tmp_path).items():
        done = run(*arguments, text="hello\n", **variables)
        assert done.returncode == 1, f"{case}: {done.stderr}"
        assert done.stderr.splitlines()[-1].startswith("usermemory: "), case
        assert words in done.stderr, case
        assert "Traceback" not in done.stderr, case


def test_looking_makes_no_database(tmp_path: Path) -> None:
    """A command that only looks does not leave an empty database behind."""
    run("profile", "show", "will", "--db", str(tmp_path / "memory.db"))
    assert list(tmp_path.iterdir()) == []


def test_nobody_drives_the_terminal() -> None:
    """Control characters of what people wrote are shown, not obeyed; other text is left alone."""
    assert printable("a\x1b[2Jb\x9bc\ud800\r") == "a\ufffd[2Jb\ufffdc\ufffd\ufffd"
    assert printable("tab\tline\nשלום 👩‍👩‍👧") == "tab\tline\nשלום 👩‍👩‍👧"


def test_what_people_wrote_is_printed_as_it_is(tmp_path: Path) -> None:
    """Escape codes are shown, in every line and cell; what looks like markup or emoji stays."""
    db = str(tmp_path / "memory.db")
    with UserMemory(db, model="offline", worker=False) as memory:
        memory.edit("will", {"interests": ["\x1b[2J", "[red]chess[/red] :smile:"]}, by="a\x1bb")
    for words in (("show",), ("history",), ("why", "interests"), ("diff",)):
        shown = run("profile", words[0], "will", *words[1:], "--db", db).stdout
        assert "\x1b" not in shown, words
        assert "\ufffd" in shown, words
        assert words[0] == "why" or "[red]chess[/red] :smile:" in shown, words


def test_colours_only_where_wanted(tmp_path: Path) -> None:
    """A terminal gets colours, but not under NO_COLOR; a pipe gets plain text."""
    demo = ("demo", "--delay", "0")
    assert "\x1b" not in run(*demo).stdout
    colours = {}
    for name, variables in {"wanted": {}, "refused": {"NO_COLOR": "1"}}.items():
        with Terminal(*demo, **variables) as terminal:
            assert terminal.end() == 0
            colours[name] = "\x1b[1;36m" in terminal.raw
    assert colours == {"wanted": True, "refused": False}
