"""Today's schema and what is stored: ``usermemory schema check`` and ``migrate``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    SchemaName,
    Yes,
    command,
    count,
    group,
    load_object,
    open_existing,
    print_json,
    progress_bar,
    say,
)
from usermemory.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from usermemory.records import Migration, SchemaCheck
    from usermemory.schema import Schema

_USERS_SHOWN = 20

schema_commands = group("Whether what is stored fits your schema, and how to take it over.")


@command(schema_commands, "check")
def check_schema(
    *, schema: SchemaName = None, db: Database = DATABASE, json: AsJson = False
) -> None:
    """Say how many users have values that the schema does not take, in which fields, and why.

    Exit code 0 if all fits, 1 if not: to be run before a new version of the schema goes live.

    Examples:
        usermemory schema check --schema my_app.profiles:Customer
        usermemory schema check --schema my_app.profiles:Customer --json | jq .misfitting
    """
    with open_existing(db, schema) as memory:
        checked = memory.check_schema()
        known = memory.schema
    if json:
        fields = [
            {"field": field, "reason": reason, "values": values, "users": users}
            for (field, reason), (values, users) in checked.fields.items()
        ]
        print_json({**asdict(checked), "fields": fields, "fits": checked.fits})
    else:
        _print_check(checked, known)
    if not checked.fits:
        raise typer.Exit(1)


def _print_check(checked: SchemaCheck, schema: Schema) -> None:
    who = count(checked.users, "user")
    if checked.fits:
        say(f"All that is stored of {who} fits {schema.name}.")
        return
    say(f"Of {who}, {checked.misfitting} have values that {schema.name} does not take:")
    for (field, reason), (values, users) in checked.fields.items():
        values_of_users = f"{count(values, 'value')} of {count(users, 'user')}"
        meant = "" if field in schema.fields else did_you_mean(field, schema.fields)
        say(f"  {field}: {reason.replace('_', ' ')}{meant}, {values_of_users}")
    say("They are kept. Remember(was=...) or `usermemory schema migrate` moves or accepts them.")
    if checked.unread:
        say(f"Until then nothing is read of {count(checked.unread, 'user')} with this schema.")


@command(schema_commands, "migrate")
def migrate_schema(
    *,
    schema: SchemaName = None,
    moves: Annotated[
        list[str] | None,
        Option("--map", metavar="OLD=NEW", help="Move a field's values; may be repeated."),
    ] = None,
    function: Annotated[
        str | None,
        Option(metavar="MODULE:NAME", help="Makes of a stored document one of the schema."),
    ] = None,
    everyone: Annotated[
        bool,
        Option("--everyone", help="Apply the function to users too who never had another schema."),
    ] = False,
    yes: Yes = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Only show what it would do.")] = False,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Take over what another schema has stored: move values, and accept what does not fit.

    Each user is one transaction and one revision, which undo takes back; stopped in the middle, run
    it again. What does not fit stays, and no longer keeps workers with this schema from reading.
    A function is applied to each user once; who is skipped is counted.

    Examples:
        usermemory schema migrate --schema my_app.profiles:Customer --dry-run
        usermemory schema migrate --schema my_app.profiles:Customer --map city=home
        usermemory schema migrate --schema my_app.profiles:Customer --function my_app.moves:to_v2
    """
    if moves and function:
        raise typer.BadParameter("pass --map or --function, not both")
    mapping = dict(map(_move, moves or ()))
    move = load_object(function, "function") if function else None
    with open_existing(db, schema) as memory:
        would = memory.migrate_schema(mapping, move, everyone=everyone)
        if dry_run or not would:
            _print_migration(would, as_json=json, done=False)
            return
        if not yes:
            _print_migration(would, as_json=False, done=False)
            typer.confirm(f"Migrate {count(len(would), 'user')}?", abort=True, err=True)
        with progress_bar("users", len(would)) as update:
            made = memory.migrate_schema(
                mapping, move, everyone=everyone, dry_run=False, done=lambda _: update(advance=1)
            )
    _print_migration(made, as_json=json, done=True)


def _move(given: str) -> tuple[str, str]:
    old, equals, new = given.partition("=")
    if not (equals and old.strip() and new.strip()):
        raise InvalidInput(f"--map {given!r}: write it as OLD=NEW")
    return old.strip(), new.strip()


def _print_migration(migration: Migration, *, as_json: bool, done: bool) -> None:
    from usermemory.cli.show import change_text, misfit_line

    if migration.skipped:
        skipped = count(migration.skipped, "user")
        say(f"{skipped} skipped: migrated before, or never of another schema.", stderr=as_json)
    if as_json:
        print_json(migration)
        return
    if not migration:
        say("Nothing is to be migrated.")
        return
    for one in migration[:_USERS_SHOWN]:
        say(one.user_id, style="bold")
        for change in one.changes:
            say("  ", change_text(change))
        for misfit in one.misfits:
            say(f"  kept: {misfit_line(misfit)}")
    if len(migration) > _USERS_SHOWN:
        say(f"and {len(migration) - _USERS_SHOWN} more")
    would = "migrated" if done else "would be migrated"
    say(f"{count(len(migration), 'user')} {would}.")
