"""Print what learning costs: ``python -m bench.cost --data FILE --how-to PAGE --langmem PYTHON``.

Three systems read the same dialogues with a model that answers perfectly and counts. What they
cost is compared as w = tokens of prompts + 8 * tokens of answers.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from bench.cost import how_to, items, langmem_side, ours
from bench.cost.dialogues import load
from bench.cost.figures import against, print_runs, print_shares
from bench.table import print_figures


def main() -> None:
    """Measure what was asked for."""
    args = _arguments()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        if args.data:
            _dialogues(args, Path(name))
        if args.items:
            print_figures("one update of a long profile", items.figures(args.items, Path(name)))


def _dialogues(args: argparse.Namespace, folder: Path) -> None:
    dialogues = load(args.data, args.dialogues)
    mine = ours.read(dialogues, folder)
    others = [
        how_to.read(dialogues, how_to.page(args.how_to)) if args.how_to else None,
        langmem_side.read(args.langmem, args.data, args.dialogues) if args.langmem else None,
    ]
    count = sum(map(len, dialogues))
    print_runs(f"{count} sessions", [mine.run, *(one for one in others if one)])
    print_figures("cost", against(mine.run, *others))
    print_shares(mine)
    print("refused:", dict(Counter(one.reason for one in mine.refused)) or "nothing")
    print("failed:", dict(Counter(mine.failed)) or "nothing")
    if args.show:
        for one in mine.refused:
            print(f"  {one.reason}: {one.detail}\n    {one.change.quote!r} -> {one.change.value!r}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="FILE", help="dialogues of LoCoMo")
    add("--dialogues", nargs="+", default=[], metavar="ID", help="only these, such as conv-30")
    add("--how-to", type=Path, metavar="PAGE", help="the text of the how-to")
    add("--langmem", type=Path, metavar="PYTHON", help="has langmem and mistral-common")
    add("--items", type=int, nargs="*", metavar="N", help="update profiles of so many items")
    add("--show", action="store_true", help="the refused changes in words")
    add("--folder", type=Path, help="put the databases on this disk")
    args = parser.parse_args()
    if args.items == []:
        args.items = list(items.SIZES)
    if not (args.data or args.items):
        parser.error("say --data FILE or --items")
    return args


if __name__ == "__main__":
    main()
