"""``usermemory backfill``: what was said before the memory was in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, examples
from usermemory.cli.output import clean, console, count, print_json

if TYPE_CHECKING:
    from usermemory.langgraph import Backfilled, BackfilledThread

EXAMPLES = examples(
    "usermemory backfill --from checkpoints.db --dry-run",
    "usermemory backfill --from checkpoints.db --limit 10     # see what is learned, then go on",
    "usermemory backfill --from postgresql://app@db.example.com/app --user-key customer",
)


def backfill(  # noqa: PLR0913 - the options of a command
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PATH|URL",
            help="The database of the checkpointer: a path or postgresql://…",
            show_default=False,
        ),
    ],
    user_key: Annotated[
        str, typer.Option(help="What the user's id is called in the runs' configurable.")
    ] = "user_id",
    user: Annotated[
        str | None,
        typer.Option(help="Whose all threads are, whatever the runs say.", show_default=False),
    ] = None,
    key: Annotated[str, typer.Option(help="Where in the state the messages are.")] = "messages",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many threads with something new."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Take in the threads that a LangGraph checkpointer holds, for workers to read.

    The thread that rested longest comes first. It may be stopped at any moment and called again:
    what is known already costs a look-up. Nothing is learned here: a `usermemory worker`, or the
    application, then reads the threads one by one, each at the price of a model call or two.
    """
    from usermemory.cli.opening import opened_or_scratch
    from usermemory.langgraph import backfill as take_in
    from usermemory.langgraph.threads.opening import saver_in

    take_in = partial(take_in, user=user, user_key=user_key, key=key, limit=limit)
    with (
        saver_in(source) as saver,
        opened_or_scratch(db, schema, scratch=dry_run) as memory,
        _bar() as progress,
    ):
        done = take_in(memory, saver, dry_run=dry_run, progress=progress)
    if json:
        print_json({**asdict(done), "dry_run": dry_run})
        return
    _print(done, dry_run=dry_run)


class _bar:  # noqa: N801 - used like the context managers of contextlib
    """A bar on the terminal, told of each thread."""

    def __enter__(self) -> Callable[[BackfilledThread], object]:
        from rich.progress import Progress

        self._progress = Progress(console=console(stderr=True))
        self._progress.start()
        self._task = self._progress.add_task("threads", total=None)
        return self._advance

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _advance(self, one: BackfilledThread) -> None:
        self._progress.update(self._task, completed=one.number, total=one.of)


def _print(done: Backfilled, *, dry_run: bool) -> None:
    from usermemory.langgraph.backfilling import NOBODY

    out = console()
    verb = "would be taken in" if dry_run else "taken in"
    out.print(f"{count(done.looked_at, 'thread')} of {done.threads} looked at:")
    words = f"{count(done.new, 'message')}, {done.by_user} of them by users"
    out.print(f"  {done.taken:>6}  {verb}: {words}")
    out.print(f"  {done.known:>6}  known already")
    for reason, number in done.left_out.items():
        example = done.examples[reason]
        detail = f" ({example.detail})" if example.detail else ""
        out.print(
            f"  {number:>6}  left out: {reason}, such as {clean(example.thread_id)}{clean(detail)}",
            markup=False,
            soft_wrap=True,
        )
    if NOBODY in done.left_out:
        out.print(
            "\nWhose threads are, is said by the configurable of their runs: name its key with "
            "--user-key, or the user with --user.",
            soft_wrap=True,
        )
    if done.taken and not dry_run:
        out.print(
            "\nThey are due now: `usermemory worker` reads them, `usermemory jobs list` shows."
        )
