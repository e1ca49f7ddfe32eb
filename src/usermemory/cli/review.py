"""Changes that wait for a person, and what proposes them: ``usermemory review`` and ``tidy``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from usermemory.cli.common import (
    DATABASE,
    AsJson,
    BaseUrl,
    Database,
    Model,
    SchemaName,
    count,
    open_existing,
    open_memory,
    print_json,
    printable,
    require_file,
    say,
)
from usermemory.cli.edit import edited_text, editor_command, login, parse_document
from usermemory.errors import Conflict, ExtractionError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from usermemory.memory import UserMemory
    from usermemory.records import Proposal, Proposed
    from usermemory.tidy import Tidied

_MOST = 1_000
_CHOICES = "[a]pprove, [e]dit, [d]ecline, [s]kip, [q]uit"


def review(  # noqa: PLR0913 - the options of a command
    *,
    user: Annotated[str | None, Option(help="Only this user's.")] = None,
    approve: Annotated[
        list[str] | None, Option(metavar="ID", help="Make this one. Repeatable.")
    ] = None,
    decline: Annotated[
        list[str] | None, Option(metavar="ID", help="End this one. Repeatable.")
    ] = None,
    value: Annotated[
        str | None, Option(metavar="JSON", help="With one --approve: the value to put in instead.")
    ] = None,
    in_editor: Annotated[
        bool, Option("--editor", help="Decide on all of them in one file, in your editor.")
    ] = False,
    by: Annotated[
        str | None,
        Option(metavar="NAME", help="Who approves, for the history.", show_default="your login"),
    ] = None,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Decide on changes that wait for a person: one after the other, in a file, or by their ids.

    What is approved is judged by the profile as it is now, and can be undone. What is declined is
    not proposed again from the same words. Without a terminal they are only listed.

    Examples:
        usermemory review
        usermemory review --editor --user will
        usermemory review --json
        usermemory review --approve 5d2c01f0a9b3e7744c10 --by support
    """
    with open_existing(db, schema) as memory:
        found = memory.proposals(user, _MOST)
        if value is not None and not approve:
            raise typer.BadParameter("--value goes with one --approve")
        if both := set(approve or ()) & set(decline or ()):
            raise typer.BadParameter(f"approve or decline {both.pop()}, not both")
        if approve or decline:
            wanted = dict.fromkeys(approve or (), "approve")
            wanted |= dict.fromkeys(decline or (), "decline")
            _decide(memory, wanted, by, value, user or "")
        elif json:
            print_json(found)
        elif not found:
            say("Nothing waits for a decision.")
        elif in_editor:
            _decide(memory, _marked(found), by, user=user or "")
        elif sys.stdin.isatty():
            _one_by_one(memory, found, by)
        else:
            for proposal in found:
                say(proposal_text(proposal))


def tidy(
    user: Annotated[str | None, Argument(help="Whose profile.")] = None,
    *,
    due: Annotated[
        bool,
        Option("--due", help="All that are long or old, and have changed since the last pass."),
    ] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Only say whose profiles are due; asks no model.")
    ] = False,
    db: Database = DATABASE,
    schema: SchemaName = None,
    model: Model = None,
    base_url: BaseUrl = None,
    json: AsJson = False,
) -> None:
    """Have a model look over a profile: what says the same, is over, or is not true any more.

    One call a profile. It changes nothing: what is proposed waits for `usermemory review`.

    Examples:
        usermemory tidy will --model openai:gpt-5-mini
        usermemory tidy --due --dry-run
        usermemory tidy --due
    """
    from usermemory.choice import choose_reader

    if (user is None) != due:
        raise typer.BadParameter("name a user, or pass --due")
    require_file(db)
    chosen = "offline" if dry_run else choose_reader(model, base_url).model
    with open_memory(db, schema, chosen, worker=False) as memory:
        users = _due(memory) if user is None else [user]
        if dry_run:
            print_json(users) if json else say("\n".join(users) or "No profile is due.")
            return
        found = {whose: _tidied(memory, whose, json=json) for whose in users}
    if json:
        print_json({whose: [*each] for whose, each in found.items() if each is not None})
    elif not users:
        say("No profile is due.")
    if users and all(each is None for each in found.values()):
        raise typer.Exit(1)


def _due(memory: UserMemory) -> list[str]:
    found: list[str] = []
    while page := memory.due_to_tidy(found[-1] if found else ""):
        found += page
    return found


def _tidied(memory: UserMemory, user: str, *, json: bool) -> Tidied | None:
    """One pass, told; None if it failed, which is told too, and stops no others."""
    try:
        found = memory.tidy(user)
    except (ExtractionError, Conflict) as error:
        say(f"{user}: {error}", stderr=True)
        return None
    if not json:
        for proposal in found:
            say(proposal_text(proposal))
        refused = f", {count(len(found.refused), 'refused answer')}" if found.refused else ""
        say(f"{user}: {count(len(found), 'proposal')} for usermemory review{refused}.")
    return found


def proposal_text(proposal: Proposal) -> Any:
    """A proposal as a person reads it: what it would do, and the words that it rests on."""
    from rich.text import Text

    from usermemory.cli.show import change_text, quoted

    kind = "" if proposal.kind == "change" else f"{proposal.kind}: {proposal.why}"
    head = "  ".join(filter(None, (proposal.id, proposal.user_id, f"by {proposal.by}", kind)))
    lines = [Text(head, style="bold")]
    for change in proposal.changes:
        lines.append(Text(f"  {change_text(change)}"))
        for one in change.evidence:
            if one.question:
                lines.append(Text(f"    asked: “{one.question}”", style="dim"))
            lines.append(Text("    ").append(quoted(one)))
    return Text("\n").join(lines)


def _one_by_one(memory: UserMemory, found: Sequence[Proposal], by: str | None) -> None:
    for place, proposal in enumerate(found, start=1):
        say(f"\n{place} of {len(found)}")
        say(proposal_text(proposal))
        while True:
            answer = typer.prompt(_CHOICES, default="s", show_default=False).strip().lower()[:1]
            if answer == "q":
                return
            if answer == "e":
                typed = typer.prompt("The value instead, as JSON or plain text")
                _decide(memory, {proposal.id: "approve"}, by, typed, proposal.user_id)
            elif answer in ("a", "d"):
                wanted = {proposal.id: "approve" if answer == "a" else "decline"}
                _decide(memory, wanted, by, user=proposal.user_id)
            elif answer != "s":
                continue
            break


def _decide(
    memory: UserMemory,
    wanted: Mapping[str, str],
    by: str | None,
    value: str | None = None,
    user: str = "",
) -> None:
    """Do what was decided, and say what came of each; one that is gone stops no others."""
    if value is not None and list(wanted.values()) != ["approve"]:
        raise InvalidInput("--value goes with one --approve")
    done, gone = 0, 0
    for proposal_id, decision in wanted.items():
        try:
            if decision == "decline":
                memory.decline(proposal_id, user_id=user)
                say(f"Declined {proposal_id}.")
                done += 1
            elif decision == "approve":
                given = None if value is None else _value_of(value)
                made = memory.approve(proposal_id, value=given, by=by or login(), user_id=user)
                say(f"{proposal_id}: {_told(made)}")
                done += made.revision is not None
        except Conflict as error:
            say(f"Error: {error}", stderr=True)
            gone += 1
    if not done:
        say("Nothing was changed.")
    if gone:
        raise typer.Exit(1)


def _value_of(text: str) -> Any:
    """JSON, or a text as it is; what begins as an object, a list or a quoted text has to be one."""
    try:
        value = parse_document(text, "--value")
    except InvalidInput:
        if text.lstrip()[:1] in ("{", "[", '"'):
            raise
        return text
    if value is None:
        raise InvalidInput("null is no value to put in: decline it, or edit the profile")
    return value


def _told(made: Proposed) -> str:
    if made.revision is not None:
        return f"revision {made.revision.number}"
    reasons = (
        f"{one.reason.replace('_', ' ')} ({one.detail})" if one.detail else one.reason
        for one in made.rejections
    )
    return f"not made: {'; '.join(reasons)}" if made.rejections else "the profile says so already"


_HELP = """\
# Write approve or decline in place of keep, save, and close the editor.
# A line that is deleted is kept too; an empty file decides nothing.
"""


def _marked(found: Iterable[Proposal]) -> dict[str, str]:
    """What a person marked in their editor, by the id of the proposal.

    Raises:
        InvalidInput: A line says something else; nothing was decided.
    """
    every = {one.id: one for one in found}
    lines = [_HELP]
    for one in every.values():
        told = printable(str(proposal_text(one))).split("\n")
        lines += [*(f"#   {line}" for line in told), f"keep {one.id}", ""]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "review.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        typed = edited_text(editor_command(), path)
    wanted: dict[str, str] = {}
    for line in typed.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        decision, _, proposal_id = line.strip().partition(" ")
        if decision not in ("keep", "approve", "decline") or proposal_id not in every:
            raise InvalidInput(
                f"{line!r}: write keep, approve or decline, and the id; nothing was decided"
            )
        wanted[proposal_id] = decision
    say(f"{count(sum(one != 'keep' for one in wanted.values()), 'decision')}.")
    return wanted
