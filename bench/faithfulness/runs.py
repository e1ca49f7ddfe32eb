"""The answers of one strategy to all cases, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.faithfulness.answers import Answer
from bench.faithfulness.asked import Strategy
from bench.faithfulness.cases import Case
from bench.faithfulness.judging import Weighed, judged, refusals
from bench.faithfulness.marking import Marks, mark

from usermemory.records import Usage


@dataclass(frozen=True)
class Run:
    """The answers of one strategy.

    Attributes:
        name: What the tables call it.
        strategy: Which one.
        answered: Each case with its answer.
    """

    name: str
    strategy: Strategy
    answered: Sequence[tuple[Case, Answer]]

    def marks(self, off: frozenset[str], which: Callable[[Case], bool] = lambda _: True) -> Marks:
        """The marks of the cases of a kind, with some checks left out."""
        return sum(
            (
                mark(case, judged(case, answer, off).document)
                for case, answer in self.answered
                if which(case)
            ),
            Marks(),
        )

    def usage(self, which: Callable[[Case], bool] = lambda _: True) -> Usage:
        """What the answers cost."""
        return sum((answer.usage for case, answer in self.answered if which(case)), Usage())

    def refused(self, off: frozenset[str]) -> list[Weighed]:
        """What was refused, weighed by the labels."""
        return [
            one
            for case, answer in self.answered
            for one in refusals(case, judged(case, answer, off), off)
        ]
