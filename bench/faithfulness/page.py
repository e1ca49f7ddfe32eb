"""The figures of the recorded answers as the section of ``bench/README.md`` that holds them.

``python -m bench.faithfulness.page`` writes it anew; a test sees to it that it is what the code
gives. Nothing is asked: the answers are replayed through the checks as they are now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

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
_BEGIN, _END = "<!-- faithfulness: written by bench.faithfulness.page -->", "<!-- /faithfulness -->"


def main() -> None:
    """Write the section."""
    text = README.read_text("utf-8")
    README.write_text(f"{text.partition(_BEGIN)[0]}{section()}{text.partition(_END)[2]}", "utf-8")


def written() -> str:
    """The section as it stands in the file."""
    text = README.read_text("utf-8")
    return text[text.index(_BEGIN) : text.index(_END) + len(_END)]


def section() -> str:
    """The section as the code gives it now."""
    cases = {half: load(BENCH / "data" / f"updates-{half}.json") for half in HALVES}
    runs = {half: _replayed(half, some) for half, some in cases.items()}
    lines = [
        _BEGIN,
        *_marks(runs),
        "",
        *_targets(runs["held"]),
        "",
        *_checks(runs),
        "",
        *_perfect(cases),
    ]
    return "\n".join([*lines, _END])


def _replayed(half: str, cases: Sequence[Case]) -> dict[Strategy, Run]:
    runs: dict[Strategy, Run] = {}
    for strategy in get_args(Strategy):
        path = BENCH / "data" / "answers" / f"{MODEL}-updates-{half}-{strategy}.json"
        answers = Answers(path, only=True)
        found = [(case, answers.known(case.id, digest(strategy, request(case)))) for case in cases]
        runs[strategy] = Run(strategy, strategy, found)
    return runs


def _marks(runs: dict[str, dict[Strategy, Run]]) -> Iterator[str]:
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


def _checks(runs: dict[str, dict[Strategy, Run]]) -> Iterator[str]:
    """For each line of the ablation the marks of both strategies and halves, and the refusals."""
    ran = [both[strategy] for both in runs.values() for strategy in get_args(Strategy)]
    names = [
        f"{run.strategy}, {HALVES[half]}" for half, both in runs.items() for run in both.values()
    ]
    yield from _head("learned / lost / invented / wrong person", *names)
    tables = [dict(_ablation(run)) for run in ran]
    for name in tables[0]:
        yield _row(name, *(table.get(name, "") for table in tables))
    yield ""
    yield from _head("refused / rightly / falsely", *names)
    counted = [_refusals(run) for run in ran]
    for check in sorted({check for table in counted for check in table}):
        yield _row(check, *(table.get(check, "") for table in counted))


def _ablation(run: Run) -> Iterator[tuple[str, str]]:
    for name, off in ablations(run.strategy):
        yield name, " / ".join(map(str, _counts(run.marks(off))[1:]))


def _refusals(run: Run) -> dict[str, str]:
    refused = run.refused(NEVER[run.strategy])
    found: dict[str, str] = {}
    for check in {one.check for one in refused}:
        mine = [one for one in refused if one.check == check]
        falsely = sum(one.wanted for one in mine)
        rightly = sum(one.harmful and not one.wanted for one in mine)
        found[check] = f"{len(mine)} / {rightly} / {falsely}"
    return found


def _perfect(cases: dict[str, list[Case]]) -> Iterator[str]:
    yield from _head("a scripted perfect model", "changes", "get through", "share")
    everything = [case for some in cases.values() for case in some]
    for name, some in [
        *((HALVES[half], some) for half, some in cases.items()),
        ("both", everything),
    ]:
        through, total = perfect(some)
        yield _row(name, total, through, f"{through / total:.1%}")


def _counts(marks: Marks) -> tuple[int, ...]:
    return marks.facts, marks.learned, marks.lost, marks.invented, marks.wrong


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield re.sub(r"[^|]+", "---", _row(*names))


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
