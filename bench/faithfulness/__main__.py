"""Print how faithful a model's updates are: ``python -m bench.faithfulness --model MODEL``.

The model is asked once for each case; ``--record`` keeps its answers, and ``--replay`` reads them
again, so that a change of the checks needs no model. ``--model perfect`` proposes what the labels
call perfect, which measures the checks alone.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args

from bench.faithfulness.answers import Answers
from bench.faithfulness.cases import Case, load
from bench.faithfulness.figures import print_perfect, print_targets
from bench.faithfulness.judging import Strategy, answered, repaired
from bench.faithfulness.report import print_ablation, print_marks, print_refusals
from bench.faithfulness.runs import Run

from usermemory.extract import Extractor

LONGEST_ANSWER = 1_000
"""Tokens; a small model that loops would go on for minutes."""

_DATA = Path(__file__).parent.parent / "data"


def main() -> None:
    """Ask or replay, then print the tables."""
    args = _arguments()
    path = args.data or _DATA / f"updates-{args.half}.json"
    labelled = load(path)
    cases = labelled[:: args.every][: args.limit]
    if args.model == "perfect":
        print_perfect(f"{path.stem}, {len(cases)} cases", cases, show=args.show)
        return
    wanted = get_args(Strategy) if args.strategy == "both" else (args.strategy,)
    kept = {strategy: _answers(args, path.stem, strategy) for strategy in wanted}
    if args.replay:
        cases = [case for case in cases if all(case.id in answers for answers in kept.values())]
    title = f"{path.stem}, {len(cases)} of {len(labelled)} cases, {args.model}"
    runs = {strategy: _run(args, answers, cases, strategy) for strategy, answers in kept.items()}
    mended = (
        [_mended(args, kept["patch"], runs["patch"])] if args.repair and "patch" in runs else []
    )
    print_marks(title, [*runs.values(), *mended])
    if len(runs) == 2:
        print_targets(title, runs["patch"], runs["overwrite"])
    for run in runs.values():
        print_ablation(run)
        print_refusals(run, show=args.show)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faithfulness", description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="'perfect', or what init_chat_model takes: openai:local")
    add("--base-url", help="of a server that speaks OpenAI's protocol")
    add("--strategy", choices=["patch", "overwrite", "both"], default="both")
    add("--half", choices=["tune", "held"], default="tune", help="which labelled updates")
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
    add("--repair", action="store_true", help="also measure the second call")
    add("--show", action="store_true", help="the refused changes in words (not of the held half)")
    args = parser.parse_args()
    if args.show and args.half == "held" and args.data is None:
        parser.error("--show reads the cases aloud, and the held half is kept unread")
    if args.repair and args.strategy == "overwrite":
        parser.error("--repair belongs to the strategy patch")
    return args


def _run(
    args: argparse.Namespace, answers: Answers, cases: Sequence[Case], strategy: Strategy
) -> Run:
    extractor = _extractor(args, strategy)
    return Run(strategy, strategy, [(case, answered(case, extractor, answers)) for case in cases])


def _mended(args: argparse.Namespace, answers: Answers, patch: Run) -> Run:
    extractor = _extractor(args, "patch")
    second = [
        (case, *repaired(case, answer, extractor, answers)) for case, answer in patch.answered
    ]
    missing = sum(not had for _, _, had in second)
    name = "patch, repaired" + (f" ({missing} not recorded)" if missing else "")
    return Run(name, "patch", [(case, answer) for case, answer, _ in second])


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

        more: dict[str, Any] = {"max_tokens": LONGEST_ANSWER, "timeout": 600, "temperature": 0}
        if args.base_url:
            more |= {"base_url": args.base_url, "api_key": os.environ.get("OPENAI_API_KEY", "none")}
        model = init_chat_model(args.model, **more)
        return LanguageModelExtractor(model) if strategy == "patch" else OverwriteExtractor(model)

    return cache(build)


if __name__ == "__main__":
    main()
