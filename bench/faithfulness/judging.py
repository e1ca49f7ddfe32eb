"""From a recorded answer to the profile it makes, with any of the checks left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.faithfulness.answers import Answer, Answers, NotRecorded
from bench.faithfulness.asked import Strategy, digest, request
from bench.faithfulness.cases import SCHEMA, Case
from bench.faithfulness.marking import mark

from usermemory import fold as folding
from usermemory.changes import Unfit, apply
from usermemory.checks import CHECKS
from usermemory.consolidate import NOT_REPAIRABLE
from usermemory.extract import Extraction, Extractor, Repairing
from usermemory.fold import Folded, fold
from usermemory.records import Refused

ALL = frozenset(CHECKS)
NEVER: Mapping[str, frozenset[str]] = {"patch": frozenset(), "overwrite": frozenset({"quote"})}
"""Checks that a strategy does without: who writes a whole profile quotes nothing."""


def judged(case: Case, answer: Answer, off: frozenset[str]) -> Folded:
    """The answer's changes, checked and applied as a consolidation does it."""
    return fold(case.profile, answer.changes, _case(case, off))


def recorded(case: Case, strategy: Strategy, answers: Answers) -> bool:
    """Whether the model's answer to what it would be asked now is known."""
    return answers.has(case.id, digest(strategy, request(case)))


def answered(
    case: Case, strategy: Strategy, extractor: Callable[[], Extractor], answers: Answers
) -> Answer:
    """What the model proposes, asked for only where it is not recorded."""
    wanted = request(case)
    return answers.get(case.id, digest(strategy, wanted), lambda: extractor().extract(wanted))


def repaired(
    case: Case, answer: Answer, extractor: Callable[[], Extractor], answers: Answers
) -> tuple[Answer, bool]:
    """The answer with what the model made of its refused changes.

    Returns:
        The answer, unchanged where there is nothing to mend; and whether the second answer was
        to be had (checks that refuse other changes than at the time of recording ask anew).
    """
    folded = judged(case, answer, NEVER["patch"])
    mendable = [one for one in folded.rejections if one.reason not in NOT_REPAIRABLE]
    if not mendable:
        return answer, True

    def ask() -> Extraction:
        model = extractor()
        if not isinstance(model, Repairing):
            return Extraction()
        return model.repair(wanted, mendable)

    wanted = request(case, folded.document)
    try:
        second = answers.get(f"{case.id} repair", digest("patch", wanted, mendable), ask)
    except NotRecorded:
        return answer, False
    refused = {id(one.change) for one in mendable}
    good = tuple(change for change in answer.changes if id(change) not in refused)
    usage = answer.usage + second.usage
    return replace(answer, changes=(*good, *second.changes), usage=usage), True


@dataclass(frozen=True)
class Weighed:
    """One refusal, weighed by the labels.

    Attributes:
        case: Where.
        check: Which check refused; the reason itself where no check can be left out.
        rejection: What and why.
        wanted: It would have been learned: a false refusal.
        harmful: It would have been lost, invented or another person's.
    """

    case: str
    check: str
    rejection: Refused
    wanted: bool
    harmful: bool


def refusals(case: Case, folded: Folded, off: frozenset[str]) -> list[Weighed]:
    """What each refused change would have done to the profile as it became."""
    found: list[Weighed] = []
    before = mark(case, folded.document)
    for rejection in folded.rejections:
        name = _responsible(case, folded, rejection, off)
        try:
            document, _ = apply(folded.document, rejection.change, SCHEMA)
        except Unfit:
            found.append(Weighed(case.id, name, rejection, wanted=False, harmful=False))
            continue
        after = mark(case, document)
        wanted = after.learned > before.learned
        found.append(Weighed(case.id, name, rejection, wanted, after.bad > before.bad))
    return found


def _responsible(case: Case, folded: Folded, rejection: Refused, off: frozenset[str]) -> str:
    for name in [one for one in CHECKS if one not in off]:
        alone = _case(case, ALL - {name})
        if isinstance(folding.judge(folded.document, rejection.change, alone), Refused):
            return name
    return rejection.reason


def ablations(strategy: Strategy) -> Sequence[tuple[str, frozenset[str]]]:
    """Which checks to leave out, by the name of the line: all on, all off, each alone, each off."""
    never = NEVER[strategy]
    used = [name for name in CHECKS if name not in never]
    return [
        ("all checks", never),
        ("no check", ALL),
        *((f"only {name}", ALL - {name}) for name in used),
        *((f"without {name}", never | {name}) for name in used),
    ]


def _case(case: Case, off: frozenset[str]) -> folding.Case:
    return folding.Case(
        schema=SCHEMA,
        batch=case.messages,
        context=(),
        user_id="",
        thread_id="",
        edited={},
        off=off,
    )
