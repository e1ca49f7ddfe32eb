"""``usermemory profile edit``: put a profile right by hand."""

from __future__ import annotations

import getpass
import json as json_text
from typing import TYPE_CHECKING, Annotated, Any

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, DryRun, SchemaName, User, examples
from usermemory.cli.output import clean, console, print_json
from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Revision

EXAMPLES = examples(
    "usermemory profile edit will",
    "usermemory profile edit will --set name=William --set age=32",
    "usermemory profile edit will --set /interests/-=chess --dry-run",
    "usermemory profile edit will --patch changes.json --revision 4 --by support",
)


def edit(  # noqa: PLR0913 - the options of a command
    user: User,
    *,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Give a field a value, in JSON or as plain text; FIELD= empties it. A JSON "
            "pointer leads into a field: /interests/0, /interests/- for a new item. Repeatable.",
        ),
    ] = None,
    patch: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="JSON patch operations (RFC 6902), from a file."),
    ] = None,
    document: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="The whole profile; what is not in it is emptied."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Who edits, for the history.", show_default="your login name"
        ),
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Only if the profile is still at this revision.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Change a profile by hand, in your editor or by options.

    The schema checks it. What you change here changes afterwards only by words of the user that
    come later. The editor is VISUAL or EDITOR; one with windows needs its option to wait, such as
    "code --wait". If somebody else changes the profile while it is open, nothing is written.
    """
    from usermemory.cli.editor import edit_profile
    from usermemory.cli.opening import existing

    if sum(map(bool, (assignments, patch, document))) > 1:
        raise typer.BadParameter("use one of --set, --patch and --document")
    editor = by or _login()
    with existing(db, schema) as memory:

        def make(change: Any, seen: int | None) -> Revision | None:
            return memory.edit(user, change, by=editor, revision=seen, dry_run=dry_run)

        change = _given(memory, assignments, patch, document)
        if change is not None:
            made = make(change, revision)
        elif revision is not None:
            raise typer.BadParameter("--revision goes with --set, --patch or --document")
        else:
            made = edit_profile(memory, user, make)
    if json:
        _print_data(made)
    else:
        _print(user, made, dry_run=dry_run)


def _given(
    memory: UserMemory, assignments: list[str] | None, patch: str | None, document: str | None
) -> Any:
    """The edit that the options hold; None for none."""
    from usermemory.cli.document import operations, read
    from usermemory.schema.shape import is_list, is_object

    if assignments:
        return operations(assignments, memory.schema)
    found: Any = None
    for file, fits, name in (
        (patch, is_list, "a list of operations"),
        (document, is_object, "an object"),
    ):
        if file is not None:
            found = read(file)
            if not fits(found):
                raise InvalidInput(f"{file} is not {name}, but {json_text.dumps(found):.60}")
    return found


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:  # a container without a name for its user
        raise InvalidInput("nobody knows who you are: say it with --by") from error


def _print_data(made: Revision | None) -> None:
    from usermemory.cli.show import revision_data

    print_json({"revision": None, "patch": []} if made is None else revision_data(made))


def _print(user: str, made: Revision | None, *, dry_run: bool) -> None:
    from usermemory.changes import patch
    from usermemory.cli.show import change_text

    out = console()
    if made is None:
        out.print("Nothing changed.")
        return
    done = "Would be revision" if dry_run else "Revision"
    out.print(f"{done} {made.number} of {clean(user)}, by {clean(made.by)}:", markup=False)
    for change in made.changes:
        out.print(f"  {change_text(change)}", markup=False)
    if dry_run:
        out.print("As a JSON patch (RFC 6902):")
        for operation in patch(made.changes):
            line = clean(json_text.dumps(operation, ensure_ascii=False))
            out.print(f"  {line}", markup=False, soft_wrap=True)
