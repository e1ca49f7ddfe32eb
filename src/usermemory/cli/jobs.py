"""``usermemory jobs``: what waits to be read, what failed, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from usermemory.cli.options import (
    DATABASE,
    AsJson,
    BaseUrl,
    Database,
    Model,
    SchemaName,
    Thread,
    User,
    examples,
)
from usermemory.cli.output import clean, console, count, how_far, print_json
from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from rich.table import Table

    from usermemory.records import Job, Outcome

app = typer.Typer(
    help="Threads with messages that nobody has read yet: waiting, held or dead.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(
    "list",
    epilog=examples(
        "usermemory jobs list",
        "usermemory jobs list --state dead",
    ),
)
def list_jobs(
    *,
    state: Annotated[
        Literal["waiting", "held", "dead"] | None,
        typer.Option(help="Only these: dead ones failed too often and wait for a person."),
    ] = None,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """List threads with unread messages, the most urgent first."""
    from usermemory.cli.opening import existing

    with existing(db) as memory:
        jobs = memory.jobs(state)
    if json:
        print_json(jobs)
    elif jobs:
        console().print(_table(jobs))
    else:
        console().print("Nothing waits to be read." if state is None else f"Nothing is {state}.")


@app.command(
    epilog=examples(
        "usermemory jobs retry will monday",
        "usermemory jobs retry --all",
        "usermemory jobs retry --all --reason 'HTTP 401' --dry-run",
    )
)
def retry(
    user: Annotated[str | None, typer.Argument(help="Whose memory.", show_default=False)] = None,
    thread: Annotated[str | None, typer.Argument(help="Which thread.", show_default=False)] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All threads that failed.")] = False,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="With --all: whose last error says this.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Make threads due now, with fresh attempts; whichever worker is running reads them.

    Dead letters are read again too. What waits for a provider that cannot be asked needs no retry:
    it is read when the outage is over.
    """
    from usermemory.cli.opening import existing

    if every is (user is not None) or (user is not None and thread is None):
        raise typer.BadParameter("name a user and a thread, or pass --all")
    if not every:
        if reason or dry_run or json:
            raise typer.BadParameter("--reason, --dry-run and --json go with --all")
        with existing(db) as memory:
            if not memory.retry(user or "", thread or ""):
                raise _nothing_unread(user or "", thread or "")
        console().print("Due now: the next worker that is free reads it.")
        return
    with existing(db) as memory:
        jobs = memory.retry_all(reason, dry_run=dry_run)
    if json:
        print_json(jobs)
    elif not jobs:
        console().print("Nothing has failed." if not reason else "Nothing has failed for that.")
    else:
        console().print(_table(jobs))
        would = "would be due now" if dry_run else "due now: the next free workers read them"
        console().print(f"\n{count(len(jobs), 'thread')} {would}.")


@app.command()
def drop(
    user: User,
    thread: Thread,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    db: Database = DATABASE,
) -> None:
    """Give up on a thread's unread messages: nothing will ever be learned from them.

    What was learned already stays, and the conversation itself is not touched.
    """
    from usermemory.cli.opening import existing

    with existing(db) as memory:
        mine = (job for job in memory.jobs(user_id=user) if job.thread_id == thread)
        job = next(mine, None)
        if job is None:
            raise _nothing_unread(user, thread)
        what = f"{count(job.unread, 'unread message')} of {clean(user)} in thread {clean(thread)}"
        if dry_run:
            typer.echo(f"Would drop {what}.")
            return
        if not yes:
            typer.confirm(f"Drop {what}? They will never be read", abort=True)
        typer.echo(f"Dropped {count(memory.drop(user, thread), 'message')}.")


@app.command(
    epilog=examples(
        "usermemory jobs trigger will",
        "usermemory jobs trigger will monday",
        "usermemory jobs trigger --all",
    )
)
def trigger(
    user: Annotated[str | None, typer.Argument(help="Whose memory.", show_default=False)] = None,
    thread: Annotated[
        str | None, typer.Argument(help="Only this thread.", show_default=False)
    ] = None,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Of everybody.")] = False,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Read now what is unread, without waiting for quiet; exit code 1 if any of it failed."""
    from usermemory.choice import choose_reader
    from usermemory.cli.opening import existing

    if everybody is (user is not None):
        raise typer.BadParameter("name a user, or pass --all")
    chosen = choose_reader(model, base_url)
    if chosen.notice:
        console(stderr=True).print(chosen.notice, style="dim", markup=False)
    with existing(db, schema, chosen.model) as memory:
        outcomes = memory.trigger_all() if user is None else memory.trigger(user, thread)
    if json:
        print_json(outcomes)
    else:
        _print(outcomes)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def _nothing_unread(user: str, thread: str) -> InvalidInput:
    return InvalidInput(
        f"nothing is unread in thread {thread!r} of {user!r}; see usermemory jobs list"
    )


def _table(jobs: list[Job]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("user", "thread", "state", "due", "unread", "failed", "last error"):
        table.add_column(heading)
    for job in jobs:
        state = "running" if job.running else job.state
        table.add_row(
            Text(clean(job.user_id)),
            Text(clean(job.thread_id)),
            Text(state, style="bold red" if job.state == "dead" else ""),
            how_far(job.due_at),
            str(job.unread),
            str(job.attempts or ""),
            Text(clean(job.last_error), style="dim"),
        )
    return table


def _print(outcomes: list[Outcome]) -> None:
    from usermemory.cli.refused import refused_lines
    from usermemory.cli.show import revision_lines

    out = console()
    for outcome in outcomes:
        where = f"{clean(outcome.user_id)}, thread {clean(outcome.thread_id)}"
        result = outcome.error or outcome.reason or outcome.status
        out.print(f"{where}: {count(outcome.messages, 'message')}, {clean(result)}", markup=False)
        if outcome.revision:
            out.print(revision_lines(outcome.revision))
        for line in refused_lines(outcome.rejections, outcome.user_id):
            out.print(f"  {clean(line)}", markup=False)
    if not outcomes:
        out.print("Nothing was unread.")
