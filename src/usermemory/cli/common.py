"""What commands share: their options, the memory that they open, and what they print with."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer
from typer import Argument, Option, Typer

from usermemory.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from usermemory.memory import UserMemory
    from usermemory.store import Driver

F = TypeVar("F", bound=Callable[..., None])

DATABASE = "usermemory.db"
"""Where a memory is when nobody says otherwise: in the current folder."""

UserId = Annotated[str, Argument(help="Whose memory.")]
Database = Annotated[
    str,
    Option(
        "--db", envvar="USERMEMORY_DB", metavar="PATH|URL", help="The database: a path or a URL."
    ),
]
Model = Annotated[
    str | None,
    Option(
        envvar="USERMEMORY_MODEL",
        metavar="PROVIDER:NAME",
        help="The language model, such as anthropic:claude-haiku-4-5 or ollama:qwen3:4b; or "
        "offline for none.",
        show_default="by the keys in the environment, else offline",
    ),
]
BaseUrl = Annotated[
    str | None,
    Option(
        envvar="USERMEMORY_BASE_URL",
        metavar="URL",
        help="A server that speaks OpenAI's protocol, such as http://localhost:8080/v1.",
    ),
]
SchemaName = Annotated[
    str | None,
    Option(
        "--schema",
        envvar="USERMEMORY_SCHEMA",
        metavar="MODULE:NAME",
        help="The profile's schema, such as my_app.profiles:Customer.",
        show_default="usermemory:UserProfile",
    ),
]
DryRun = Annotated[bool, Option("--dry-run", help="Only say what it would do.")]
Yes = Annotated[bool, Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, Option("--json", help="Print JSON, for programs.")]


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def group(text: str) -> Typer:
    """A group of commands, with its help."""
    # Without markup the lines of examples stay as they are.
    return Typer(help=text, no_args_is_help=True, rich_markup_mode=None)


def command(commands: Typer, name: str) -> Callable[[F], F]:
    """Make a function a command, whose help is the docstring, with commands to copy at its end."""

    def added(function: F) -> F:
        text, _, lines = (inspect.getdoc(function) or "").partition("\n\nExamples:\n")
        examples = "\b\nExamples:\n" + indent(dedent(lines), "  ") if lines else None
        commands.command(name, help=text, epilog=examples)(function)
        return function

    return added


def open_memory(
    db: str, schema: str | None = None, model: Any = "offline", **settings: Any
) -> UserMemory:
    """A memory, connected, so that a database that cannot serve is reported at once.

    Args:
        db: A path or a URL.
        schema: ``module:Name``; None for `UserProfile`.
        model: As for `UserMemory`; commands that only look or write nothing new never ask it.
        settings: The rest of `UserMemory`'s arguments.

    Raises:
        ConfigurationError: The URL, the schema or the model cannot work.
        StoreError: The database cannot serve.
    """
    return _built(db, schema, model, **settings).open()


def open_existing(db: str, schema: str | None = None, model: Any = "offline") -> UserMemory:
    """A memory that was made before, without a worker: for looking and managing.

    Raises:
        StoreError: There is none, or it cannot serve.
    """
    require_file(db)
    memory = _built(db, schema, model, worker=False)
    try:
        require_tables(memory.driver)
        return memory.open()
    except BaseException:
        memory.close()
        raise


def _built(db: str, schema: str | None, model: Any, **settings: Any) -> UserMemory:
    from usermemory import UserMemory, UserProfile

    source = UserProfile if schema is None else load_object(schema)
    return UserMemory(db, source, model, **settings)


@contextmanager
def open_or_scratch(db: str, schema: str | None = None, *, scratch: bool) -> Generator[UserMemory]:
    """A memory without a worker, made if there is none, unless it is only to be tried.

    Args:
        db: A path or a URL.
        schema: ``module:Name``; None for `UserProfile`.
        scratch: Instead of making tables that are not there, use a file that is gone afterwards.
    """
    with TemporaryDirectory() as folder:
        if scratch and not _has_tables(db):
            db = f"sqlite:///{folder}/empty.db"
        with open_memory(db, schema, worker=False) as memory:
            yield memory


def _has_tables(db: str) -> bool:
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver

    with closing(open_driver(db, SystemClock())) as driver:
        return bool(driver.migrated())


def require_file(db: str) -> None:
    """Check that a database that is a file is there: opening would make an empty one.

    Raises:
        StoreError: It is not.
    """
    path = Path(db.removeprefix("sqlite:///")).expanduser()
    if "://" not in db.removeprefix("sqlite://") and not path.exists():
        raise StoreError(
            f"there is no database at {path}; name yours with --db or USERMEMORY_DB "
            "(usermemory chat makes one)"
        )


def require_tables(driver: Driver) -> None:
    """Check that a database has our tables: opening would put them into that of another program.

    Raises:
        StoreError: It has not, or cannot be read.
    """
    if not driver.migrated():
        raise StoreError(
            f"there is no memory in {driver.url}: it has none of our tables; is it the right "
            "database? (usermemory migrate makes them)"
        )


def load_object(name: str, role: str = "schema") -> Any:
    """The object that ``module:Name`` names; modules of the current folder are found too.

    Raises:
        ConfigurationError: There is no such thing.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ConfigurationError(f"{role} {name!r}: write it as module:Name")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        # The module is the application's: whatever it raises is said, with its kind.
        told = error if isinstance(error, ImportError | AttributeError) else repr(error)
        raise ConfigurationError(f"{role} {name!r} cannot be loaded: {told}") from error


@cache
def console(*, stderr: bool = False) -> Console:
    """Colours on a terminal, plain text elsewhere and under ``NO_COLOR``.

    Text is printed as it is, markup and emoji codes too, but for what would drive the terminal.
    """
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            for part in super().render(renderable, options):
                yield part if part.control else Segment(printable(part.text), part.style)

    return SafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False)


def say(*parts: Any, stderr: bool = False, **layout: Any) -> None:
    """Print for people: texts and tables, laid out as `rich.console.Console.print` does."""
    console(stderr=stderr).print(*parts, **layout)


def table(*headings: str, figures: bool = False) -> Table:
    """A table without lines between its cells.

    Args:
        headings: Those of the columns.
        figures: Whether all columns but the first hold numbers.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, justify="right" if figures and made.columns else "left")
    return made


@contextmanager
def progress_bar(noun: str, total: int | None = None) -> Generator[Callable[..., None]]:
    """A bar on standard error, and what moves it: ``advance=``, ``completed=``, ``total=``."""
    from rich.progress import Progress

    with Progress(console=console(stderr=True)) as progress:
        yield partial(progress.update, progress.add_task(noun, total=total))


def print_json(value: Any) -> None:
    """One JSON document on standard output; records become objects, times stay seconds."""
    typer.echo(json.dumps(value, default=_json_form, ensure_ascii=False, indent=2))


def _json_form(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {**cast("Mapping[str, Any]", value)}
    raise TypeError(f"{value!r} has no JSON form")


def printable(text: str) -> str:
    """Text that cannot drive the terminal: what people and models wrote may hold escape codes."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def value_text(value: Any) -> str:
    """A value of a profile as a person reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shortened(text: str, length: int = 60) -> str:
    """One line, cut with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def when(at: float | None) -> str:
    """A moment in the local time zone; empty for none, or for one beyond all calendars."""
    try:
        found = None if at is None else datetime.fromtimestamp(at, tz=UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return ""
    return "" if found is None else f"{found:%Y-%m-%d %H:%M}"


def how_far(at: float | None) -> str:
    """How far a moment is from now, such as ``in 42 s``; empty for none."""
    if at is None:
        return ""
    seconds = at - time.time()
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def span(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def count(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {plural(number, noun)}"


def plural(number: int, one: str, more: str = "") -> str:
    """The word for so many: ``message``, ``messages``."""
    return one if number == 1 else more or f"{one}s"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last
