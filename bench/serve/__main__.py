"""Figures of the pages and the HTTP API: ``python -m bench.serve [recall] [live] [person]``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.serve import live, person, recall
from bench.table import print_figures


def main() -> None:
    """Measure what was asked for, or all, in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m bench.serve", description=__doc__)
    parser.add_argument(
        "figures", nargs="*", choices=["recall", "live", "person", []], metavar="FIGURE"
    )
    parser.add_argument("--pages", type=int, default=50, help="open at once")
    parser.add_argument("--seconds", type=float, default=180.0, help="of open pages")
    parser.add_argument("--messages", type=float, default=1.0, help="remembered a second")
    args = parser.parse_args()
    for figure in args.figures or ["recall", "live", "person"]:
        with tempfile.TemporaryDirectory() as name:
            if figure == "recall":
                print_figures(figure, recall.figures(Path(name)))
            elif figure == "person":
                print_figures(figure, person.figures(Path(name)))
            else:
                live.measure(Path(name), args)


if __name__ == "__main__":
    main()
