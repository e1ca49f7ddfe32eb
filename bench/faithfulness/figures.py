"""The figures that are aimed at: against overwriting, and of a scripted perfect model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from bench.faithfulness.answers import Answer
from bench.faithfulness.asked import Strategy
from bench.faithfulness.cases import Case
from bench.faithfulness.judging import ALL, NEVER, judged
from bench.faithfulness.report import print_marks, show_refused
from bench.faithfulness.runs import Run
from bench.table import Figure, print_figures

from usermemory.messages import tokens
from usermemory.prompt.example import as_json


def print_targets(title: str, patch: Run, overwrite: Run) -> None:
    """Patch against overwrite, as this package checks it and as simple systems do it."""
    print_figures(title, targets(patch, overwrite))


def targets(patch: Run, overwrite: Run) -> list[Figure]:
    """What is aimed at, and whether it is met."""
    ours, other = patch.marks(NEVER["patch"]), overwrite.marks(NEVER["overwrite"])
    raw = overwrite.marks(ALL)
    spent = [
        (case, mine.usage.output_tokens, theirs.usage.output_tokens)
        for (case, mine), (_, theirs) in zip(patch.answered, overwrite.answered, strict=True)
    ]
    return [
        Figure("wrong person", f"{ours.wrong}", f"{other.wrong}", ours.wrong, 0, "<="),
        _ratio("invented", ours.invented, other.invented, 0.5, "<="),
        _ratio("invented, overwrite unchecked", ours.invented, raw.invented, 0.5, "<="),
        _ratio("learned", ours.learned, other.learned, 1.0, ">="),
        _ratio("learned, overwrite unchecked", ours.learned, raw.learned, 1.0, ">="),
        *_sizes(spent),
    ]


def perfect(cases: Sequence[Case]) -> tuple[int, int]:
    """How many changes of the scripted perfect model get through, and of how many."""
    total = sum(len(case.perfect) for case in cases)
    return total - len(_perfect_run(cases).refused(NEVER["patch"])), total


def _perfect_run(cases: Sequence[Case]) -> Run:
    return Run("perfect", "patch", [(case, Answer(case.perfect)) for case in cases])


def print_perfect(title: str, cases: Sequence[Case], *, show: bool) -> None:
    """How many changes of the scripted perfect model get through, and why the others do not."""
    run = _perfect_run(cases)
    refused = run.refused(NEVER["patch"])
    through, total = perfect(cases)
    sizes = [(case, _size("patch", case), _size("overwrite", case)) for case in cases]
    print_marks(title, [run])
    print_figures(
        "the scripted perfect model; tokens of its answers by the package's own estimate",
        [
            Figure("changes that get through", f"{through}", f"{total}", through / total, 0.95),
            *_sizes(sizes),
        ],
    )
    for reason, count in Counter(one.rejection.reason for one in refused).most_common():
        print(f"refused as {reason}: {count}")
    if show:
        show_refused(refused)


def _size(strategy: Strategy, case: Case) -> int:
    if strategy == "patch":
        answer: object = {"changes": [as_json(change) for change in case.perfect]}
    else:
        answer = judged(case, Answer(case.perfect), ALL).document
    return tokens(json.dumps(answer, ensure_ascii=False))


def _sizes(spent: Sequence[tuple[Case, int, int]]) -> list[Figure]:
    """Output tokens of patch and overwrite, by the length of the profile."""

    def figure(name: str, which: Callable[[Case], bool], target: float | None) -> Figure:
        ours = sum(one for case, one, _ in spent if which(case))
        other = sum(one for case, _, one in spent if which(case))
        ratio = ours / other if other else None
        return Figure(f"output tokens, {name}", f"{ours}", f"{other}", ratio, target, "<=")

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
