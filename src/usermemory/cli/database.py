"""The database as a whole: ``usermemory migrate``, ``copy``, ``backfill`` and ``costs``."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    SchemaName,
    count,
    open_existing,
    open_or_scratch,
    print_json,
    progress_bar,
    require_file,
    require_tables,
    say,
    table,
)
from usermemory.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from usermemory.langgraph import Backfilled
    from usermemory.records import Cost, Usage
    from usermemory.store import Driver
    from usermemory.store.copying import Copied


_DAY = 86_400.0

CostsBy = Literal["day", "user", "model"]


def migrate_tables(
    *,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Only say what would be done; change nothing.")
    ] = False,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Make or upgrade the tables, which opening a memory does too.

    For when the role that serves may not change tables, or an upgrade should not wait for the
    first user. Any number of processes may do it at once. Old code goes on working, unless a
    release says otherwise.

    Examples:
        usermemory migrate --db postgresql://owner@db.example.com/app --dry-run
        usermemory migrate --db postgresql://owner@db.example.com/app
    """
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver
    from usermemory.store.driver import migrations, missing

    with closing(open_driver(db, SystemClock())) as driver:
        had = driver.migrated()
        needed = {number for number, _ in missing(had, driver.url)}
        if not dry_run:
            driver.open()
    now = "would be applied" if dry_run else "applied now"
    states = {number: now if number in needed else "applied" for number, _ in migrations()}
    if json:
        numbered = [{"number": number, "state": state} for number, state in states.items()]
        print_json({"database": driver.url, "new": not had, "migrations": numbered})
        return
    say(driver.url if had else f"{driver.url}: no memory was there before", soft_wrap=True)
    for number, state in states.items():
        say(f"  {number:04}  {state}")


def copy_database(
    source: Annotated[str, Argument(metavar="FROM", help="The database to copy.")],
    target: Annotated[str, Argument(metavar="TO", help="An empty one, or an earlier copy of it.")],
    *,
    json: AsJson = False,
) -> None:
    """Copy everything that is remembered, pending work too, and compare both at the end.

    Stop what writes to FROM before, and start workers on TO afterwards. What breaks off goes on
    when it is called again. Tables are brought up to date in both; a checkpointer's are not
    copied. Exit code 1 if the two are not the same at the end.

    Examples:
        usermemory copy sqlite:///memory.db postgresql://app@db.example.com/app
        usermemory copy 'postgresql://app@db.example.com/app?schema=test' test.db
    """
    from usermemory.clock import SystemClock
    from usermemory.store import open_driver

    require_file(source)
    with (
        closing(open_driver(source, SystemClock())) as original,
        closing(open_driver(target, SystemClock())) as other,
    ):
        require_tables(original)
        copied = _copied(original, other)
    if json:
        print_json({**asdict(copied), "complete": copied.complete})
    else:
        rows = table("table", "rows", "copied", "checksum", "of the copy")
        for name, ours in copied.source.items():
            theirs = copied.target[name]
            sums = (f"{ours.checksum:012x}", f"{theirs.checksum:012x}")
            style = None if ours == theirs else "bold red"
            rows.add_row(name, str(ours.rows), str(theirs.rows), *sums, style=style)
        say(rows)
        say(f"{count(copied.users, 'user')} written now, the others were there.")
    if not copied.complete:
        raise StoreError(
            "source and target differ: somebody has used one of them meanwhile; stop them, and "
            "copy again"
        )


def _copied(source: Driver, target: Driver) -> Copied:
    """Copy, with a bar on the terminal."""
    from usermemory.store.copying import copy, overview

    users, worker = source.read(overview)
    if worker:
        say(
            f"A worker ({worker}) is at work on {source.url}: stop it, or what it "
            "learns meanwhile may be missed.",
            stderr=True,
            soft_wrap=True,
        )
    with progress_bar("users", users) as update:
        return copy(source, target, lambda more: update(advance=more))


def backfill_threads(  # noqa: PLR0913 - the options of a command
    *,
    source: Annotated[
        str,
        Option(
            "--from",
            metavar="PATH|URL",
            help="The database of the checkpointer: a path or postgresql://…",
        ),
    ],
    user_key: Annotated[
        str, Option(help="What the user's id is called in the runs' configurable.")
    ] = "user_id",
    user: Annotated[
        str | None, Option(help="Whose all threads are, whatever the runs say.")
    ] = None,
    key: Annotated[str, Option(help="Where in the state the messages are.")] = "messages",
    limit: Annotated[
        int | None, Option(min=1, help="Stop after so many threads with something new.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only count.")] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Take in the threads that a LangGraph checkpointer holds, for workers to read.

    The thread that rested longest comes first. It may be stopped at any moment and called again:
    what is known already costs a look-up. Nothing is learned here: a `usermemory worker`, or the
    application, then reads the threads one by one, each at the price of a model call or two.

    Examples:
        usermemory backfill --from checkpoints.db --dry-run
        usermemory backfill --from checkpoints.db --limit 10     # see what is learned, then go on
        usermemory backfill --from postgresql://app@db.example.com/app --user-key customer
    """
    from usermemory.langgraph import backfill
    from usermemory.langgraph.threads import saver_in

    with (
        saver_in(source) as saver,
        open_or_scratch(db, schema, scratch=dry_run) as memory,
        progress_bar("threads") as update,
    ):
        done = backfill(
            memory,
            saver,
            user=user,
            user_key=user_key,
            key=key,
            limit=limit,
            dry_run=dry_run,
            progress=lambda thread: update(completed=thread.number, total=thread.of),
        )
    if json:
        print_json({**asdict(done), "dry_run": dry_run})
    else:
        _print_backfilled(done, dry_run=dry_run)


def _print_backfilled(done: Backfilled, *, dry_run: bool) -> None:
    from usermemory.extras.backfill import NOBODY

    verb = "would be taken in" if dry_run else "taken in"
    say(f"{count(done.looked_at, 'thread')} of {done.threads} looked at:")
    words = f"{count(done.new, 'message')}, {done.by_user} of them by users"
    say(f"  {done.taken:>6}  {verb}: {words}")
    say(f"  {done.known:>6}  known already")
    for reason, number in done.left_out.items():
        example = done.examples[reason]
        detail = f" ({example.detail})" if example.detail else ""
        such = f"{example.thread_id}{detail}"
        say(f"  {number:>6}  left out: {reason}, such as {such}", soft_wrap=True)
    if NOBODY in done.left_out:
        say(
            "\nWhose threads are, is said by the configurable of their runs: name its key with "
            "--user-key, or the user with --user.",
            soft_wrap=True,
        )
    if done.taken and not dry_run:
        say("\nThey are due now: `usermemory worker` reads them, `usermemory jobs list` shows.")


def show_costs(
    user: Annotated[str | None, Argument(help="About whom.", show_default="everybody")] = None,
    *,
    by: Annotated[CostsBy, Option(help="What a line is about.")] = "day",
    days: Annotated[int, Option(min=1, metavar="N", help="Today, and days before.")] = 30,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Show how many tokens learning used, as the providers counted them: by day, user or model.

    Days are those of UTC. By user or model the dearest comes first. Second looks and failed
    attempts are counted. With --json each user, day and model is an object.

    Examples:
        usermemory costs
        usermemory costs will --days 7
        usermemory costs --by user --json | jq '.[0]'
    """
    now = time.time()
    with open_existing(db) as memory:
        costs = memory.costs(user, since=now - now % _DAY - (days - 1) * _DAY)
    if json:
        print_json(costs)
    elif costs:
        say(_costs_table(by, costs))
    else:
        about = f" about {user}" if user else ""
        last = "today" if days == 1 else f"in the last {days} days"
        say(f"No model was asked{about} {last}.")


def _costs_table(by: CostsBy, costs: Sequence[Cost]) -> Table:
    groups: dict[str, list[Cost]] = {}
    for cost in costs:
        name = {"day": cost.day, "user": cost.user_id, "model": cost.model or "unknown"}[by]
        groups.setdefault(name, []).append(cost)
    lines = [(name, *_sum(group)) for name, group in groups.items()]
    if by != "day":
        lines.sort(key=lambda line: -(line[2].input_tokens + line[2].output_tokens))
    headings = ("readings", "calls", "tokens in", "of these cached", "tokens out")
    rows = table(by, *headings, figures=True)
    for name, readings, used in (*lines, ("all", *_sum(costs))):
        figures = (readings, used.calls, used.input_tokens, used.cached_tokens, used.output_tokens)
        rows.add_row(name, *(f"{figure:,}" for figure in figures))
    rows.rows[-1].style = "bold"
    return rows


def _sum(costs: Sequence[Cost]) -> tuple[int, Usage]:
    from usermemory.records import Usage

    return sum(cost.readings for cost in costs), sum((cost.usage for cost in costs), Usage())
