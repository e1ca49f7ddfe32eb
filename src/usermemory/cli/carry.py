"""``usermemory profile export``, ``import`` and ``verify-erased``."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, User, examples
from usermemory.cli.output import clean, console, count, print_json
from usermemory.errors import InvalidInput
from usermemory.schema.shape import is_object

if TYPE_CHECKING:
    from rich.table import Table

    from usermemory.records import Place

EXPORT = examples(
    "usermemory profile export will > will.json",
    "usermemory profile export will --out will.json",
    "usermemory profile export will --for-user --out for-will.json",
)
IMPORT = examples(
    "usermemory profile import will.json --db other.db",
    "usermemory profile export will | usermemory profile import - --db other.db",
)
VERIFY = examples('usermemory profile verify-erased will --text "bouldering"')


def export(
    user: User,
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="A file that is not there yet.", show_default="standard output"),
    ] = None,
    for_user: Annotated[
        bool,
        typer.Option("--for-user", help="For the user to read: no secrets, dates as dates."),
    ] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
) -> None:
    """Write all that is kept of a user as one JSON document.

    Profile, history with quotes, messages not read yet, and hashes of what was erased. It holds
    what the user said, and the key of the hashes: keep it as confidential as that. With --for-user
    it is a document to hand out, which cannot be imported.
    """
    from usermemory.cli.opening import existing

    with existing(db, schema) as memory:
        document = memory.export(user, for_user=for_user)
    if out is None:
        print_json(document)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            jsons.dump(document, file, ensure_ascii=False, indent=2)
    except FileExistsError:
        raise InvalidInput(f"{out} is there already; name another file") from None
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}") from error
    console().print(f"{clean(user)} is in {clean(str(out))}.", markup=False)


def import_(
    file: Annotated[Path, typer.Argument(help="What export wrote; - for standard input.")],
    *,
    user: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Under this id.", show_default="the export's"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is in it.")] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Put an exported user into this database; the same again changes nothing.

    What this database knows of the user beyond the export is never overwritten. Messages that
    were not read yet come along.
    """
    from usermemory.carry import rows_from
    from usermemory.cli.opening import opened

    document = _read(file)
    user_id = user if user is not None else str(document.get("user_id", ""))
    rows_from(document, user_id)  # is it an export at all?
    held = (
        f"{clean(user_id)}: {count(len(document['revisions']), 'revision')}, "
        f"{count(sum(m['state'] == 'unread' for m in document['messages']), 'message')} to read"
    )
    if dry_run:
        console().print(f"Would import {held}.", markup=False)
        return
    with opened(db, schema, worker=False) as memory:
        done = memory.import_(user_id, document)
    if json:
        print_json({"user_id": user_id, "written": done.written, "unknown": done.unknown})
        return
    out = console()
    what = (
        f"Imported {held}." if done.written else f"{clean(user_id)} is here already, as exported."
    )
    out.print(what, markup=False)
    if done.unknown:
        fields = ", ".join(map(clean, done.unknown))
        out.print(f"The schema here does not know {fields}: kept, and not used.", markup=False)


def verify_erased(
    user: User,
    *,
    text: Annotated[str, typer.Option(help="What was erased.", show_default=False)],
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Look for a text in every table and file, and print the proof; exit code 1 if it stands.

    The checkpointer's tables in the same database are looked into too. On PostgreSQL the server's
    own files, log and backups are out of reach.
    """
    from usermemory.cli.opening import existing

    with existing(db) as memory:
        proof = memory.verify_erased(user, text)
    if json:
        print_json({"erased": proof.erased, "pending": proof.pending, "places": proof.places})
    else:
        out = console()
        out.print(_table(proof.places))
        if proof.erased:
            out.print(f"\nErased: nothing of {clean(user)} holds it.", markup=False)
        else:
            out.print(f"\nNot erased: it stands in {_named(proof.places)}.", markup=False)
        if kept := sum(place.kept for place in proof.places):
            out.print(
                f"In {count(kept, 'value')} it is only a part of a word, or of another item that "
                "is kept.",
                markup=False,
            )
        if proof.pending:
            out.print(
                "An erasure waits for the file to be cleaned: somebody was reading it. A worker "
                "tries again each minute."
            )
    if not proof.erased:
        raise typer.Exit(1)


def _read(file: Path) -> Any:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        document: Any = jsons.loads(text)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON: {error}") from error
    if not is_object(document):
        raise InvalidInput(f"{file} is no export of a user")
    return document


def _table(places: tuple[Place, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("where", "size", "this user", "others", "nobody's"):
        table.add_column(heading, justify="left" if heading == "where" else "right")
    for place in places:
        unit = "byte" if place.where.startswith("file") else "row"
        figures = (place.of_user, place.of_others, place.unknown)
        table.add_row(
            clean(place.where),
            count(place.size, unit),
            *map(str, figures),
            style="bold red" if place.found else "",
        )
    return table


def _named(places: tuple[Place, ...]) -> str:
    named: list[str] = []
    for place in places:
        if place.of_user or place.unknown:
            threads = f" (threads {', '.join(place.threads)})" if place.threads else ""
            named.append(clean(place.where + threads))
    return ", ".join(named)
