"""What waits to be read, and who reads it: ``usermemory jobs`` and ``usermemory worker``."""

from __future__ import annotations

import logging
import signal
from contextlib import nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    BaseUrl,
    Database,
    Model,
    SchemaName,
    UserId,
    Yes,
    command,
    count,
    group,
    how_far,
    open_existing,
    open_memory,
    print_json,
    printable,
    say,
    table,
)
from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from usermemory.metrics import Metrics, Pages
    from usermemory.records import Job, Outcome
    from usermemory.store import Driver
    from usermemory.worker import Worker


jobs_commands = group("Threads with messages that nobody has read yet: waiting, held or dead.")

_log = logging.getLogger("usermemory")


@command(jobs_commands, "list")
def list_jobs(
    *,
    state: Annotated[
        Literal["waiting", "held", "dead"] | None,
        Option(help="Only these: dead ones failed too often and wait for a person."),
    ] = None,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """List threads with unread messages, the most urgent first.

    Examples:
        usermemory jobs list
        usermemory jobs list --state dead
    """
    with open_existing(db) as memory:
        jobs = memory.jobs(state)
    if json:
        print_json(jobs)
    elif jobs:
        say(_jobs_table(jobs))
    else:
        say("Nothing waits to be read." if state is None else f"Nothing is {state}.")


def _jobs_table(jobs: Sequence[Job]) -> Table:
    from rich.text import Text

    rows = table("user", "thread", "state", "due", "unread", "failed", "last error")
    rows.columns[-1].style = "dim"
    for job in jobs:
        state = "running" if job.running else job.state
        rows.add_row(
            job.user_id,
            job.thread_id,
            Text(state, "bold red" if job.state == "dead" else ""),
            how_far(job.due_at),
            str(job.unread),
            str(job.attempts or ""),
            job.last_error,
        )
    return rows


@command(jobs_commands, "retry")
def retry_jobs(
    user: Annotated[str | None, Argument(help="Whose memory.")] = None,
    thread: Annotated[str | None, Argument(help="Which thread.")] = None,
    *,
    every: Annotated[bool, Option("--all", help="All threads that failed.")] = False,
    reason: Annotated[
        str, Option(metavar="TEXT", help="With --all: whose last error says this.")
    ] = "",
    dry_run: Annotated[bool, Option("--dry-run", help="Only say which.")] = False,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Make threads due now, with fresh attempts; whichever worker is running reads them.

    Dead letters are read again too. What waits for a provider that cannot be asked needs no retry:
    it is read when the outage is over.

    Examples:
        usermemory jobs retry will monday
        usermemory jobs retry --all
        usermemory jobs retry --all --reason 'HTTP 401' --dry-run
    """
    if user is not None and thread is not None and not every:
        if reason or dry_run or json:
            raise typer.BadParameter("--reason, --dry-run and --json go with --all")
        with open_existing(db) as memory:
            if not memory.retry(user, thread):
                raise _nothing_unread(user, thread)
        say("Due now: the next worker that is free reads it.")
        return
    if user is not None or not every:
        raise typer.BadParameter("name a user and a thread, or pass --all")
    with open_existing(db) as memory:
        jobs = memory.retry_all(reason, dry_run=dry_run)
    if json:
        print_json(jobs)
    elif not jobs:
        say("Nothing has failed." if not reason else "Nothing has failed for that.")
    else:
        say(_jobs_table(jobs))
        would = "would be due now" if dry_run else "due now: the next free workers read them"
        say(f"\n{count(len(jobs), 'thread')} {would}.")


def _nothing_unread(user: str, thread: str) -> InvalidInput:
    return InvalidInput(
        f"nothing is unread in thread {thread!r} of {user!r}; see usermemory jobs list"
    )


@command(jobs_commands, "drop")
def drop_job(
    user: UserId,
    thread: Annotated[str, Argument(help="Which of their threads.")],
    *,
    yes: Yes = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would go.")] = False,
    db: Database = DATABASE,
) -> None:
    """Give up on a thread's unread messages: nothing will ever be learned from them.

    What was learned already stays, and the conversation itself is not touched.
    """
    with open_existing(db) as memory:
        jobs = (job for job in memory.jobs(user_id=user) if job.thread_id == thread)
        job = next(jobs, None)
        if job is None:
            raise _nothing_unread(user, thread)
        messages = count(job.unread, "unread message")
        what = f"{messages} of {user} in thread {thread}"
        if dry_run:
            say(f"Would drop {what}.")
            return
        if not yes:
            typer.confirm(printable(f"Drop {what}? They will never be read"), abort=True)
        say(f"Dropped {count(memory.drop(user, thread), 'message')}.")


@command(jobs_commands, "trigger")
def trigger_jobs(
    user: Annotated[str | None, Argument(help="Whose memory.")] = None,
    thread: Annotated[str | None, Argument(help="Only this thread.")] = None,
    *,
    everybody: Annotated[bool, Option("--all", help="Of everybody.")] = False,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Read now what is unread, without waiting for quiet; exit code 1 if any of it failed.

    Examples:
        usermemory jobs trigger will
        usermemory jobs trigger will monday
        usermemory jobs trigger --all
    """
    from usermemory.choice import choose_reader

    if everybody is (user is not None):
        raise typer.BadParameter("name a user, or pass --all")
    chosen = choose_reader(model, base_url)
    if chosen.notice:
        say(chosen.notice, stderr=True, style="dim")
    with open_existing(db, schema, chosen.model) as memory:
        outcomes = memory.trigger_all() if user is None else memory.trigger(user, thread)
    if json:
        print_json(outcomes)
    else:
        _print_outcomes(outcomes)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(1)


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    from usermemory.cli.show import refused_lines, revision_lines

    for outcome in outcomes:
        where = f"{outcome.user_id}, thread {outcome.thread_id}"
        result = outcome.error or outcome.reason or outcome.status
        say(f"{where}: {count(outcome.messages, 'message')}, {result}")
        if outcome.revision:
            say(revision_lines(outcome.revision))
        for line in refused_lines(outcome.rejections, outcome.user_id):
            say(f"  {line}")
    if not outcomes:
        say("Nothing was unread.")


def run_worker(
    *,
    concurrency: Annotated[int, Option(min=1, help="Batches at a time.")] = 8,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
    metrics_port: Annotated[
        int | None,
        Option(
            min=0,
            max=65_535,
            help="Serve /metrics, /healthz and /readyz on this port; 0 for any that is free.",
            show_default="off",
        ),
    ] = None,
    metrics_host: Annotated[
        str, Option(help="The address to serve them at; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    verbose: Annotated[bool, Option("--verbose", "-v", help="Say more in the log.")] = False,
) -> None:
    """Consolidate what is due, until told to stop; any number of workers may share a database.

    The application then builds its memory with worker=False. SIGTERM or Ctrl-C stops it cleanly:
    a running batch is finished or given back. The log names users and threads, never their words.

    Examples:
        usermemory worker --db memory.db --model anthropic:claude-haiku-4-5
        usermemory worker --schema my_app.profiles:Customer --concurrency 20
        usermemory worker --db postgresql://app@db.example.com/app --metrics-port 9464
    """
    from usermemory.choice import choose_reader
    from usermemory.metrics import served
    from usermemory.worker import Worker

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    _log.setLevel(logging.DEBUG if verbose else logging.INFO)
    chosen = choose_reader(model, base_url)
    if chosen.notice:
        _log.warning(chosen.notice)
    metrics = None if metrics_port is None else _metrics_if_installed()
    on_event = metrics.on_event if metrics else None
    with open_memory(db, schema, chosen.model, worker=False, on_event=on_event) as memory:
        working = Worker(memory.consolidator, memory.clock, memory.emit, threads=concurrency)
        signals = _stop_signals()
        working.start()
        pages = _health_pages(memory.driver, working, metrics)
        _log.info(
            "serving %s, schema %s, model %s, %d batches at a time",
            memory.driver.url,
            memory.schema.name,
            chosen.name,
            concurrency,
        )
        with nullcontext() if metrics_port is None else served(metrics_host, metrics_port, pages):
            number = signals.get()
            _log.info("stopping on %s; once more ends it at once", signal.Signals(number).name)
            signal.signal(number, signal.SIG_DFL)
            finished = working.stop()
    _log.info("stopped" if finished else "stopped; what was running was given back")
    if number == signal.SIGINT:
        raise typer.Exit(130)


def _metrics_if_installed() -> Metrics | None:
    """Counters, if their package is there; without it the other pages are served all the same."""
    from usermemory.errors import ConfigurationError
    from usermemory.metrics import Metrics

    try:
        return Metrics()
    except ConfigurationError as error:
        _log.warning(str(error))
        return None


def _health_pages(driver: Driver, working: Worker, metrics: Metrics | None) -> Pages:
    from usermemory.metrics import MISSING, Page, alive, ready

    if metrics:
        metrics.watch(driver)
    return {
        "/healthz": lambda: alive(working),
        "/readyz": lambda: ready(driver),
        "/metrics": lambda: Page(200, metrics.text()) if metrics else Page(501, f"{MISSING}\n"),
    }


def _stop_signals() -> SimpleQueue[int]:
    """The signals that ask to stop, as they come."""
    # Setting an Event within a handler may dead-lock; this queue is made for it.
    numbers: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: numbers.put(received))
    return numbers
