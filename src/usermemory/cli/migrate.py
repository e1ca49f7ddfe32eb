"""``usermemory migrate``: bring the tables up to date before anybody needs them."""

from __future__ import annotations

from typing import Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, examples
from usermemory.cli.output import console, print_json

EXAMPLES = examples(
    "usermemory migrate --db postgresql://owner@db.example.com/app --dry-run",
    "usermemory migrate --db postgresql://owner@db.example.com/app",
)


def migrate(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done; change nothing.")
    ] = False,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Make or upgrade the tables, which opening a memory does too.

    For when the role that serves may not change tables, or an upgrade should not wait for the
    first user. Any number of processes may do it at once. Old code goes on working, unless a
    release says otherwise.
    """
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver
    from usermemory.store.driver import migrations, missing

    driver = open_driver(db, SystemClock())
    needed = {number for number, _ in missing(driver.migrated(), driver.url)}
    if not dry_run:
        driver.open()
    driver.close()
    now = "would be applied" if dry_run else "applied now"
    states = {number: now if number in needed else "applied" for number, _ in migrations()}
    if json:
        listed = [{"number": number, "state": state} for number, state in states.items()]
        print_json({"database": driver.url, "migrations": listed})
        return
    console().print(driver.url, markup=False, soft_wrap=True)
    for number, state in states.items():
        console().print(f"  {number:04}  {state}")
