"""Print how faithful a model's updates are: ``python -m bench.faithfulness --model MODEL``.

The model is asked once for each case; ``--record`` keeps its answers, and ``--replay`` reads them
again, so that a change of the checks needs no model. ``--model perfect`` proposes what the labels
call perfect, which measures the checks alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from bench.faithfulness.answers import Answers
from bench.faithfulness.asked import Strategy
from bench.faithfulness.cases import Case, load
from bench.faithfulness.figures import print_perfect, print_targets
from bench.faithfulness.judging import answered, recorded, repaired
from bench.faithfulness.report import print_ablation, print_marks, print_refusals
from bench.faithfulness.runs import Run

from usermemory.extract import Extractor

LONGEST_ANSWER = 1_000
"""Tokens; a small model that loops would go on for minutes."""

MENDED = "patch, repaired"
_DATA = Path(__file__).parent.parent / "data"


def main() -> None:
    """Ask or replay, then print the tables."""
    args = _arguments()
    halves = ["tune", "held"] if args.half == "both" else [args.half]
    paths = [args.data] if args.data else [_DATA / f"updates-{half}.json" for half in halves]
    parts = [(path, load(path)[:: args.every][: args.limit]) for path in paths]
    if args.model == "perfect":
        _print_perfect(parts, show=args.show)
        return
    groups = [_runs(args, path, cases) for path, cases in parts]
    for (path, cases), runs in zip(parts, groups, strict=True):
        count = len(next(iter(runs.values())).answered)
        _print_runs(f"{path.stem}, {count} of {len(cases)} cases, {args.model}", runs, args)
    if len(groups) > 1:
        _print_runs(f"both halves, {args.model}", _joined(groups), args)


def _print_perfect(parts: Sequence[tuple[Path, Sequence[Case]]], *, show: bool) -> None:
    for path, cases in parts:
        print_perfect(f"{path.stem}, {len(cases)} cases", cases, show=show)
    if len(parts) > 1:
        everything = [case for _, cases in parts for case in cases]
        print_perfect(f"both halves, {len(everything)} cases", everything, show=show)


def _print_runs(title: str, runs: Mapping[str, Run], args: argparse.Namespace) -> None:
    print_marks(title, runs.values())
    if "patch" in runs and "overwrite" in runs:
        print_targets(title, runs["patch"], runs["overwrite"])
    for name in [one for one in runs if one != MENDED]:
        print_ablation(runs[name])
        print_refusals(runs[name], show=args.show)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faithfulness", description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="'perfect', or what init_chat_model takes: openai:local")
    add("--base-url", help="of a server that speaks OpenAI's protocol")
    add("--strategy", choices=["patch", "overwrite", "both"], default="both")
    add("--half", choices=["tune", "held", "both"], default="tune", help="of the labelled updates")
    add("--data", type=Path, help="another file of labelled updates")
    add("--record", type=Path, metavar="DIR", help="keep the answers; ask only for missing ones")
    add(
        "--replay",
        type=Path,
        metavar="DIR",
        help="read only the answers that were kept",
    )
    add("--limit", type=int, help="only so many cases")
    add("--every", type=int, default=1, help="only every so manieth case")
    add("--parallel", type=int, default=1, metavar="N", help="ask for so many answers at once")
    add("--repair", action="store_true", help="also measure the second call")
    add("--show", action="store_true", help="the refused changes in words (not of the held half)")
    args = parser.parse_args()
    if args.show and args.half != "tune" and args.data is None:
        parser.error("--show reads the cases aloud, and the held half is kept unread")
    if args.repair and args.strategy == "overwrite":
        parser.error("--repair belongs to the strategy patch")
    return args


def _runs(args: argparse.Namespace, path: Path, cases: Sequence[Case]) -> dict[str, Run]:
    """The runs over one file of cases, by what the tables call them."""
    wanted: Sequence[Strategy] = get_args(Strategy) if args.strategy == "both" else (args.strategy,)
    kept = {strategy: _answers(args, path.stem, strategy) for strategy in wanted}
    if args.replay:
        cases = [case for case in cases if _all_recorded(case, kept)]
    runs = {strategy: _run(args, strategy, kept[strategy], cases) for strategy in wanted}
    if args.repair and "patch" in runs:
        runs[MENDED] = _mended(args, kept["patch"], runs["patch"])
    return runs


def _all_recorded(case: Case, kept: Mapping[Strategy, Answers]) -> bool:
    missing = [name for name, answers in kept.items() if not recorded(case, name, answers)]
    if missing:
        why = "no recorded answer to what would be asked now; left out"
        print(f"{case.id}, {', '.join(missing)}: {why}", file=sys.stderr)
    return not missing


def _run(
    args: argparse.Namespace, strategy: Strategy, answers: Answers, cases: Sequence[Case]
) -> Run:
    extractor = _extractor(args, strategy)
    with ThreadPoolExecutor(args.parallel) as pool:
        found = pool.map(lambda case: answered(case, strategy, extractor, answers), cases)
        return Run(strategy, strategy, list(zip(cases, found, strict=True)))


def _mended(args: argparse.Namespace, answers: Answers, patch: Run) -> Run:
    extractor = _extractor(args, "patch")
    second = [
        (case, *repaired(case, answer, extractor, answers)) for case, answer in patch.answered
    ]
    missing = sum(not had for _, _, had in second)
    name = MENDED + (f" ({missing} not recorded)" if missing else "")
    return Run(name, "patch", [(case, answer) for case, answer, _ in second])


def _joined(groups: Sequence[Mapping[str, Run]]) -> dict[str, Run]:
    return {
        name: replace(run, answered=[pair for runs in groups for pair in runs[name].answered])
        for name, run in groups[0].items()
    }


def _answers(args: argparse.Namespace, data: str, strategy: Strategy) -> Answers:
    folder = args.replay or args.record
    model = args.model.rpartition(":")[2].rpartition("/")[2]
    path = folder / f"{model}-{data}-{strategy}.json" if folder else None
    return Answers(path, only=args.replay is not None)


def _extractor(args: argparse.Namespace, strategy: Strategy) -> Callable[[], Extractor]:
    """Builds the extractor on first use: a replay needs neither its package nor its key."""

    def build() -> Extractor:
        from langchain.chat_models import init_chat_model

        from usermemory.extract.language_model import LanguageModelExtractor
        from usermemory.extract.overwrite import OverwriteExtractor

        more: dict[str, Any] = {"max_tokens": LONGEST_ANSWER, "timeout": 3_600, "temperature": 0}
        if args.base_url:
            more |= {"base_url": args.base_url, "api_key": os.environ.get("OPENAI_API_KEY", "none")}
        model = init_chat_model(args.model, **more)
        return LanguageModelExtractor(model) if strategy == "patch" else OverwriteExtractor(model)

    return cache(build)


if __name__ == "__main__":
    main()
