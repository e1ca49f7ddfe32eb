"""The hot paths as ratios, in under two minutes: ``python -m bench.quick [--keep]``.

Each ratio is compared with the one in ``bench/quick/ratios.json``. One that is worse by more than a
third (by more than twice, where it is taken by the clock) is named, and the command ends with 1.
``--keep`` writes the file anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.quick import flushes, store, turn, working
from bench.table import Figure, print_figures

KEPT = Path(__file__).with_name("ratios.json")
_WORSE = 1.33
_WORSE_BY_THE_CLOCK = 2.0
"""Of what waits for a disk that others use too."""

_PARTS = {"turn": turn, "flushes": flushes, "store": store, "working": working}


def measured(folder: Path, names: Sequence[str]) -> list[Figure]:
    """The figures of some parts, each printed as soon as it is known."""
    found: list[Figure] = []
    for name in names:
        figures = _PARTS[name].figures(folder)
        print_figures(name, figures)
        found += figures
    return found


def worse(figures: Sequence[Figure], before: Mapping[str, float]) -> list[str]:
    """A sentence for each figure that is worse than it was, beyond what noise explains."""
    found: list[str] = []
    for figure in figures:
        was = before.get(figure.name)
        if figure.ratio is None or was is None:
            continue
        falls = figure.sense == ">="
        times = was / figure.ratio if falls else figure.ratio / was
        if times > (_WORSE_BY_THE_CLOCK if "by the clock" in figure.name else _WORSE):
            found.append(f"{figure.name}: {figure.ratio:.2f}, was {was:.2f}")
    return found


def main() -> int:
    """Measure, compare, and keep where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.quick", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []], metavar="PART")
    parser.add_argument("--keep", action="store_true", help="keep these ratios to compare with")
    args = parser.parse_args()
    before: dict[str, float] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        figures = measured(Path(name), args.parts or [*_PARTS])
    found = worse(figures, before)
    for sentence in found:
        print(f"worse: {sentence}")
    if args.keep:
        kept = before | {one.name: round(one.ratio, 2) for one in figures if one.ratio is not None}
        KEPT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
