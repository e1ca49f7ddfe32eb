"""``usermemory clean``: remove from the disk what erasures have left there."""

from __future__ import annotations

import typer

from usermemory.cli.options import DATABASE, Database, examples
from usermemory.cli.output import console

EXAMPLES = examples("usermemory clean --db memory.db")


def clean(*, db: Database = DATABASE) -> None:
    """Remove copies of erased text from the disk, where forget could not; exit code 1 if not yet.

    A worker does the same by itself. It has to wait while somebody reads the database.
    """
    from usermemory.cli.opening import existing

    with existing(db) as memory:
        done = memory.clean()
    if not done:
        console(stderr=True).print(
            "Somebody is reading the database: copies may be left. Try again, or leave it to a "
            "worker."
        )
        raise typer.Exit(1)
    console().print("The disk holds no copies of what was erased.")
