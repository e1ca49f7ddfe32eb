"""``usermemory profile diff``: a profile at one revision and at another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, User, examples
from usermemory.cli.output import clean, console, listed, print_json, when

if TYPE_CHECKING:
    from rich.text import Text

    from usermemory.memory import UserMemory
    from usermemory.records import Applied, Snapshot

EXAMPLES = examples(
    "usermemory profile diff will",
    "usermemory profile diff will 3",
    "usermemory profile diff will 0 5 --json",
)


def diff(
    user: User,
    first: Annotated[
        int | None,
        typer.Argument(
            metavar="FROM",
            help="A revision; 0 is before the first.",
            show_default="the last but one",
        ),
    ] = None,
    second: Annotated[
        int | None, typer.Argument(metavar="TO", help="Another one.", show_default="the newest")
    ] = None,
    *,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Compare two revisions of a profile.

    What has been erased since is shown as erased. In JSON both documents are there, and the patch
    (RFC 6902) from one to the other.
    """
    from usermemory.changes import difference, patch
    from usermemory.cli.opening import existing

    with existing(db, schema) as memory:
        before, after = _both(memory, user, first, second)
        known = set(memory.schema.fields) - {*before.unclear, *after.unclear}
        found = difference(before.document, after.document, memory.schema)
        changes = tuple(change for change in found if change.field in known)
    if json:
        print_json({"user_id": user, "from": before, "to": after, "patch": patch(changes)})
        return
    out = console()
    out.print(f"{clean(user)}, {_name(before)} → {_name(after)}", style="bold", markup=False)
    for change in changes:
        out.print(_line(change))
    if not changes:
        out.print("  No difference.")
    if erased := sorted({*before.erased, *after.erased}):
        out.print(f"Erased since, and not to be seen any more: {listed(erased)}.", markup=False)
    if unclear := sorted({*before.unclear, *after.unclear}):
        out.print(f"Not to be followed back under this schema: {listed(unclear)}.", markup=False)


def _both(
    memory: UserMemory, user: str, first: int | None, second: int | None
) -> tuple[Snapshot, Snapshot]:
    after = memory.snapshot(user, second)
    return memory.snapshot(user, max(0, after.revision - 1) if first is None else first), after


def _name(seen: Snapshot) -> str:
    made = f" ({when(seen.at)})" if seen.at is not None else ""
    return f"revision {seen.revision}{made}"


def _line(change: Applied) -> Text:
    from rich.text import Text

    from usermemory.cli.show import change_text

    style = "red" if change.after is None else "green" if change.before is None else ""
    return Text(f"  {change_text(change)}", style=style)
