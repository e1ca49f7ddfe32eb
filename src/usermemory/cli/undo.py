"""``usermemory profile undo``: take back what was learned or edited."""

from __future__ import annotations

from typing import Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, DryRun, SchemaName, User, examples
from usermemory.cli.output import console, print_json

EXAMPLES = examples(
    "usermemory profile undo will",
    "usermemory profile undo will 3 --dry-run",
    "usermemory profile undo will --thread monday",
)


def undo(
    user: User,
    revision: Annotated[
        int | None,
        typer.Argument(
            help="Which; without it the newest that is not taken back yet.", show_default=False
        ),
    ] = None,
    *,
    thread: Annotated[
        str | None,
        typer.Option(metavar="ID", help="All that this thread taught.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Take back a revision, or what a thread taught.

    That is a new revision, and what came since beside it stays. What was changed again since stays
    too, and is shown with the reason; exit code 1 if that is all. The number of an undo takes the
    undo back. The words stay in the history: to be rid of them, see forget.
    """
    from usermemory.cli.conflict import undone_text
    from usermemory.cli.opening import existing
    from usermemory.cli.show import revision_data

    if revision is not None and thread is not None:
        raise typer.BadParameter("name a revision or a thread, not both")
    with existing(db, schema) as memory:
        history = memory.history(user)
        if thread is None:
            undone = memory.undo(user, revision, dry_run=dry_run)
        else:
            undone = memory.undo_thread(user, thread, dry_run=dry_run)
        text = undone_text(undone, history, memory.schema)
    if json:
        made = undone.revision and revision_data(undone.revision)
        print_json({"revision": made, "conflicts": undone.conflicts})
    else:
        console().print(text)
        if dry_run and undone.revision:
            console().print("Nothing was changed: this was a dry run.")
    if undone.conflicts and undone.revision is None:
        raise typer.Exit(1)
