"""Print what gates save and what they miss: ``python -m bench.gate``.

Each labelled update is one batch at its due time. A case with nothing to learn that is held is a
model call saved; a fact that is wanted in a case that is held is missed, until more is said in its
thread. The held half is only counted, never shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.faithfulness.cases import Case, load
from rich.console import Console
from rich.table import Table

from usermemory.gate import Count, Gate, Resembles, Words

FIRST_PERSON = Words("I", "I'm", "I've", "I'd", "my", "me", "we", "our", "us")

GATES: dict[str, Gate | None] = {
    "none": None,
    "Count(2)": Count(2),
    "Count(3)": Count(3),
    'Words("I", "my", "we", …)': FIRST_PERSON,
    "Resembles()": Resembles(),
}

_DATA = Path(__file__).parent / "data"


def main() -> None:
    """Read both halves and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", help="other files of labelled updates")
    args = parser.parse_args()
    for path in args.data or [_DATA / "updates-tune.json", _DATA / "updates-held.json"]:
        print_half(path.stem, load(path))


COLUMNS = ("gate", "calls", "of", "saved rightly", "of", "facts missed", "of")


def lines(cases: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    """One line a gate, under `COLUMNS`."""
    for name, gate in GATES.items():
        held = [case for case in cases if gate is not None and not gate.opens(case.messages)]
        counts = (
            len(cases) - len(held),
            len(cases),
            sum(not case.facts for case in held),
            sum(not case.facts for case in cases),
            sum(case.facts for case in held),
            sum(case.facts for case in cases),
        )
        yield name, *map(str, counts)


def print_half(title: str, cases: Sequence[Case]) -> None:
    """One line a gate."""
    table = Table(*COLUMNS, title=title)
    for line in lines(cases):
        table.add_row(*line)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
