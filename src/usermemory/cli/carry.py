"""Profiles in and out: ``usermemory profile export`` and ``import``, ``usermemory import``."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    SchemaName,
    UserId,
    command,
    console,
    count,
    group,
    listed,
    open_existing,
    open_memory,
    open_or_scratch,
    print_json,
    say,
    shortened,
    value_text,
)
from usermemory.errors import InvalidInput

if TYPE_CHECKING:
    from usermemory.importing import Imported, LeftOut


import_commands = group(
    "Bring in profiles that another memory kept; nothing that is known is overwritten."
)

Notes = Annotated[
    str | None,
    Option(
        metavar="FIELD",
        help="The field for memories in plain text.",
        show_default="core_memories, or the only list of texts about anyone",
    ),
]
Replace = Annotated[
    bool, Option("--replace", help="Put the source's values in place of what fields hold.")
]
Rehearse = Annotated[bool, Option("--dry-run", help="Only say what would be done.")]

_NAMED = 5
"""Users by key that are listed; --json has all."""

_LISTED = 20
"""Reasons for which values were left out that are listed; --json has all."""


def export(
    user: UserId,
    *,
    out: Annotated[
        Path | None, Option(help="A file that is not there yet.", show_default="standard output")
    ] = None,
    for_user: Annotated[
        bool, Option("--for-user", help="For the user to read: no secrets, dates as dates.")
    ] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
) -> None:
    """Write all that is kept of a user as one JSON document.

    Profile, history with quotes, messages not read yet, and hashes of what was erased. It holds
    what the user said, and the key of the hashes: keep it as confidential as that. With --for-user
    it is a document to hand out, which cannot be imported.

    Examples:
        usermemory profile export will > will.json
        usermemory profile export will --out will.json
        usermemory profile export will --for-user --out for-will.json
    """
    with open_existing(db, schema) as memory:
        document = memory.export(user, for_user=for_user)
    if out is None:
        print_json(document)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            json_text.dump(document, file, ensure_ascii=False, indent=2)
    except FileExistsError:
        raise InvalidInput(f"{out} is there already; name another file") from None
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}") from error
    say(f"{user} is in {out!s}.")


def import_(
    file: Annotated[Path, Argument(help="What export wrote; - for standard input.")],
    *,
    user: Annotated[
        str | None, Option(metavar="ID", help="Under this id.", show_default="the export's")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what is in it.")] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Put an exported user into this database; the same again changes nothing.

    What this database knows of the user beyond the export is never overwritten. Messages that
    were not read yet come along.

    Examples:
        usermemory profile import will.json --db other.db
        usermemory profile export will | usermemory profile import - --db other.db
    """
    from usermemory.cli.edit import read_document
    from usermemory.export import rows_from
    from usermemory.schema.shape import is_object

    document = read_document(str(file))
    if not is_object(document):
        raise InvalidInput(f"{file} is no export of a user")
    user_id = user if user is not None else str(document.get("user_id", ""))
    rows_from(document, user_id)  # is it an export at all?
    unread = sum(message["state"] == "unread" for message in document["messages"])
    held = (
        f"{user_id}: {count(len(document['revisions']), 'revision')}, "
        f"{count(unread, 'message')} to read"
    )
    if dry_run:
        say(f"Would import {held}.")
        return
    with open_memory(db, schema, worker=False) as memory:
        done = memory.import_(user_id, document)
    if json:
        print_json({"user_id": user_id, "written": done.written, "unknown": done.unknown})
        return
    here = f"{user_id} is here already, as exported."
    say(f"Imported {held}." if done.written else here)
    if done.unknown:
        fields = ", ".join(done.unknown)
        say(f"The schema here does not know {fields}: kept, and not used.")


@command(import_commands, "json")
def import_facts(  # noqa: PLR0913 - the options of a command
    file: Annotated[str, Argument(help="JSON or JSON Lines; - for standard input.")],
    *,
    user: Annotated[
        str | None,
        Option(metavar="ID", help="Whose all of it is.", show_default="whose each item says it is"),
    ] = None,
    user_key: Annotated[
        str | None,
        Option(
            metavar="KEY",
            help="Where an item says whose it is, steps joined by periods.",
            show_default="user_id, userId, user, metadata.user_id",
        ),
    ] = None,
    notes: Notes = None,
    replace: Replace = False,
    dry_run: Rehearse = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Bring in a list of facts, as mem0, OpenMemory, Zep, Letta and others export them.

    A list of texts or of objects, alone, under "results", "memories" and the like, or by user. A
    text under "memory", "text", "fact", "content", "value", "data" or "observations" goes into
    --notes; values go into the fields of the same name. Dates are kept: "updated_at",
    "created_at", "timestamp", "valid_at" and the like.

    Each user's becomes one revision. Single values are set only where nothing stands, lists only
    grow. Made again, it changes nothing, and what was forgotten does not come back. What the
    source calls deleted or over, messages, secrets, what is about the bot and what cannot be read
    are listed and left out; ids, scores and metadata beside a text are not listed.

    Examples:
        usermemory import json mem0.json --dry-run
        usermemory import json facts.jsonl --user will --notes core_memories
        usermemory import json hindsight.json --user-key bank_id
        curl … | usermemory import json - --user will
    """
    from usermemory.importing import import_json, read_json

    with _counting() as progress:
        document = read_json(sys.stdin.buffer if file == "-" else file)
        with open_or_scratch(db, schema, scratch=dry_run) as memory:
            done = import_json(
                memory,
                document,
                user=user,
                user_key=user_key,
                notes=notes,
                replace=replace,
                dry_run=dry_run,
                progress=progress,
            )
    _report(done, as_json=json, dry_run=dry_run)


@command(import_commands, "langmem")
def import_store(
    *,
    source: Annotated[
        str,
        Option(
            "--from",
            metavar="PATH|URL",
            help="The database of the LangGraph store: a path or postgresql://…",
        ),
    ],
    namespace: Annotated[
        str, Option(help="Where LangMem put a user's items, the user's label in braces.")
    ] = "memories.{user_id}",
    notes: Notes = None,
    replace: Replace = False,
    dry_run: Rehearse = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Bring in what LangMem kept in a LangGraph store, each user's as one revision.

    Values go into the fields of the same name, memories in plain text into --notes. Single values
    are set only where nothing stands, lists and maps only grow. Made again, it changes nothing.
    What does not fit the schema is listed and left out.

    Examples:
        usermemory import langmem --from store.db --dry-run
        usermemory import langmem --from postgresql://app@db.example.com/app
        usermemory import langmem --from store.db --namespace 'app.{user_id}.profile'
    """
    from usermemory.langgraph import import_langmem
    from usermemory.langgraph.threads import store_in

    with (
        store_in(source) as store,
        open_or_scratch(db, schema, scratch=dry_run) as memory,
        _counting() as progress,
    ):
        done = import_langmem(
            memory,
            store,
            namespace=namespace,
            notes=notes,
            replace=replace,
            dry_run=dry_run,
            progress=progress,
        )
    _report(done, as_json=json, dry_run=dry_run)


@command(import_commands, "origin")
def import_table(
    *,
    source: Annotated[
        str, Option("--from", metavar="PATH", help="The SQLite file with the table core_memories.")
    ],
    notes: Notes = None,
    replace: Replace = False,
    dry_run: Rehearse = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Bring in the table of LangGraph's how-to on user memory: core_memories(user_id, memory).

    Each user's profile becomes one revision. Single values are set only where nothing stands,
    lists only grow. Made again, it changes nothing. What does not fit the schema is listed and
    left out.

    Examples:
        usermemory import origin --from memory.db --dry-run
        usermemory import origin --from memory.db
    """
    from usermemory.importing import import_origin

    with open_or_scratch(db, schema, scratch=dry_run) as memory, _counting() as progress:
        done = import_origin(
            memory, source, notes=notes, replace=replace, dry_run=dry_run, progress=progress
        )
    _report(done, as_json=json, dry_run=dry_run)


@contextmanager
def _counting() -> Generator[Callable[[object], object]]:
    """How many users are done, on the terminal: a source is not asked how many it has."""
    done = 0

    def advance(_: object) -> None:
        nonlocal done
        done += 1
        status.update(f"importing: {count(done, 'user')}")

    try:
        with console(stderr=True).status("importing") as status:
            yield advance
    except KeyboardInterrupt:
        stopped = f"Stopped after {count(done, 'user')}; called again, it goes on with the rest."
        say(stopped, stderr=True)
        raise typer.Exit(130) from None


def _report(done: Imported, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json({**asdict(done), "dry_run": dry_run})
        return
    verb = "would change" if dry_run else "changed"
    say(f"{count(done.users, 'user')}: {done.changed} {verb}, {done.unchanged} had nothing new.")
    if done.by_key:
        names = listed(done.by_key[:_NAMED])
        more = f" and {len(done.by_key) - _NAMED} more" if len(done.by_key) > _NAMED else ""
        say(f"Taken for users, since keys of the file are called so: {names}{more}.")
        say("If they are none, undo it and name the user: --user, --user-key.")
    groups: dict[tuple[str, str], list[tuple[str, LeftOut]]] = {}
    for user_id, left in done.left_out.items():
        for one in left:
            groups.setdefault((one.field, one.reason), []).append((user_id, one))
    if groups:
        values = count(sum(map(len, groups.values())), "value")
        say(f"\nLeft out: {values} (--json lists them all)")
    largest = sorted(groups.items(), key=lambda group: len(group[1]), reverse=True)
    for (field, reason), found in largest[:_LISTED]:
        user_id, one = found[0]
        where = f"{field}: " if field else ""
        whose = f" of {user_id}" if user_id else ""
        text = f"{where}{reason}; such as {shortened(value_text(one.value))}{whose}"
        say(f"{len(found):>6}  {text}", soft_wrap=True)
    if len(groups) > _LISTED:
        say(f"        and {len(groups) - _LISTED} other reasons")
