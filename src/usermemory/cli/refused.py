"""``usermemory profile refused``: what was proposed and not made, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, SchemaName, User, examples
from usermemory.cli.output import clean, console, print_json, shortened, shown, when
from usermemory.refused import action_of, field_of, in_words

if TYPE_CHECKING:
    from rich.text import Text

    from usermemory.records import Refused

EXAMPLES = examples(
    "usermemory profile refused will",
    "usermemory profile refused will --field diet --limit 10",
    "usermemory profile refused will --json | jq 'map(select(.reason != \"duplicate\"))'",
)

_TOLD = 5
"""Refused changes of a batch that a chat tells one by one."""


def refused(
    user: User,
    *,
    field: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Only what was proposed for this field.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 100,
    db: Database = DATABASE,
    schema: SchemaName = None,
    json: AsJson = False,
) -> None:
    """Show what was proposed for the profile and not made, and why; the newest first.

    A line each: when, field, what would have been done, the reason, and the user's words. Value
    and words are left out where they may not be the user's own. What was known already is listed
    too, as `duplicate` in JSON.
    """
    from usermemory.cli.opening import existing

    with existing(db, schema) as memory:
        found = memory.refused(user, field, limit)
        if field is not None and not found and field not in memory.schema.fields:
            memory.why(user, field)  # says which fields there are
    if json:
        print_json(found)
        return
    out = console()
    for one in found:
        out.print(refused_text(one), soft_wrap=True)
    if not found:
        about = f"{clean(field)} of {clean(user)}" if field else clean(user)
        out.print(f"Nothing that was proposed for {about} was refused.", markup=False)


def refused_text(one: Refused) -> Text:
    """One refused change in a line."""
    from rich.text import Text

    change = one.change
    said = f"“{shortened(change.quote)}”" if change.quote else ""
    thread = f"thread {one.thread_id}" if one.thread_id else ""
    done = " ".join(filter(None, [action_of(one), clean(change.key or ""), _value(one)]))
    line = Text(when(one.at), style="dim")
    line.append(f"  {clean(_place(one))}", style="not dim bold")
    line.append(f"  {done}" if done else "", style="not dim")
    line.append(f"  {_reason(one)}", style="not dim")
    for last, style in ((said, "not dim italic"), (clean(thread), "dim")):
        line.append(f"  {last}" if last else "", style=style)
    return line


def refused_lines(refused: Sequence[Refused], user_id: str) -> list[str]:
    """What a batch refused and why, in a line each, without its words; of many only the first."""
    lines = [f"refused: {_place(one)}: {in_words(one)}" for one in refused[:_TOLD]]
    if len(refused) > _TOLD:
        more = len(refused) - _TOLD
        lines.append(f"refused: {more} more; usermemory profile refused {user_id} lists them")
    return lines


def _place(one: Refused) -> str:
    return field_of(one) or "no field"


def _value(one: Refused) -> str:
    value = one.change.value
    return "" if value is None else shortened(shown(value), 40)


def _reason(one: Refused) -> str:
    detail = f" ({shortened(one.detail, 80)})" if one.detail else ""
    return f"{in_words(one)}{detail}"
