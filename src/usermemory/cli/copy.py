"""``usermemory copy``: a whole memory into another database."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import AsJson, examples
from usermemory.cli.output import clean, console, count, print_json
from usermemory.errors import StoreError

if TYPE_CHECKING:
    from rich.table import Table

    from usermemory.store import Driver
    from usermemory.store.copying import Copied

EXAMPLES = examples(
    "usermemory copy sqlite:///memory.db postgresql://app@db.example.com/app",
    "usermemory copy 'postgresql://app@db.example.com/app?schema=test' test.db",
)


def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="The database to copy.", show_default=False)
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TO", help="An empty one, or an earlier copy of it.", show_default=False
        ),
    ],
    *,
    json: AsJson = False,
) -> None:
    """Copy everything that is remembered, pending work too, and compare both at the end.

    Stop what writes to FROM before, and start workers on TO afterwards. What breaks off goes on
    when it is called again. Tables are brought up to date in both; a checkpointer's are not
    copied. Exit code 1 if the two are not the same at the end.
    """
    from usermemory.cli.opening import require_file
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver

    require_file(source)
    with (
        closing(open_driver(source, SystemClock())) as original,
        closing(open_driver(target, SystemClock())) as other,
    ):
        copied = _copied(original, other)
    if json:
        print_json({**asdict(copied), "complete": copied.complete})
    else:
        console().print(_table(copied))
        console().print(f"{count(copied.users, 'user')} written now, the others were there.")
    if not copied.complete:
        raise StoreError(
            "source and target differ: somebody has used one of them meanwhile; stop them, and "
            "copy again"
        )


def _copied(source: Driver, target: Driver) -> Copied:
    """Copy, with a bar on the terminal."""
    from rich.progress import Progress

    from usermemory.store.copying import copy as copy_all
    from usermemory.store.flows.copying import overview

    users, worker = source.read(overview)
    if worker:
        console(stderr=True).print(
            f"A worker ({clean(worker)}) is at work on {source.url}: stop it, or what it learns "
            "meanwhile may be missed.",
            markup=False,
            soft_wrap=True,
        )
    with Progress(console=console(stderr=True)) as progress:
        task = progress.add_task("users", total=users)
        return copy_all(source, target, lambda more: progress.advance(task, more))


def _table(copied: Copied) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("table", "rows", "copied", "checksum", "of the copy"):
        table.add_column(heading)
    for name, ours in copied.source.items():
        theirs = copied.target[name]
        sums = (f"{ours.checksum:012x}", f"{theirs.checksum:012x}")
        style = None if ours == theirs else "bold red"
        table.add_row(name, str(ours.rows), str(theirs.rows), *sums, style=style)
    return table
