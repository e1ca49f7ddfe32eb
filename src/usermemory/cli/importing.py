"""``usermemory import``: profiles that another memory kept."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, examples
from usermemory.cli.output import clean, console, count, print_json, shortened, shown

if TYPE_CHECKING:
    from usermemory.importing import Imported, LeftOut

app = typer.Typer(
    help="Bring in profiles that another memory kept; nothing that is known is overwritten.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_LISTED = 20
"""Reasons for which values were left out that are listed; --json has all."""

Notes = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="The field for memories in plain text.",
        show_default="core_memories, or the only list of texts about anyone",
    ),
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Put the source's values in place of what fields hold."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.command(
    "json",
    epilog=examples(
        "usermemory import json mem0.json --dry-run",
        "usermemory import json facts.jsonl --user will --notes core_memories",
        "usermemory import json hindsight.json --user-key bank_id",
        "curl … | usermemory import json - --user will",
    ),
)
def json_(  # noqa: PLR0913 - the options of a command
    file: Annotated[str, typer.Argument(help="JSON or JSON Lines; - for standard input.")],
    *,
    user: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Whose all of it is.", show_default="whose each item says it is"
        ),
    ] = None,
    user_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Where an item says whose it is, steps joined by periods.",
            show_default="user_id, userId, user, metadata.user_id",
        ),
    ] = None,
    notes: Notes = None,
    replace: Replace = False,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Bring in a list of facts, as mem0, OpenMemory, agno, Zep, Hindsight and others export them.

    A list of texts or of objects, alone, under "results", "memories" and the like, or by user. A
    text under "memory", "text", "fact", "content", "value", "data" or "observations" goes into
    --notes; values go into the fields of the same name. Dates are kept: "updated_at",
    "created_at", "timestamp", "valid_at" and the like.

    Each user's becomes one revision. Single values are set only where nothing stands, lists only
    grow. Made again, it changes nothing, and what was forgotten does not come back. What the
    source calls deleted or over, messages, and what cannot be read are listed and left out; ids,
    scores and metadata beside a text are not listed.
    """
    from usermemory.cli.opening import opened_or_scratch
    from usermemory.importing import import_json, read_json

    with _counting() as progress:
        document = read_json(sys.stdin.buffer if file == "-" else file)
        with opened_or_scratch(db, schema, scratch=dry_run) as memory:
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
    _report(done, json=json, dry_run=dry_run)


@app.command(
    epilog=examples(
        "usermemory import langmem --from store.db --dry-run",
        "usermemory import langmem --from postgresql://app@db.example.com/app",
        "usermemory import langmem --from store.db --namespace 'app.{user_id}.profile'",
    )
)
def langmem(
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PATH|URL",
            help="The database of the LangGraph store: a path or postgresql://…",
            show_default=False,
        ),
    ],
    namespace: Annotated[
        str, typer.Option(help="Where LangMem put a user's items, the user's label in braces.")
    ] = "memories.{user_id}",
    notes: Notes = None,
    replace: Replace = False,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Bring in what LangMem kept in a LangGraph store, each user's as one revision.

    Values go into the fields of the same name, memories in plain text into --notes. Single values
    are set only where nothing stands, lists and maps only grow. Made again, it changes nothing.
    What does not fit the schema is listed and left out.
    """
    from usermemory.cli.opening import opened_or_scratch
    from usermemory.langgraph import import_langmem
    from usermemory.langgraph.threads.opening import store_in

    with (
        store_in(source) as store,
        opened_or_scratch(db, schema, scratch=dry_run) as memory,
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
    _report(done, json=json, dry_run=dry_run)


@app.command(
    epilog=examples(
        "usermemory import origin --from memory.db --dry-run",
        "usermemory import origin --from memory.db",
    )
)
def origin(
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PATH",
            help="The SQLite file with the table core_memories.",
            show_default=False,
        ),
    ],
    notes: Notes = None,
    replace: Replace = False,
    dry_run: DryRun = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Bring in the table of LangGraph's how-to on user memory: core_memories(user_id, memory).

    Each user's profile becomes one revision. Single values are set only where nothing stands,
    lists only grow. Made again, it changes nothing. What does not fit the schema is listed and
    left out.
    """
    from usermemory.cli.opening import opened_or_scratch
    from usermemory.importing import import_origin

    with (
        opened_or_scratch(db, schema, scratch=dry_run) as memory,
        _counting() as progress,
    ):
        done = import_origin(
            memory, source, notes=notes, replace=replace, dry_run=dry_run, progress=progress
        )
    _report(done, json=json, dry_run=dry_run)


@contextmanager
def _counting() -> Generator[Callable[[object], object]]:
    """How many users are done, on the terminal: a source is not asked how many it has."""
    done = 0

    def tell(_: object) -> None:
        nonlocal done
        done += 1
        status.update(f"importing: {count(done, 'user')}")

    out = console(stderr=True)
    try:
        with out.status("importing") as status:
            yield tell
    except KeyboardInterrupt:
        out.print(f"Stopped after {count(done, 'user')}; called again, it goes on with the rest.")
        raise typer.Exit(130) from None


def _report(done: Imported, *, json: bool, dry_run: bool) -> None:
    if json:
        print_json({**asdict(done), "dry_run": dry_run})
        return
    out = console()
    verb = "would change" if dry_run else "changed"
    out.print(
        f"{count(done.users, 'user')}: {done.changed} {verb}, {done.unchanged} had nothing new."
    )
    groups: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], tuple[str, LeftOut]] = {}
    for user_id, left in done.left_out.items():
        for one in left:
            groups[one.field, one.reason] += 1
            examples.setdefault((one.field, one.reason), (user_id, one))
    if groups:
        out.print(f"\nLeft out: {count(groups.total(), 'value')} (--json lists them all)")
    for (field, reason), number in groups.most_common(_LISTED):
        user_id, one = examples[field, reason]
        value = shortened(shown(one.value))
        where = f"{field}: " if field else ""
        whose = f" of {user_id}" if user_id else ""
        text = f"{number:>6}  {where}{reason}; such as {value}{whose}"
        out.print(clean(text), markup=False, soft_wrap=True)
    if len(groups) > _LISTED:
        out.print(f"        and {len(groups) - _LISTED} other reasons")
