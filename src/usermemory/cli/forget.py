"""``usermemory profile forget``: erase a value, a message, a thread, a user."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, DryRun, SchemaName, User, examples
from usermemory.cli.output import clean, console, listed, plural, print_json
from usermemory.cli.reach import PENDING, deleted_lines, reach_lines, threads_line

if TYPE_CHECKING:
    from usermemory.cli.threads import OwnThreads
    from usermemory.memory import UserMemory
    from usermemory.records import Forgotten

    Erase = Callable[..., Forgotten]

EXAMPLES = examples(
    "usermemory profile forget will interests bouldering",
    "usermemory profile forget will interests --dry-run",
    "usermemory profile forget will --thread monday --checkpoints",
    "usermemory profile forget will --thread monday --message 3",
    "usermemory profile forget will --everything",
)


def forget(  # noqa: PLR0913 - the options of a command
    user: User,
    field: Annotated[
        str | None,
        typer.Argument(help="A field, or a JSON pointer: /interests/0.", show_default=False),
    ] = None,
    value: Annotated[str | None, typer.Argument(help="One item of it.", show_default=False)] = None,
    *,
    thread: Annotated[
        str | None,
        typer.Option(metavar="ID", help="All that was said there, and what rests on it alone."),
    ] = None,
    message: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Only this message of --thread: your id of it, or why's number."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All that is known and kept of the user.")
    ] = False,
    anywhere: Annotated[
        bool,
        typer.Option("--anywhere", help="Even if VALUE is no item and was never said."),
    ] = False,
    checkpoints: Annotated[
        bool,
        typer.Option(
            "--checkpoints",
            help="Delete the threads it was said in, whole, from this database's checkpointer.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Erase a value, a message, a thread, a user.

    It goes from the profile, its history, the quotes and the messages that are still kept. Nothing
    said before teaches that field the same again; the user may say it anew. There is no undo, and
    it asks first. Backups, and on PostgreSQL archived logs and replicas, are not reached.
    """
    from usermemory.cli.opening import existing

    if message is not None and thread is None:
        raise typer.BadParameter("--message needs its --thread")
    if anywhere and value is None:
        raise typer.BadParameter("--anywhere needs a VALUE")
    if [field is not None, thread is not None, everything].count(True) != 1:
        raise typer.BadParameter("name a field, or else --thread, or --everything for all of it")
    with existing(db, schema) as memory:
        erase = _erase(memory, user, field, value, thread, message)
        if value is not None:
            erase = partial(erase, anywhere=anywhere)
        reach = erase(dry_run=True)
        if dry_run:
            _print_reach(reach, as_json=json)
            return
        if not yes:
            checkpoints = _confirmed(
                _name(user, field, value, thread, message), reach, checkpoints=checkpoints
            )
        with _threads(memory, user, wanted=checkpoints) as saver:
            done = erase(checkpointer=saver)
    if json:
        deleted = saver.deleted if saver else []
        print_json({**asdict(done), "checkpoints_deleted": deleted})
        return
    _print(done, saver)


def _erase(
    memory: UserMemory,
    user: str,
    field: str | None,
    value: str | None,
    thread: str | None,
    message: str | None,
) -> Erase:
    """The verb that this calls, with what it erases."""
    if field is not None:
        return partial(memory.forget, user, field, value)
    if thread is None:
        return partial(memory.forget_user, user)
    if message is None:
        return partial(memory.forget_thread, user, thread)
    by_id = partial(memory.forget_message, user, thread, message)
    if message.isdigit() and not by_id(dry_run=True).threads:
        return partial(memory.forget_message, user, thread, int(message))
    return by_id


def _name(
    user: str, field: str | None, value: str | None, thread: str | None, message: str | None
) -> str:
    if field is not None:
        what = f"{value!r} in {field}" if value is not None else field
    elif message is not None:
        what = f"message {message} of thread {thread}"
    else:
        what = "everything" if thread is None else f"what thread {thread} taught"
    return clean(f"{what} of {user}")


def _confirmed(what: str, reach: Forgotten, *, checkpoints: bool) -> bool:
    """Ask whether to erase it, and whether its threads are to go too if nobody said so."""
    for line in reach_lines(reach, done=False):
        typer.echo(line, err=True)
    typer.confirm(f"Erase {what}? This cannot be undone", abort=True, err=True)
    if checkpoints or not reach.threads:
        return checkpoints
    threads = f"{plural(len(reach.threads), 'thread')} {clean(listed(reach.threads))}"
    question = f"Delete {threads} too, whole, from the checkpointer in this database?"
    return typer.confirm(question, err=True)


def _threads(
    memory: UserMemory, user: str, *, wanted: bool
) -> AbstractContextManager[OwnThreads | None]:
    from usermemory.cli.threads import own_threads

    return own_threads(memory, user) if wanted else nullcontext()


def _print_reach(reach: Forgotten, *, as_json: bool) -> None:
    if as_json:
        print_json(reach)
        return
    for line in reach_lines(reach, done=False):
        console().print(line, markup=False)
    _print_threads(reach)


def _print(done: Forgotten, saver: OwnThreads | None) -> None:
    out = console()
    for line in reach_lines(done, done=True):
        out.print(line, markup=False)
    if saver is None:
        _print_threads(done)
    else:
        for line in deleted_lines(saver.deleted, saver.others):
            out.print(line, markup=False)
    if done.pending:
        out.print(PENDING)


def _print_threads(reach: Forgotten) -> None:
    if reach.threads:
        console().print(threads_line(reach.threads), markup=False)
