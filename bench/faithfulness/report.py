"""The tables: how faithful each strategy is, and what each check does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from bench.faithfulness.cases import Case
from bench.faithfulness.judging import NEVER, Weighed, ablations
from bench.faithfulness.marking import Marks
from bench.faithfulness.runs import Run
from rich.console import Console
from rich.table import Table

GROUPS: Sequence[tuple[str, Callable[[Case], bool]]] = [
    ("all", lambda _: True),
    ("short", lambda case: not case.long),
    ("30 items", lambda case: case.long),
]


def print_marks(title: str, runs: Iterable[Run]) -> None:
    """One line for each run and length of profile."""
    columns = ("facts", "learned", "lost", "invented", "wrong person", "unusable")
    table = Table("run", "profiles", "cases", *columns, "input", "output", "calls", title=title)
    for run in runs:
        for name, which in GROUPS:
            chosen = [answer for case, answer in run.answered if which(case)]
            marks, usage = run.marks(NEVER[run.strategy], which), run.usage(which)
            unusable = sum(bool(answer.error) for answer in chosen)
            cost = (usage.input_tokens, usage.output_tokens, usage.calls)
            _row(table, run.name, name, len(chosen), *_counts(marks), unusable, *cost)
    _print(table)


def print_ablation(run: Run) -> None:
    """What is learned and what goes wrong with each check alone, and with each left out."""
    columns = ("learned", "lost", "invented", "wrong person")
    table = Table("checks", "facts", *columns, title=f"{run.name}: the same answers, other checks")
    for name, off in ablations(run.strategy):
        _row(table, name, *_counts(run.marks(off)))
    _print(table)


def print_refusals(run: Run, *, show: bool) -> None:
    """How often each check refused, and how often wrongly."""
    refused = run.refused(NEVER[run.strategy])
    columns = ("refused", "rightly", "false refusals", "neither")
    table = Table("check", *columns, title=f"{run.name}: refusals")
    for check, count in Counter(one.check for one in refused).most_common():
        mine = [one for one in refused if one.check == check]
        false = sum(one.wanted for one in mine)
        right = sum(one.harmful and not one.wanted for one in mine)
        _row(table, check, count, right, false, count - right - false)
    _print(table)
    if show:
        show_refused(one for one in refused if one.wanted or not one.harmful)


def _counts(marks: Marks) -> tuple[int, int, int, int, int]:
    return marks.facts, marks.learned, marks.lost, marks.invented, marks.wrong


def show_refused(refused: Iterable[Weighed]) -> None:
    """Refused changes in words."""
    for one in refused:
        change, kind = one.rejection.change, "WANTED" if one.wanted else "-"
        print(
            f"{one.case} {kind} {one.check}/{one.rejection.reason}: {change.action} "
            f"{change.field} {change.value!r} on {change.quote!r} ({one.rejection.detail})"
        )


def _row(table: Table, *cells: object) -> None:
    table.add_row(*map(str, cells))


def _print(table: Table) -> None:
    Console(width=130).print(table)
