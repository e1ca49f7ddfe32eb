"""Print how faithful a model's updates are.

    python -m bench.faithfulness --answers bench/data/answers/large.json --half tune
    python -m bench.faithfulness --answers FILE --ask http://127.0.0.1:8095/as.openai.com/v1 …

Answers are read from a file; with ``--ask`` what is missing there is asked from a server that
speaks OpenAI's protocol, and kept. A run without ``--ask`` needs neither model nor key.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.faithfulness.cases import DATA, SETS, Case, halves, load
from bench.faithfulness.recording import Recorder
from bench.faithfulness.runs import Run, model, run
from rich.console import Console
from rich.table import Table


def main() -> None:
    """Ask or replay, then print the tables."""
    args = _arguments()
    cases = _cases(args)
    with Recorder(args.answers, args.ask) as recorder:
        chat = model(
            recorder.url("server" if args.small else "provider"), args.model, small=args.small
        )
        runs = [
            run(
                f"{args.strategy}, verify={verify}",
                cases,
                chat,
                verify,
                args.strategy,
                args.parallel,
            )
            for verify in args.verify
        ]
        if args.prune:
            recorder.prune()
    show_runs(f"{args.answers.stem}, {args.half}, {len(cases)} cases", runs)
    if recorder.missing:
        print(f"{len(set(recorder.missing))} requests are not recorded")
    if args.show:
        for one in runs:
            show_results(one)


def _cases(args: argparse.Namespace) -> list[Case]:
    every = ["tune", "held"] if args.half == "both" else [args.half]
    if args.data:
        return load(args.data)[: args.limit]
    cases: list[Case] = []
    for half in every:
        singles = [name for name in args.sets if name != "years"]
        cases += halves(half, singles)
        if "years" in args.sets:
            cases += load(DATA / f"years-{half}.json")
    return cases[: args.limit]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.faithfulness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--answers", type=Path, required=True, help="the file of a model's answers")
    add("--ask", metavar="URL", help="ask for missing answers here, and keep them")
    add("--model", default="by-hand", help="the name that the server knows")
    add("--small", action="store_true", help="a server of one's own with a small model")
    add("--half", choices=["tune", "held", "both"], default="tune", help="of the labelled updates")
    add("--sets", nargs="+", default=list(SETS), choices=[*SETS, "years"], help="which files")
    add("--data", type=Path, help="another file of labelled updates")
    add("--verify", nargs="+", choices=["auto", "always", "off"], default=["auto"])
    add("--strategy", choices=["patch", "overwrite"], default="patch")
    add("--limit", type=int, help="only so many cases")
    add("--parallel", type=int, default=1, metavar="N", help="so many users at once")
    add("--prune", action="store_true", help="drop answers that this run did not use")
    add("--show", action="store_true", help="what went wrong, in words (not of the held half)")
    args = parser.parse_args()
    if args.show and args.half != "tune" and args.data is None:
        parser.error("--show reads the cases aloud, and the held half is kept unread")
    return args


def show_runs(title: str, runs: Sequence[Run]) -> None:
    """One line for each setting."""
    names = ("facts", "learned", "lost", "invented", "wrong person")
    table = Table("run", *names, "batches", "calls", "prompt", "output", "failed", title=title)
    for one in runs:
        marks, outcomes = one.marks, one.outcomes
        usage = [outcome.usage for outcome in outcomes]
        failed = sum(outcome.status == "failed" for outcome in outcomes)
        cells = (
            *(marks.facts, marks.learned, marks.lost, marks.invented, marks.wrong),
            *(len(outcomes), sum(each.calls for each in usage)),
            *(sum(each.input_tokens for each in usage), sum(each.output_tokens for each in usage)),
            failed,
        )
        table.add_row(one.name, *map(str, cells))
    console = Console(width=130)
    console.print(table)
    for one in runs:
        reasons = Counter(r.reason for o in one.outcomes for r in o.rejections)
        console.print(f"{one.name}: refused {dict(reasons.most_common())}")


def show_results(one: Run) -> None:
    """Whatever is not as the labels say, and what was refused."""
    for result in one.results:
        marked = result.marked
        for name in ("missing", "lost", "invented", "wrong"):
            for found in getattr(marked, name):
                print(f"{one.name} {result.case.id} {result.case.kind} {name}: {found}")
        for outcome in result.outcomes:
            if outcome.status == "failed":
                print(f"{one.name} {result.case.id} FAILED {outcome.reason} {outcome.error}")
            for refused in outcome.rejections:
                change = refused.change
                print(
                    f"{one.name} {result.case.id} refused {refused.reason}: {change.action} "
                    f"{change.field} {change.value!r} on {change.quote!r} ({refused.detail})"
                )


if __name__ == "__main__":
    main()
