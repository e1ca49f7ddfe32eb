"""Erasing what is known: ``profile forget``, ``verify-erased``, ``retention`` and ``clean``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    DryRun,
    SchemaName,
    UserId,
    Yes,
    count,
    listed,
    open_existing,
    plural,
    print_json,
    printable,
    say,
    table,
    value_text,
    when,
)

if TYPE_CHECKING:
    from usermemory.langgraph.threads import OwnThreads
    from usermemory.memory import UserMemory
    from usermemory.records import Expired, Forgotten, Proof

    Erase = Callable[..., Forgotten]


@contextmanager
def _own_threads(memory: UserMemory, user_id: str) -> Generator[OwnThreads]:
    from usermemory.langgraph import checkpointer
    from usermemory.langgraph.threads import OwnThreads

    with checkpointer(memory) as saver:
        yield OwnThreads(saver, user_id)


def forget(  # noqa: PLR0913 - the options of a command
    user: UserId,
    field: Annotated[str | None, Argument(help="A field, or a JSON pointer: /interests/0.")] = None,
    value: Annotated[str | None, Argument(help="One item of it.")] = None,
    *,
    thread: Annotated[
        str | None,
        Option(metavar="ID", help="All that was said there, and what rests on it alone."),
    ] = None,
    message: Annotated[
        str | None,
        Option(metavar="ID", help="Only this message of --thread: your id of it, or why's number."),
    ] = None,
    everything: Annotated[
        bool, Option("--everything", help="All that is known and kept of the user.")
    ] = False,
    anywhere: Annotated[
        bool, Option("--anywhere", help="Even if VALUE is no item and was never said.")
    ] = False,
    checkpoints: Annotated[
        bool,
        Option(
            "--checkpoints",
            help="Delete the threads it was said in, whole, from this database's checkpointer.",
        ),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Erase a value, a message, a thread, a user.

    It goes from the profile, its history, the quotes and the messages that are still kept. Nothing
    said before teaches that field the same again; the user may say it anew. There is no undo, and
    it asks first. Backups, and on PostgreSQL archived logs and replicas, are not reached.

    Examples:
        usermemory profile forget will interests bouldering
        usermemory profile forget will interests --dry-run
        usermemory profile forget will --thread monday --checkpoints
        usermemory profile forget will --thread monday --message 3
        usermemory profile forget will --everything
    """
    if message is not None and thread is None:
        raise typer.BadParameter("--message needs its --thread")
    if anywhere and value is None:
        raise typer.BadParameter("--anywhere needs a VALUE")
    if [field is not None, thread is not None, everything].count(True) != 1:
        raise typer.BadParameter("name a field, or else --thread, or --everything for all of it")
    with open_existing(db, schema) as memory:
        what, erase = _target(memory, user, field, value, thread, message)
        if value is not None:
            erase = partial(erase, anywhere=anywhere)
        reach = erase(dry_run=True)
        if dry_run:
            _print_reach(reach, None, as_json=json, done=False)
            return
        if not yes:
            checkpoints = _confirmed(f"{what} of {user}", reach, checkpoints=checkpoints)
        with _own_threads(memory, user) if checkpoints else nullcontext() as threads:
            erased = erase(checkpointer=threads)
    _print_reach(erased, threads, as_json=json, done=True)


def _target(
    memory: UserMemory,
    user: str,
    field: str | None,
    value: str | None,
    thread: str | None,
    message: str | None,
) -> tuple[str, Erase]:
    """What is to be erased, in words, and the verb that erases it."""
    if field is not None:
        what = field if value is None else f"{value!r} in {field}"
        return what, partial(memory.forget, user, field, value)
    if thread is None:
        return "everything", partial(memory.forget_user, user)
    if message is None:
        return f"what thread {thread} taught", partial(memory.forget_thread, user, thread)
    erase = partial(memory.forget_message, user, thread, message)
    if message.isdigit() and not erase(dry_run=True).threads:
        erase = partial(memory.forget_message, user, thread, int(message))
    return f"message {message} of thread {thread}", erase


def _confirmed(what: str, reach: Forgotten, *, checkpoints: bool) -> bool:
    """Ask whether to erase it, and whether its threads are to go too if no option says so."""
    for line in reach_lines(reach, done=False):
        typer.echo(printable(line), err=True)
    question = f"Erase {what}? This cannot be undone"
    typer.confirm(printable(question), abort=True, err=True)
    if checkpoints or not reach.threads:
        return checkpoints
    question = (
        f"Delete {thread_names(reach.threads)} too, whole, from the checkpointer in this database?"
    )
    return typer.confirm(printable(question), err=True)


def thread_names(threads: Sequence[str]) -> str:
    """Threads in a sentence: ``thread a``, ``threads a and b``."""
    return f"{plural(len(threads), 'thread')} {listed(threads)}"


def _print_reach(
    reach: Forgotten, threads: OwnThreads | None, *, as_json: bool, done: bool
) -> None:
    if as_json:
        deleted = {"checkpoints_deleted": threads.deleted if threads else []} if done else {}
        print_json({**asdict(reach), **deleted})
        return
    lines = list(reach_lines(reach, done=done))
    if threads:
        lines += _deleted_lines(threads)
    elif reach.threads:
        lines.append(
            f"A checkpointer may still hold the conversation: {thread_names(reach.threads)}. "
            "--checkpoints deletes what is in this database; elsewhere delete_thread of your saver "
            "does."
        )
    if reach.pending:
        lines.append(PENDING)
    say(*lines, sep="\n")


def _deleted_lines(threads: OwnThreads) -> Iterator[str]:
    """What became of threads in the checkpointer."""
    if threads.deleted:
        named = f"{count(len(threads.deleted), 'thread')}, {listed(threads.deleted)}"
        yield f"Deleted from the checkpointer: {named}."
    if threads.others:
        others = listed(threads.others)
        yield f"Left in the checkpointer, since somebody else spoke there last: {others}."
    if not threads.deleted and not threads.others:
        yield "The checkpointer of this database holds none of these threads."


PENDING = (
    "Copies may be left on the disk for now. A worker that runs removes them as soon as it can; "
    "usermemory clean does, or says what is in the way."
)


def reach_lines(reach: Forgotten, *, done: bool) -> Iterator[str]:
    """What an erasure reaches, a line for each kind, but for the threads in a checkpointer.

    Args:
        reach: In numbers.
        done: Whether it has been erased already.
    """
    counted = (
        (reach.values, "value in the profile", "values in the profile"),
        (reach.changes, "change in the history", "changes in the history"),
        (reach.quotes, "quote", "quotes"),
        (reach.messages, "message that is still kept", "messages that are still kept"),
    )
    kinds = [f"{number} {plural(number, one, more)}" for number, one, more in counted if number]
    if kinds:
        yield f"{'Erased' if done else 'It is in'}: {listed(kinds)}."
    else:
        yield f"Nothing {'was' if done else 'is'} kept of it."
    if reach.elsewhere:
        mention = plural(len(reach.elsewhere), "mentions", "mention")
        fields = listed(reach.elsewhere)
        yield f"{fields} {mention} it too and {plural(len(reach.elsewhere), 'keeps', 'keep')} it."
    for other in reach.others:
        named = f"{value_text(other.value)} in {other.field}"
        yield f"{named} stays, without {count(other.quotes, 'quote')} in which this is named."


def verify_erased(
    user: UserId,
    *,
    text: Annotated[str, Option(help="What was erased.")],
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Look for a text in every table and file, and print the proof; exit code 1 if it stands.

    The checkpointer's tables in the same database are looked into too. On PostgreSQL the server's
    own files, log and backups are out of reach.

    Examples:
        usermemory profile verify-erased will --text "bouldering"
    """
    with open_existing(db) as memory:
        proof = memory.verify_erased(user, text)
    if json:
        print_json({"erased": proof.erased, "pending": proof.pending, "places": proof.places})
    else:
        _print_proof(proof, user)
    if not proof.erased:
        raise typer.Exit(1)


def _print_proof(proof: Proof, user: str) -> None:
    rows = table("where", "size", "this user", "others", "nobody's", figures=True)
    for place in proof.places:
        size = count(place.size, "byte" if place.where.startswith("file") else "row")
        figures = map(str, (place.of_user, place.of_others, place.unknown))
        style = "bold red" if place.found else ""
        rows.add_row(place.where, size, *figures, style=style)
    say(rows)
    if proof.erased:
        say(f"\nErased: nothing of {user} holds it.")
    else:
        held = (
            place.where + (f" (threads {', '.join(place.threads)})" if place.threads else "")
            for place in proof.places
            if place.of_user or place.unknown
        )
        say(f"\nNot erased: it stands in {', '.join(held)}.")
    if kept := sum(place.kept for place in proof.places):
        say(
            f"In {count(kept, 'value')} it is only a part of a word, or of another item that is "
            "kept."
        )
    if proof.pending:
        say(
            "An erasure waits for the file to be cleaned: somebody was reading it. A worker tries "
            "again each minute."
        )


def erase_expired(
    user: Annotated[str | None, Argument(help="Whose values.", show_default="everybody's")] = None,
    *,
    days: Annotated[
        float | None, Option(metavar="DAYS", help="For fields that say nothing of it themselves.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Erase values that nobody has said again for so many days, or for their field's retention.

    As profile forget does, field by field: stopped in the middle, the next call goes on. It asks
    first. Run it once a day with --yes.

    Examples:
        usermemory retention --days 730 --dry-run
        usermemory retention --schema app:Profile --yes
    """
    with open_existing(db, schema) as memory:
        found = memory.retain(user, days=days, dry_run=True)
        if found and not (dry_run or yes):
            _print_expired(found, done=False, stderr=True)
            question = f"Erase {count(len(found), 'value')}? This cannot be undone"
            typer.confirm(question, abort=True, err=True)
        if not dry_run:
            found = memory.retain(user, days=days)
    if json:
        print_json({"erased": not dry_run, "values": [asdict(one) for one in found]})
    else:
        _print_expired(found, done=not dry_run)


def _print_expired(found: Sequence[Expired], *, done: bool, stderr: bool = False) -> None:
    """What is past its time; what was erased is not repeated."""
    if done:
        say(f"Erased: {count(len(found), 'value')}.")
        return
    for one in found:
        past = "" if one.holds else ", held before"
        say(
            f"{one.user_id}  {one.field}: {value_text(one.item)} ({when(one.last)}{past})",
            stderr=stderr,
        )
    say(f"{count(len(found), 'value')} to be erased.", stderr=stderr)


def clean_disk(*, db: Database = DATABASE) -> None:
    """Remove copies of erased text from the disk, where forget could not; exit code 1 if not yet.

    A worker does the same by itself. A file has to wait while somebody reads it; on PostgreSQL the
    role has to own the tables.

    Examples:
        usermemory clean --db memory.db
    """
    with open_existing(db) as memory:
        done, driver = memory.clean(), memory.driver
    if not done:
        say(f"{driver.not_cleaned} Try again, or leave it to a worker.", stderr=True)
        raise typer.Exit(1)
    say(driver.cleaned)
