"""The tables of ``bench/README.md`` that come of the labelled updates and the recorded answers.

``python -m bench.faithfulness.page`` writes them anew; a test sees to it that they are what the
code gives. Nothing is asked: the answers are replayed through the checks as they are now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from bench import gate
from bench.faithfulness.answers import Answers
from bench.faithfulness.asked import Strategy, digest, request
from bench.faithfulness.cases import Case, load
from bench.faithfulness.figures import perfect, targets
from bench.faithfulness.judging import ALL, NEVER, ablations
from bench.faithfulness.marking import Marks
from bench.faithfulness.report import GROUPS
from bench.faithfulness.runs import Run

MODEL = "qwen2.5-coder-1.5b-instruct"
HALVES = {"tune": "tuned on", "held": "kept aside"}
BENCH = Path(__file__).parents[1]
README = BENCH / "README.md"
Runs = dict[str, dict[Strategy, Run]]
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(?=<!-- /table -->)", re.DOTALL)


def main() -> None:
    """Write the tables into the page."""
    README.write_text(filled(README.read_text("utf-8")), "utf-8")


def filled(page: str) -> str:
    """The page with each table between its marks as the code gives it now."""
    made = tables()
    return _TABLE.sub(lambda found: f"{found[1]}{made[found[2]]}\n", page)


def tables() -> dict[str, str]:
    """All tables by the name that the page calls them."""
    cases = {half: load(BENCH / "data" / f"updates-{half}.json") for half in HALVES}
    runs = {half: _replayed(half, some) for half, some in cases.items()}
    made = {
        "marks": _marks(runs),
        "targets": _targets(runs["held"]),
        "checks": _checks(runs),
        "refusals": _refusals(runs),
        "perfect": _perfect(cases),
        "gates": _gates(cases),
    }
    return {name: "\n".join(lines) for name, lines in made.items()}


def _replayed(half: str, cases: Sequence[Case]) -> dict[Strategy, Run]:
    runs: dict[Strategy, Run] = {}
    for strategy in get_args(Strategy):
        path = BENCH / "data" / "answers" / f"{MODEL}-updates-{half}-{strategy}.json"
        answers = Answers(path, only=True)
        found = [(case, answers.known(case.id, digest(strategy, request(case)))) for case in cases]
        runs[strategy] = Run(strategy, strategy, found)
    return runs


def _marks(runs: Runs) -> Iterator[str]:
    columns = ["facts", "learned", "lost", "invented", "wrong person", "unusable", "output tokens"]
    yield from _head("half", "strategy", "profiles", *columns)
    for half, both in runs.items():
        for run in both.values():
            for off, note in ((NEVER[run.strategy], ""), (ALL, ", no check")):
                for name, which in GROUPS:
                    answers = [answer for case, answer in run.answered if which(case)]
                    unusable = sum(bool(answer.error) for answer in answers)
                    marks = run.marks(off, which)
                    spent = run.usage(which).output_tokens
                    label = f"{run.strategy}{note}"
                    yield _row(HALVES[half], label, name, *_counts(marks), unusable, spent)


def _targets(held: dict[Strategy, Run]) -> Iterator[str]:
    yield from _head("half kept aside", "patch", "overwrite", "ratio", "target", "met")
    for one in targets(held["patch"], held["overwrite"]):
        ratio = "-" if one.ratio is None else f"{one.ratio:.2f}"
        target = (
            ""
            if one.target is None
            else f"{one.sense.replace('>=', '≥').replace('<=', '≤')} {one.target:.2g}"
        )
        yield _row(one.name, one.ours, one.other, ratio, target, one.met.lower())


def _checks(runs: Runs) -> Iterator[str]:
    """For each line of the ablation, the marks of both strategies and halves."""
    yield from _head("learned / lost / invented / wrong person", *_names(runs))
    made = [dict(_ablation(run)) for both in runs.values() for run in both.values()]
    for name in made[0]:
        yield _row(name, *(lines.get(name, "") for lines in made))


def _ablation(run: Run) -> Iterator[tuple[str, str]]:
    for name, off in ablations(run.strategy):
        yield name, " / ".join(map(str, _counts(run.marks(off))[1:]))


def _refusals(runs: Runs) -> Iterator[str]:
    yield from _head("refused / rightly / falsely", *_names(runs))
    made = [dict(_refused(run)) for both in runs.values() for run in both.values()]
    for name in sorted({name for lines in made for name in lines}):
        yield _row(name, *(lines.get(name, "") for lines in made))


def _refused(run: Run) -> Iterator[tuple[str, str]]:
    refused = run.refused(NEVER[run.strategy])
    for check in {one.check for one in refused}:
        mine = [one for one in refused if one.check == check]
        rightly = sum(one.harmful and not one.wanted for one in mine)
        yield check, f"{len(mine)} / {rightly} / {sum(one.wanted for one in mine)}"


def _names(runs: Runs) -> list[str]:
    return [f"{strategy}, {HALVES[half]}" for half, both in runs.items() for strategy in both]


def _perfect(cases: dict[str, list[Case]]) -> Iterator[str]:
    yield from _head("a scripted perfect model", "changes", "get through", "share")
    everything = [case for some in cases.values() for case in some]
    for name, some in [
        *((HALVES[half], some) for half, some in cases.items()),
        ("both", everything),
    ]:
        through, total = perfect(some)
        yield _row(name, total, through, f"{through / total:.1%}")


def _gates(cases: dict[str, list[Case]]) -> Iterator[str]:
    yield from _head("half", *gate.COLUMNS)
    for half, some in cases.items():
        yield from (_row(HALVES[half], *line) for line in gate.lines(some))


def _counts(marks: Marks) -> tuple[int, ...]:
    return marks.facts, marks.learned, marks.lost, marks.invented, marks.wrong


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield re.sub(r"[^|]+", "---", _row(*names))


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
