"""What is compared, and what is aimed at."""

from __future__ import annotations

from collections.abc import Iterable

from bench.cost.ours import Ours
from bench.cost.run import Cost, Run
from bench.cost.shares import average
from bench.table import Figure
from rich.console import Console
from rich.table import Table

_FIRST = 10
"""Sessions of each dialogue: what a profile costs while it is short."""


def against(mine: Run, page: Run | None, langmem: Run | None) -> list[Figure]:
    """The figures; those of a system that was not measured say so."""
    return [
        _ratio("w / the how-to's", mine.weight, page and page.weight, 0.333),
        _ratio("w / LangMem's, debounced", mine.weight, langmem and langmem.weight, 1.0),
        _ratio(
            f"prompts of the first {_FIRST} sessions / the how-to's",
            mine.prompt(_FIRST),
            page and page.prompt(_FIRST),
            1.2,
        ),
        _ratio("facts kept / annotated (400 of 407)", mine.kept, mine.of, 0.982, ">="),
        _ratio("calls / the how-to's", len(mine.costs), page and len(page.costs)),
    ]


def _ratio(
    name: str, ours: int, other: int | None, target: float | None = None, sense: str = "<="
) -> Figure:
    told = "not measured" if other is None else f"{other:,}"
    ratio = None if other is None else ours / other
    return Figure(name, f"{ours:,}", told, ratio, target, ">=" if sense == ">=" else "<=")


def print_runs(title: str, runs: Iterable[Run]) -> None:
    """What each system did, one a line."""
    table = Table("system", "calls", "second calls", "prompt", "output", "w", "kept", title=title)
    for run in runs:
        second = sum(not one.first for one in run.costs)
        counts = (len(run.costs), second, run.prompt(), run.output, run.weight)
        table.add_row(run.name, *(f"{one:,}" for one in counts), f"{run.kept} of {run.of}")
    Console(width=120).print(table)


def _is_second(cost: Cost, until: int | None) -> bool:
    return not cost.first and (until is None or cost.session <= until)


def print_shares(mine: Ours) -> None:
    """Where the tokens of a first call go, on average."""
    mean = average(mine.shares)
    table = Table("part of a first call", "tokens", title="where they go")
    for name in ("rules", "fields", "form", "profile", "transcript"):
        table.add_row(name, f"{getattr(mean, name):,.0f}")
    table.add_row("of the transcript, what was said", f"{mean.said:,.0f}")
    for name, until in (("all sessions", None), (f"the first {_FIRST} sessions", _FIRST)):
        second = [one.prompt for one in mine.run.costs if _is_second(one, until)]
        table.add_row(f"second calls of {name}: {len(second)}, together", f"{sum(second):,}")
    table.add_row("output for a fact", f"{mean.output / mean.facts:.1f}")
    table.add_row("of that, the fact itself", f"{mean.values / mean.facts:.1f}")
    Console(width=120).print(table)
