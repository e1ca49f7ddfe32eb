"""Looking at a profile: ``usermemory profile show``, ``list``, ``history``, ``why`` and others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from json import dumps
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from usermemory.cli import carry, edit, erase
from usermemory.cli.common import (
    DATABASE,
    AsJson,
    Database,
    SchemaName,
    UserId,
    command,
    count,
    group,
    listed,
    open_existing,
    print_json,
    say,
    when,
)

if TYPE_CHECKING:
    from usermemory.memory import UserMemory
    from usermemory.records import Recalled, Snapshot

profile_commands = group("What is known about a user: see it, put it right, erase it.")


@command(profile_commands, "show")
def show_profile(
    user: UserId, *, db: Database = DATABASE, schema: SchemaName = None, json: AsJson = False
) -> None:
    """Show the profile, each item with the words it rests on, and what was confirmed since.

    With --schema also what is old by its fields' stale_after, and what is kept and that schema
    does not take.

    Examples:
        usermemory profile show will
        usermemory profile show will --json | jq .profile
    """
    from usermemory.cli.show import confirmed_line, misfit_line, profile_table

    with open_existing(db, schema) as memory:
        known = memory.recall(user)
        revisions = memory.history(user)
        # Without a schema named, nothing says what the application takes.
        misfits = memory.misfits(user) if schema else []
    if json:
        print_json(
            {
                "user_id": user,
                "revision": known.revision,
                "pending": known.pending,
                "updated_at": known.updated_at,
                "stamps": known.stamps,
                "dates": known.dates,
                "profile": known.document,
                "misfits": misfits,
            }
        )
        return
    told = memory.schema.without_defaults(known.document, known.times)
    if rows := profile_table(told, revisions, known.dates):
        say(f"{user}, as of {when(known.updated_at)} (revision {known.revision})\n")
        say(rows)
        if confirmed := confirmed_line(known.stamps):
            say(f"\nConfirmed since: {confirmed}.")
    else:
        say(f"Nothing is known about {user} yet.")
    if misfits:
        say("\nKept, and not taken by this schema:")
        for one in misfits:
            say(f"  {misfit_line(one)}")
    if known.pending:
        say(f"\n{count(known.pending, 'message')} not read yet.")


@command(profile_commands, "list")
def list_profiles(
    words: Annotated[
        str | None, Argument(help="Only users whose id or profile holds this.")
    ] = None,
    *,
    limit: Annotated[int, Option(min=1, help="Users at most.")] = 50,
    after: Annotated[str, Option(metavar="USER", help="Go on behind this user.")] = "",
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """List users that have a profile, or find those whose id or profile holds some words.

    Examples:
        usermemory profile list
        usermemory profile list bouldering --limit 5
        usermemory profile list --after will --json | jq '.[].user_id'
    """
    with open_existing(db, schema) as memory:
        matching = list(islice(_matching(memory, (words or "").casefold(), after), limit + 1))
    page = matching[:limit]
    if json:
        print_json(
            [
                {
                    "user_id": user_id,
                    "revision": known.revision,
                    "updated_at": known.updated_at,
                    "profile": known.document,
                }
                for user_id, known in page
            ]
        )
        return
    for user_id, known in page:
        filled = [name for name, value in known.document.items() if value not in (None, [], {})]
        say(f"{user_id}  {when(known.updated_at)}  {', '.join(filled)}")
    if not page:
        others = f"Nobody comes behind {after}." if after else "Nobody has a profile yet."
        say("Nobody's holds that." if words else others)
    elif len(matching) > limit:
        say(f"There are more: --after {page[-1][0]}")


def _matching(memory: UserMemory, words: str, after: str) -> Iterator[tuple[str, Recalled]]:
    """Users in order whose id or profile holds these words, whatever the case."""
    while page := memory.profiles(after):
        for user_id, known in page:
            after = user_id
            if words in f"{user_id} {dumps(known.document, ensure_ascii=False)}".casefold():
                yield user_id, known


@command(profile_commands, "history")
def show_history(
    user: UserId,
    *,
    field: Annotated[
        str | None, Option(metavar="FIELD", help="Only changes of this field.")
    ] = None,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Show who or what changed the profile, and why.

    The newest first: from what to what, by which words. With the thread, the model, the version of
    its prompt and what it cost; what was taken back or erased says so. In JSON each revision has
    its patches (RFC 6902).

    Examples:
        usermemory profile history will
        usermemory profile history will --field interests
    """
    from usermemory.cli.show import revision_data, revision_lines

    with open_existing(db, schema) as memory:
        revisions = memory.history(user, field)
        if field and not revisions:
            memory.why(user, field)  # which refuses a field that the profile does not have
    if json:
        print_json([revision_data(revision) for revision in revisions])
        return
    for revision in revisions:
        say(revision_lines(revision), end="\n\n")
    if not revisions:
        say(f"There is no history of {_subject(user, field)}.")


def _subject(user: str, field: str | None) -> str:
    return user if field is None else f"{field} of {user}"


@command(profile_commands, "why")
def show_why(
    user: UserId,
    field: Annotated[str, Argument(help="A field, or a JSON pointer: /interests/0.")],
    value: Annotated[str | None, Argument(help="One item of it.")] = None,
    *,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Show the user's own words that a field, or one value of it, rests on; the newest first.

    A value that was refined rests on the words for both, be they from different threads.

    Examples:
        usermemory profile why will name
        usermemory profile why will interests bouldering
        usermemory profile why will /interests/0
    """
    from usermemory.cli.show import item_called, nothing_behind, quoted

    with open_existing(db, schema) as memory:
        document = memory.snapshot(user).document
        memory.schema.check_name(field, document)
        field, item = item_called(document, field, value)
        evidence = memory.why(user, field, item)
        nothing = ""
        if not evidence:
            nothing = nothing_behind(document, memory.history(user), field, item, memory.schema)
    if json:
        print_json(evidence)
        return
    for one in evidence:
        say(quoted(one, numbered=True))
    if nothing:
        say(nothing)


@command(profile_commands, "search")
def search_profile(  # noqa: PLR0913 - options of a command
    user: UserId,
    query: Annotated[str, Argument(help="What is looked for, in any words.")] = "",
    *,
    since: Annotated[
        str | None, Option(metavar="DATE", help="Only from this day on: 2026-05-01.")
    ] = None,
    until: Annotated[
        str | None, Option(metavar="DATE", help="Only up to the end of this day.")
    ] = None,
    field: Annotated[
        list[str] | None, Option(metavar="FIELD", help="Only values of this field; repeatable.")
    ] = None,
    thread: Annotated[
        str | None, Option(metavar="THREAD", help="Only what was said in this thread.")
    ] = None,
    limit: Annotated[int, Option(min=1, metavar="N", help="How many at most.")] = 10,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Find what a user told, by words and by time: what is known, what was, and kept messages.

    The query may name a time itself ("the flat in March 2025"); without one, --since or --until
    bring all of that time. Messages are found where the application keeps them.

    Examples:
        usermemory profile search will "flat in Lisbon"
        usermemory profile search will --since 2026-01-01 --until 2026-01-31
        usermemory profile search will climbing --field interests --json
    """
    from usermemory.cli.show import hit_text

    with open_existing(db, schema) as memory:
        hits = memory.search(
            user, query, since=since, until=until, fields=field, thread_id=thread, limit=limit
        )
    if json:
        print_json(hits)
        return
    for hit in hits:
        say(hit_text(hit))
    if not hits:
        say(f"Nothing that {user} told is about that.")


@command(profile_commands, "refused")
def show_refused(
    user: UserId,
    *,
    field: Annotated[
        str | None, Option(metavar="FIELD", help="Only what was proposed for this field.")
    ] = None,
    limit: Annotated[int, Option(min=1, metavar="N", help="How many at most.")] = 100,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Show what was proposed for the profile and not made, and why; the newest first.

    A line each: when, field, what would have been done, the reason, and the user's words. Value
    and words are left out where they may not be the user's own. What was known already is listed
    too, as `duplicate` in JSON.

    Examples:
        usermemory profile refused will
        usermemory profile refused will --field diet --limit 10
        usermemory profile refused will --json | jq 'map(select(.reason != "duplicate"))'
    """
    from usermemory.cli.show import refused_text

    with open_existing(db, schema) as memory:
        refused = memory.refused(user, field, limit)
        if field and not refused:
            memory.why(user, field)
    if json:
        print_json(refused)
        return
    for one in refused:
        say(refused_text(one), soft_wrap=True)
    if not refused:
        say(f"Nothing that was proposed for {_subject(user, field)} was refused.")


@command(profile_commands, "diff")
def show_difference(
    user: UserId,
    first: Annotated[
        int | None,
        Argument(
            metavar="FROM",
            help="A revision; 0 is before the first.",
            show_default="the last but one",
        ),
    ] = None,
    second: Annotated[
        int | None, Argument(metavar="TO", help="Another one.", show_default="the newest")
    ] = None,
    *,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Compare two revisions of a profile.

    What has been erased since is shown as erased. In JSON both documents are there, and the patch
    (RFC 6902) from one to the other.

    Examples:
        usermemory profile diff will
        usermemory profile diff will 3
        usermemory profile diff will 0 5 --json
    """
    from usermemory.changes import difference, patch
    from usermemory.cli.show import change_text

    with open_existing(db, schema) as memory:
        after = memory.snapshot(user, second)
        before = memory.snapshot(user, max(0, after.revision - 1) if first is None else first)
        unclear = {*before.unclear, *after.unclear}
        changes = tuple(
            change
            for change in difference(before.document, after.document, memory.schema)
            if change.field in memory.schema.fields and change.field not in unclear
        )
    if json:
        print_json({"user_id": user, "from": before, "to": after, "patch": patch(changes)})
        return
    if not after.revision and not before.revision:
        say(f"Nothing is known about {user} yet.")
        return
    say(f"{user}, {_revision_name(before)} → {_revision_name(after)}", style="bold")
    for change in changes:
        style = "red" if change.after is None else "green" if change.before is None else ""
        say(f"  {change_text(change)}", style=style)
    if not changes:
        say("  No difference.")
    if erased := sorted({*before.erased, *after.erased}):
        say(f"Erased since, and not to be seen any more: {listed(erased)}.")
    if unclear:
        say(f"Not to be followed back under this schema: {listed(sorted(unclear))}.")


def _revision_name(snapshot: Snapshot) -> str:
    made = f" ({when(snapshot.at)})" if snapshot.at is not None else ""
    return f"revision {snapshot.revision}{made}"


command(profile_commands, "edit")(edit.edit)
command(profile_commands, "undo")(edit.undo_changes)
command(profile_commands, "forget")(erase.forget)


@command(profile_commands, "pause")
def pause_user(user: UserId, *, db: Database = DATABASE) -> None:
    """Stop learning about a user: what they say until `resume` is never learned."""
    with open_existing(db) as memory:
        memory.pause(user)
    say(f"Nothing more is learned about {user} until resume.")


@command(profile_commands, "resume")
def resume_user(user: UserId, *, db: Database = DATABASE) -> None:
    """Learn about a user again, from what they say from now on."""
    with open_existing(db) as memory:
        memory.resume(user)
    say(f"From now on {user} is remembered again.")


command(profile_commands, "export")(carry.export)
command(profile_commands, "import")(carry.import_)
command(profile_commands, "verify-erased")(erase.verify_erased)
