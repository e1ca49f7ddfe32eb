"""``usermemory profile``: what is known about a user, and from which words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, User, examples
from usermemory.cli.output import clean, console, count, print_json, when

app = typer.Typer(
    help="What is known about a user, since when, and from which words.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(
    epilog=examples(
        "usermemory profile show will",
        "usermemory profile show will --json | jq .profile",
    )
)
def show(
    user: User, *, db: Database = DATABASE, schema: SchemaName = None, json: AsJson = False
) -> None:
    """Show the profile, each item with the words it rests on, and what was confirmed since."""
    from usermemory.cli.opening import existing
    from usermemory.cli.show import confirmed_line, profile_table

    with existing(db, schema) as memory:
        known = memory.recall(user)
        revisions = memory.history(user)
    if json:
        times = {"updated_at": known.updated_at, "stamps": known.stamps}
        counts = {"revision": known.revision, "pending": known.pending}
        print_json({"user_id": user, **counts, **times, "profile": known.document})
        return
    out = console()
    if table := profile_table(known.document, revisions):
        since = f"as of {when(known.updated_at)} (revision {known.revision})"
        out.print(f"{clean(user)}, {since}\n", markup=False)
        out.print(table)
        if confirmed := confirmed_line(known.stamps):
            out.print(f"\nConfirmed since: {confirmed}.", markup=False)
    else:
        out.print(f"Nothing is known about {clean(user)} yet.", markup=False)
    if known.pending:
        out.print(f"\n{count(known.pending, 'message')} not read yet.")


@app.command(
    epilog=examples(
        "usermemory profile history will",
    )
)
def history(
    user: User, *, db: Database = DATABASE, schema: SchemaName = None, json: AsJson = False
) -> None:
    """Show what changed the profile, the newest first, with quotes; in JSON with its patches."""
    from usermemory.changes import inverse, patch
    from usermemory.cli.opening import existing
    from usermemory.cli.show import revision_lines

    with existing(db, schema) as memory:
        revisions = memory.history(user)
    if json:
        print_json(
            [
                asdict(revision)
                | {
                    "patch": patch(revision.changes),
                    "inverse": inverse(revision.changes),
                }
                for revision in revisions
            ]
        )
        return
    out = console()
    for revision in revisions:
        out.print(revision_lines(revision), end="\n\n")
    if not revisions:
        out.print(f"Nothing was ever learned about {clean(user)}.", markup=False)


@app.command(
    epilog=examples(
        "usermemory profile why will name",
        "usermemory profile why will interests bouldering",
        "usermemory profile why will /interests/0",
    )
)
def why(
    user: User,
    field: Annotated[
        str, typer.Argument(help="A field, or a JSON pointer: /interests/0.", show_default=False)
    ],
    value: Annotated[str | None, typer.Argument(help="One item of it.", show_default=False)] = None,
    *,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Show the user's own words that a field, or one value of it, rests on."""
    from usermemory.cli.opening import existing
    from usermemory.cli.show import quoted

    with existing(db, schema) as memory:
        found = memory.why(user, field, value)
    if json:
        print_json(found)
        return
    out = console()
    for item in found:
        out.print(quoted(item))
    if not found:
        out.print("No words of the user stand behind that.")


@app.command()
def pause(user: User, *, db: Database = DATABASE) -> None:
    """Stop learning about a user: what they say until `resume` is never learned."""
    from usermemory.cli.opening import existing

    with existing(db) as memory:
        memory.pause(user)
    console().print(f"Nothing more is learned about {clean(user)} until resume.", markup=False)


@app.command()
def resume(user: User, *, db: Database = DATABASE) -> None:
    """Learn about a user again, from what they say from now on."""
    from usermemory.cli.opening import existing

    with existing(db) as memory:
        memory.resume(user)
    console().print(f"From now on {clean(user)} is remembered again.", markup=False)
