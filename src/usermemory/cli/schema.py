"""``usermemory schema``: today's schema and what is stored."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, examples
from usermemory.cli.output import clean, console, count, print_json
from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from usermemory.records import Migrated, Migration, SchemaCheck

app = typer.Typer(
    help="Whether what is stored fits your schema, and how to take it over.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(
    epilog=examples(
        "usermemory schema check --schema my_app.profiles:Customer",
        "usermemory schema check --schema my_app.profiles:Customer --json | jq .misfitting",
    )
)
def check(*, schema: SchemaName = None, db: Database = DATABASE, json: AsJson = False) -> None:
    """Say how many users have values that the schema does not take, in which fields, and why.

    Exit code 0 if all fits, 1 if not: to be run before a new version of the schema goes live.
    """
    from usermemory.cli.opening import existing

    with existing(db, schema) as memory:
        found = memory.check_schema()
        name = memory.schema.name
    if json:
        fields = [
            {"field": field, "reason": reason, "values": values, "users": users}
            for (field, reason), (values, users) in found.fields.items()
        ]
        print_json({**asdict(found), "fields": fields, "fits": found.fits})
    else:
        _print_check(found, name)
    if not found.fits:
        raise typer.Exit(1)


def _print_check(found: SchemaCheck, name: str) -> None:
    out = console()
    who = count(found.users, "user")
    if found.fits:
        out.print(f"All that is stored of {who} fits {clean(name)}.", markup=False)
        return
    out.print(
        f"Of {who}, {found.misfitting} have values that {clean(name)} does not take:", markup=False
    )
    for (field, reason), (values, users) in found.fields.items():
        told = f"{count(values, 'value')} of {count(users, 'user')}"
        out.print(f"  {clean(field)}: {reason.replace('_', ' ')}, {told}", markup=False)
    out.print(
        "They are kept. Remember(was=...) or `usermemory schema migrate` moves or accepts them.",
        markup=False,
    )
    if found.unread:
        out.print(
            f"Until then nothing is read of {count(found.unread, 'user')} with this schema.",
            markup=False,
        )


@app.command(
    epilog=examples(
        "usermemory schema migrate --schema my_app.profiles:Customer --dry-run",
        "usermemory schema migrate --schema my_app.profiles:Customer --map city=home",
        "usermemory schema migrate --schema my_app.profiles:Customer --function my_app.moves:to_v2",
    )
)
def migrate(
    *,
    schema: SchemaName = None,
    moves: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Move a field's values; may be repeated."),
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="Makes of a stored document one of the schema."),
    ] = None,
    everyone: Annotated[
        bool,
        typer.Option(
            "--everyone", help="Apply the function to users too who never had another schema."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Take over what another schema has stored: move values, and accept what does not fit.

    Each user is one transaction and one revision, which undo takes back; stopped in the middle, run
    it again. What does not fit stays, and no longer keeps workers with this schema from reading.
    A function is applied to each user once; who is skipped is counted.
    """
    from usermemory.cli.opening import existing, named

    if moves and function:
        raise typer.BadParameter("pass --map or --function, not both")
    mapping = dict(map(_pair, moves or ()))
    move = named(function) if function else None
    with existing(db, schema) as memory:
        would = memory.migrate_schema(mapping, move, everyone=everyone)
        if dry_run or not would:
            _print(would, as_json=json, done=False)
            return
        if not yes:
            _print(would, as_json=False, done=False)
            typer.confirm(f"Migrate {count(len(would), 'user')}?", abort=True, err=True)
        err, numbers = console(stderr=True), itertools.count(1)

        def progress(_: Migrated) -> None:
            number = next(numbers)
            if err.is_terminal and number % 100 == 0:
                err.print(f"{number} of {len(would)}", style="dim")

        made = memory.migrate_schema(mapping, move, everyone=everyone, dry_run=False, done=progress)
    _print(made, as_json=json, done=True)


def _pair(given: str) -> tuple[str, str]:
    old, equals, new = given.partition("=")
    if not (equals and old.strip() and new.strip()):
        raise InvalidInput(f"--map {given!r}: write it as OLD=NEW")
    return old.strip(), new.strip()


def _print(found: Migration, *, as_json: bool, done: bool) -> None:
    from usermemory.cli.show import change_text, misfit_line

    if found.skipped:
        console(stderr=as_json).print(
            f"{count(found.skipped, 'user')} skipped: migrated before, or never of another schema.",
            markup=False,
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    out = console()
    if not found:
        out.print("Nothing is to be migrated.")
        return
    for one in found[:_SHOWN]:
        out.print(clean(one.user_id), style="bold", markup=False)
        for change in one.changes:
            out.print("  ", change_text(change))
        for misfit in one.misfits:
            out.print(f"  kept: {clean(misfit_line(misfit))}", markup=False)
    if len(found) > _SHOWN:
        out.print(f"and {len(found) - _SHOWN} more", markup=False)
    would = "migrated" if done else "would be migrated"
    out.print(f"{count(len(found), 'user')} {would}.")


_SHOWN = 20
