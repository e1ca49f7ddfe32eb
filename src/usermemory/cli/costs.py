"""``usermemory costs``: what learning cost, by day, user or model."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from usermemory.cli.options import DATABASE, AsJson, Database, examples
from usermemory.cli.output import clean, console, print_json
from usermemory.records import Usage

if TYPE_CHECKING:
    from rich.table import Table

    from usermemory.records import Cost

EXAMPLES = examples(
    "usermemory costs",
    "usermemory costs will --days 7",
    "usermemory costs --by user --json | jq '.[0]'",
)

_DAY = 86_400.0

By = Literal["day", "user", "model"]


def costs(
    user: Annotated[
        str | None, typer.Argument(help="About whom.", show_default="everybody")
    ] = None,
    *,
    by: Annotated[By, typer.Option(help="What a line is about.")] = "day",
    days: Annotated[int, typer.Option(min=1, metavar="N", help="Today, and days before.")] = 30,
    db: Database = DATABASE,
    json: AsJson = False,
) -> None:
    """Show how many tokens learning used, as the providers counted them: by day, user or model.

    Days are those of UTC. By user or model the dearest comes first. Second looks and failed
    attempts are counted. With --json each user, day and model is an object.
    """
    from usermemory.cli.opening import existing

    now = time.time()
    with existing(db) as memory:
        found = memory.costs(user, since=now - now % _DAY - (days - 1) * _DAY)
    if json:
        print_json(found)
    elif found:
        console().print(_table(by, found))
    else:
        about = f" about {clean(user)}" if user else ""
        last = "today" if days == 1 else f"in the last {days} days"
        console().print(f"No model was asked{about} {last}.", markup=False)


def _table(by: By, found: Iterable[Cost]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(by)
    for heading in ("readings", "calls", "tokens in", "of these cached", "tokens out"):
        table.add_column(heading, justify="right")
    lines: dict[str, tuple[int, Usage]] = {}
    for cost in found:
        key = {"day": cost.day, "user": cost.user_id, "model": cost.model or "unknown"}[by]
        readings, usage = lines.get(key, (0, Usage()))
        lines[key] = readings + cost.readings, usage + cost.usage
    ordered = sorted(lines.items(), key=lambda line: 0 if by == "day" else -_tokens(line[1][1]))
    for name, line in ordered:
        table.add_row(clean(name), *_cells(*line))
    total = sum(readings for readings, _ in lines.values())
    whole = sum((usage for _, usage in lines.values()), Usage())
    table.add_row("all", *_cells(total, whole), style="bold")
    return table


def _cells(readings: int, usage: Usage) -> list[str]:
    figures = (readings, usage.calls, usage.input_tokens, usage.cached_tokens, usage.output_tokens)
    return [f"{figure:,}" for figure in figures]


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
