"""``usermemory doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import logging
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, AsJson, BaseUrl, Database, Model, examples

if TYPE_CHECKING:
    from rich.console import Console

    from usermemory.cli.checkup import Finding

EXAMPLES = examples(
    "usermemory doctor",
    "usermemory doctor --model anthropic:claude-haiku-4-5",
    "usermemory doctor --model qwen --base-url http://localhost:8080/v1",
    "usermemory doctor --db postgresql://bot@db.example.com/app --model offline --json",
)

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


def doctor(
    *,
    model: Model = None,
    base_url: BaseUrl = None,
    db: Database = DATABASE,
    patience: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for each answer.")
    ] = 120.0,
    json: AsJson = False,
) -> None:
    """Check packages, database and language model; for each, what was found and what to do next.

    Without a model named and without a key set, and with --model offline, no model is called.
    Else it is asked three small things, at the price of some thousand tokens: to answer, to find
    changes in one sentence, and to call a tool. The database is looked at and not changed. Exit
    code 1 if something fails.
    """
    from usermemory.cli import checkup, model_checkup
    from usermemory.cli.output import console, print_json

    # What goes wrong is among the findings.
    logging.getLogger("usermemory").addHandler(logging.NullHandler())
    looking = chain(
        checkup.packages(), checkup.database(db), model_checkup.model(model, base_url, patience)
    )
    found: list[Finding] = []
    for finding in looking:
        found.append(finding)
        if not json:
            _show(console(), finding)
    failed = any(finding.state == "fail" for finding in found)
    if json:
        print_json({"ok": not failed, "findings": found})
    if failed:
        raise typer.Exit(1)


def _show(out: Console, finding: Finding) -> None:
    from usermemory.cli.output import clean

    out.print(f"{finding.state:5}", style=_STYLES[finding.state], end="")
    out.print(f"{finding.name}: {clean(finding.said)}", markup=False, soft_wrap=True)
    if finding.todo:
        out.print(f"     → {clean(finding.todo)}", markup=False, soft_wrap=True, style="dim")
