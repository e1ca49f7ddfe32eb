"""Figures as a table: what was measured, against what, and whether the target is met."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

Sense = Literal[">=", "<="]


@dataclass(frozen=True)
class Figure:
    """One line: a ratio of two things measured in the same run.

    Attributes:
        name: What is compared.
        ours: What the first side took or did, with its unit.
        other: The same of the second side.
        ratio: First side by second side; None where it could not be measured.
        target: What the ratio should be; None for a figure that is shown only.
        sense: Whether the target is a floor or a ceiling.
    """

    name: str
    ours: str
    other: str
    ratio: float | None
    target: float | None = None
    sense: Sense = ">="

    @property
    def met(self) -> str:
        """Whether the target is met, in a word."""
        if self.target is None:
            return ""
        if self.ratio is None:
            return "not measured"
        reached = self.ratio >= self.target if self.sense == ">=" else self.ratio <= self.target
        return "yes" if reached else "MISSED"


def median_ratio(ours: Sequence[float], other: Sequence[float]) -> float:
    """The median over the rounds of each round's ratio: what slows both sides cancels out."""
    return statistics.median(a / b for a, b in zip(ours, other, strict=True))


def print_figures(title: str, figures: Iterable[Figure]) -> None:
    """Print them, one a line."""
    table = Table("figure", "first", "second", "ratio", "target", "met", title=title)
    for figure in figures:
        ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
        target = "" if figure.target is None else f"{figure.sense} {figure.target:g}"
        table.add_row(figure.name, figure.ours, figure.other, ratio, target, figure.met)
    Console(width=120).print(table)
