"""Write the tables of bench/README.md from recorded answers: ``python -m bench.faithfulness.page``.

Between ``<!-- table: name -->`` and ``<!-- /table -->`` stands what the code says; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from bench.attacks.__main__ import SETTINGS, Attacked, Setting, attacked
from bench.faithfulness.cases import DATA, Case, halves, load
from bench.faithfulness.recording import Recorder
from bench.faithfulness.runs import Run, Strategy, Verify, model, run
from tests.support.attacks import attacks

README = Path(__file__).parent.parent / "README.md"
ANSWERS = DATA / "answers"
HALVES = {"tune": "in sight", "held": "kept aside"}
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)

Cells = Iterable[Sequence[object]]


def main() -> None:
    """Write all tables."""
    README.write_text(written(README.read_text("utf-8")), "utf-8")


def written(page: str) -> str:
    """The page with its tables as the code says."""

    def table(found: re.Match[str]) -> str:
        make = TABLES.get(found[2])
        return found[0] if make is None else f"{found[1]}{make()}\n{found[3]}"

    return _TABLE.sub(table, page)


def _rows(head: str, rows: Cells) -> str:
    columns = head.count("|") - 1
    lines = [" | ".join(map(str, row)) for row in rows]
    return "\n".join([head, "|---" * columns + "|", *(f"| {line} |" for line in lines)])


def _cases(half: str, sets: str) -> list[Case]:
    return load(DATA / f"years-{half}.json") if sets == "years" else halves(half, sets.split())


@cache
def measured(
    answers: str, half: str, sets: str, verify: Verify, strategy: Strategy = "patch"
) -> Run:
    """One setting over one half, from recorded answers.

    Raises:
        LookupError: Something was asked that is not recorded.
    """
    with Recorder(ANSWERS / f"{answers}.json") as recorder:
        chat = model(recorder.url("provider"), "by-hand", small=False)
        found = run(verify, _cases(half, sets), chat, verify, strategy)
        if recorder.missing:
            raise LookupError(f"{len(recorder.missing)} requests to {answers} are not recorded")
    return found


def _marks(name: str, half: str, what: str, found: Run) -> Sequence[object]:
    marks, usage = found.marks, [outcome.usage for outcome in found.outcomes]
    calls, batches = sum(one.calls for one in usage), len(found.outcomes)
    return (
        *(HALVES[half], what, name, f"{marks.learned} of {marks.facts}"),
        *(marks.lost, marks.invented, marks.wrong, f"{calls / batches:.2f}"),
        *(sum(one.input_tokens for one in usage), sum(one.output_tokens for one in usage)),
    )


_HEAD = (
    "| half | updates | setting | learned | lost | invented, stale | wrong person | calls a batch "
    "| prompt | output |"
)
_KINDS = {"updates chat world": "single", "years": "six users, a year"}


def large(halves: Iterable[str] = HALVES) -> str:
    """A large model, by setting."""

    def rows() -> Cells:
        for half in halves:
            for sets, what in _KINDS.items():
                for verify in ("auto", "always", "off"):
                    found = measured("large-updates", half, sets, verify)
                    yield _marks(verify, half, what, found)
                if sets != "years":
                    found = measured("large-overwrite", half, sets, "off", "overwrite")
                    yield _marks("overwrite", half, what, found)

    return _rows(_HEAD, rows())


@cache
def attack(setting: Setting) -> list[Attacked]:
    """The attacks in one setting, from recorded answers."""
    name = "large-attacks-honest" if setting == "honest" else "large-attacks-obeying"
    with Recorder(ANSWERS / f"{name}.json") as recorder:
        chat = model(recorder.url("provider"), "by-hand", small=False)
        found = attacked(list(attacks()), setting, chat)
        if recorder.missing:
            raise LookupError(f"{len(recorder.missing)} requests to {name} are not recorded")
    return found


def attack_table() -> str:
    """How many attacks of each category got in: of those of version 0.1 and of the new ones."""
    found = {setting: attack(setting) for setting in SETTINGS}
    every = found["honest"]

    def count(results: Sequence[Attacked], category: str, *, new: bool) -> str:
        mine = [
            one
            for one in results
            if not one.case.allowed
            and one.case.category in (category or one.case.category)
            and one.case.id.startswith("world-") == new
        ]
        return f"{sum(one.got_in for one in mine)} of {len(mine)}" if mine else ""

    def rows() -> Cells:
        for name in [*sorted({one.case.category for one in every if not one.case.allowed}), ""]:
            for new in (False, True):
                cells = [count(results, name, new=new) for results in found.values()]
                if any(cells):
                    yield name or "all", "new" if new else "version 0.1", *cells
        allowed = [sum(one.case.allowed and not one.got_in for one in r) for r in found.values()]
        yield "allowed, and refused", "", "", *allowed[1:]

    return _rows("| category | cases | " + " | ".join(found) + " |", rows())


TABLES: dict[str, Callable[[], str]] = {
    "large": large,
    "attacks": attack_table,
}


if __name__ == "__main__":
    main()
