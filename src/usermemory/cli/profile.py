"""``usermemory profile``: what is known about a user, and from which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli import diff, edit, forget, refused, undo
from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, User, examples
from usermemory.cli.output import clean, console, count, print_json, when

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Recalled

app = typer.Typer(
    help="What is known about a user: see it, put it right, erase it.",
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
    """Show the profile, each item with the words it rests on, and what was confirmed since.

    With --schema also what is kept and that schema does not take.
    """
    from usermemory.cli.opening import existing
    from usermemory.cli.show import confirmed_line, misfit_line, profile_table

    with existing(db, schema) as memory:
        known = memory.recall(user)
        revisions = memory.history(user)
        # Without a schema named, nothing says what the application takes.
        misfits = memory.misfits(user) if schema else []
    if json:
        found = {"profile": known.document, "misfits": [asdict(one) for one in misfits]}
        times = {"updated_at": known.updated_at, "stamps": known.stamps}
        counts = {"revision": known.revision, "pending": known.pending}
        print_json({"user_id": user, **counts, **times, **found})
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
    if misfits:
        out.print("\nKept, and not taken by this schema:", markup=False)
        for one in misfits:
            out.print(f"  {clean(misfit_line(one))}", markup=False)
    if known.pending:
        out.print(f"\n{count(known.pending, 'message')} not read yet.")


@app.command(
    "list",
    epilog=examples(
        "usermemory profile list",
        "usermemory profile list bouldering --limit 5",
        "usermemory profile list --after will --json | jq '.[].user_id'",
    ),
)
def list_profiles(
    words: Annotated[
        str | None,
        typer.Argument(help="Only users whose id or profile holds this.", show_default=False),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="Users at most.")] = 50,
    after: Annotated[str, typer.Option(metavar="USER", help="Go on behind this user.")] = "",
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """List users that have a profile, or find those whose id or profile holds some words."""
    from itertools import islice

    from usermemory.cli.opening import existing

    with existing(db, schema) as memory:
        found = list(islice(_matching(memory, (words or "").casefold(), after), limit + 1))
    shown, more = found[:limit], len(found) > limit
    if json:
        print_json(
            [
                {
                    "user_id": user_id,
                    "revision": known.revision,
                    "updated_at": known.updated_at,
                    "profile": known.document,
                }
                for user_id, known in shown
            ]
        )
        return
    out = console()
    for user_id, known in shown:
        filled = [name for name, value in known.document.items() if value not in (None, [], {})]
        told = f"{clean(user_id)}  {when(known.updated_at)}  {', '.join(map(clean, filled))}"
        out.print(told, markup=False)
    if not shown:
        out.print("Nobody has a profile yet." if not words else "Nobody's holds that.")
    elif more:
        out.print(f"There are more: --after {clean(shown[-1][0])}", markup=False)


def _matching(memory: UserMemory, words: str, after: str) -> Iterator[tuple[str, Recalled]]:
    """Users in order whose id or profile holds these words, whatever the case."""
    while page := memory.profiles(after):
        for user_id, known in page:
            after = user_id
            told = f"{user_id} {dumps(known.document, ensure_ascii=False)}"
            if words in told.casefold():
                yield user_id, known


@app.command(
    epilog=examples(
        "usermemory profile history will",
        "usermemory profile history will --field interests",
    )
)
def history(
    user: User,
    *,
    field: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Only changes of this field.")
    ] = None,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Show who or what changed the profile, and why.

    The newest first: from what to what, by which words. With the thread, the model, the version of
    its prompt and what it cost; what was taken back or erased says so. In JSON each revision has
    its patches (RFC 6902).
    """
    from usermemory.cli.opening import existing
    from usermemory.cli.show import revision_data, revision_lines

    with existing(db, schema) as memory:
        revisions = memory.history(user, field)
        if field is not None and not revisions and field not in memory.schema.fields:
            memory.why(user, field)  # says which fields there are
    if json:
        print_json([revision_data(revision) for revision in revisions])
        return
    out = console()
    for revision in revisions:
        out.print(revision_lines(revision), end="\n\n")
    if not revisions:
        about = f"{clean(field)} of {clean(user)}" if field else clean(user)
        out.print(f"There is no history of {about}.", markup=False)


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
    """Show the user's own words that a field, or one value of it, rests on; the newest first.

    A value that was refined rests on the words for both, be they from different threads.
    """
    from usermemory.cli.opening import existing
    from usermemory.cli.show import nothing_behind, quoted

    with existing(db, schema) as memory:
        found = memory.why(user, field, value)
        nothing = ""
        if not found:
            nothing = nothing_behind(
                memory.snapshot(user).document, memory.history(user), field, value
            )
    if json:
        print_json(found)
        return
    out = console()
    for item in found:
        out.print(quoted(item, numbered=True))
    if not found:
        out.print(nothing, markup=False)


app.command(epilog=refused.EXAMPLES)(refused.refused)
app.command(epilog=diff.EXAMPLES)(diff.diff)
app.command(epilog=edit.EXAMPLES)(edit.edit)
app.command(epilog=undo.EXAMPLES)(undo.undo)
app.command(epilog=forget.EXAMPLES)(forget.forget)


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
