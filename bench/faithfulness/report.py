"""The tables: how faithful each strategy is, what each check does, and what it costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.faithfulness.answers import Answer
from bench.faithfulness.cases import Case
from bench.faithfulness.judging import ALL, NEVER, Refused, Strategy, ablations, judged, refusals
from bench.faithfulness.marking import Marks, mark
from bench.table import Figure, print_figures
from rich.console import Console
from rich.table import Table

from usermemory.messages import tokens
from usermemory.prompt.example import as_json
from usermemory.records import Usage

Answered = Sequence[tuple[Case, Answer]]


@dataclass(frozen=True)
class Run:
    """The answers of one strategy.

    Attributes:
        name: What the tables call it.
        strategy: Which one.
        answered: Each case with its answer.
    """

    name: str
    strategy: Strategy
    answered: Answered

    def marks(self, off: frozenset[str], which: Callable[[Case], bool] = lambda _: True) -> Marks:
        """The marks of the cases of a kind, with some checks left out."""
        return sum(
            (
                mark(case, judged(case, answer, off).document)
                for case, answer in self.answered
                if which(case)
            ),
            Marks(),
        )

    def usage(self, which: Callable[[Case], bool] = lambda _: True) -> Usage:
        """What the answers cost."""
        return sum((answer.usage for case, answer in self.answered if which(case)), Usage())


_GROUPS: Sequence[tuple[str, Callable[[Case], bool]]] = [
    ("all", lambda _: True),
    ("short", lambda case: not case.long),
    ("30 items", lambda case: case.long),
]


def print_marks(title: str, runs: Iterable[Run]) -> None:
    """One line for each run and length of profile."""
    columns = ("facts", "learned", "lost", "invented", "wrong person", "unusable")
    table = Table("run", "profiles", "cases", *columns, "input", "output", "calls", title=title)
    for run in runs:
        for name, which in _GROUPS:
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
    off = NEVER[run.strategy]
    refused = [
        one
        for case, answer in run.answered
        for one in refusals(case, judged(case, answer, off), off)
    ]
    columns = ("refused", "rightly", "false refusals", "neither")
    table = Table("check", *columns, title=f"{run.name}: refusals")
    for check, count in Counter(one.check for one in refused).most_common():
        mine = [one for one in refused if one.check == check]
        false = sum(one.wanted for one in mine)
        right = sum(one.harmful and not one.wanted for one in mine)
        _row(table, check, count, right, false, count - right - false)
    _print(table)
    if show:
        _show(one for one in refused if one.wanted or not one.harmful)


def print_perfect(cases: Sequence[Case], *, show: bool) -> None:
    """How many changes of the scripted perfect model get through, and why the others do not."""
    answers = [(case, Answer(case.perfect)) for case in cases]
    refused = [
        one
        for case, answer in answers
        for one in refusals(case, judged(case, answer, frozenset()), frozenset())
    ]
    total = sum(len(case.perfect) for case in cases)
    through = total - len(refused)
    name = "perfect changes that get through"
    print_figures(
        "the scripted perfect model",
        [
            Figure(name, f"{through}", f"{total}", through / total, 0.95),
            *_sizes([(case, _size("patch", case), _size("overwrite", case)) for case in cases]),
        ],
    )
    marks = Run("perfect", "patch", answers).marks(frozenset())
    print(marks)
    for reason, count in Counter(one.rejection.reason for one in refused).most_common():
        print(f"refused as {reason}: {count}")
    if show:
        _show(refused)


def _size(strategy: Strategy, case: Case) -> int:
    """Tokens of a perfect answer, by the package's own estimate."""
    if strategy == "patch":
        answer: object = {"changes": [as_json(change) for change in case.perfect]}
    else:
        answer = judged(case, Answer(case.perfect), ALL).document
    return tokens(json.dumps(answer, ensure_ascii=False))


def print_targets(title: str, patch: Run, overwrite: Run) -> None:
    """The figures that are aimed at."""
    ours, other = patch.marks(NEVER["patch"]), overwrite.marks(NEVER["overwrite"])
    print_figures(
        title,
        [
            Figure("wrong person", f"{ours.wrong}", f"{other.wrong}", ours.wrong, 0, "<="),
            _ratio("invented", ours.invented, other.invented, 0.5, "<="),
            _ratio("learned", ours.learned, other.learned, 1.0, ">="),
            *_sizes(
                [
                    (case, mine.usage.output_tokens, theirs.usage.output_tokens)
                    for (case, mine), (_, theirs) in zip(
                        patch.answered, overwrite.answered, strict=True
                    )
                ]
            ),
        ],
    )


def _sizes(spent: Sequence[tuple[Case, int, int]]) -> list[Figure]:
    """Output tokens of patch and overwrite, by the length of the profile."""

    def figure(name: str, which: Callable[[Case], bool], target: float | None) -> Figure:
        ours = sum(one for case, one, _ in spent if which(case))
        other = sum(one for case, _, one in spent if which(case))
        return _ratio(f"output tokens, {name}", ours, other, target, "<=")

    return [
        figure("short profiles", lambda case: not case.long, None),
        figure("30 items", lambda case: case.long, 2 / 3),
        figure(
            "30 items, 1-2 changes", lambda case: case.long and len(case.perfect) in {1, 2}, 1 / 3
        ),
    ]


def _ratio(
    name: str, ours: int, other: int, target: float | None, sense: Literal["<=", ">="]
) -> Figure:
    ratio = ours / other if other else (0.0 if not ours else None)
    return Figure(name, f"{ours}", f"{other}", ratio, target, sense)


def _counts(marks: Marks) -> tuple[int, int, int, int, int]:
    return marks.facts, marks.learned, marks.lost, marks.invented, marks.wrong


def _show(refused: Iterable[Refused]) -> None:
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
