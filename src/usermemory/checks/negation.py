"""A negated clause does not set its positive, nor a plain one its negative.

Compared is the clause that holds most of the value's words: "I don't eat meat" turns, "I'm
vegetarian now" does not. Two turns make none: "I can't live without coffee". Single values are not
set by wishes ("I want to be a pilot"), and nothing by a joke that is called one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from usermemory.checks.case import Case, Refusal
from usermemory.checks.clauses import Clause, clauses
from usermemory.checks.languages import Language, Phrase
from usermemory.checks.text import Text
from usermemory.checks.words import contains, folded

_JOKE_WITHIN = 3


def check(case: Case) -> Refusal | None:
    """Refuse the opposite of what was said; what one of the user's languages lets pass, passes."""
    if case.change.action in ("remove", "clear"):
        return None
    refusals = [_in_language(case, language) for language in case.languages]
    return refusals[0] if refusals and all(refusals) else None


def _in_language(case: Case, language: Language) -> Refusal | None:
    """Judge by the nearest text that holds words of the value, there by the best clauses."""
    if _is_joke(case, language):
        return Refusal("negated", "the user was joking")
    for text in case.texts:
        if not _hits(text, case):
            continue
        split = text.clauses(language)
        hits = [_hits(clause, case) for clause in split]
        if most := max(hits, default=0):
            best = [here for here, hit in enumerate(hits) if hit == most]
            refusals = [_judge(case, text, here, language) for here in best]
            return refusals[0] if all(refusals) else None
    return None


def _hits(said: Text | Clause, case: Case) -> int:
    """How many of the value's words are said in a text or in a clause of it."""
    claim = case.claim
    anchors = sum(claim.grounded(anchor, said.vocabulary) for anchor in claim.anchors)
    return anchors + sum(number in said.vocabulary for number in claim.numbers)


def _judge(case: Case, text: Text, here: int, language: Language) -> Refusal | None:
    # "nuts" among the allergies says as much as "allergic to nuts".
    value = case.read[f"{case.label} {case.claim.text}"]
    if text.turned(language)[here] not in value.turned(language):
        return Refusal("negated", "the user said the opposite")
    wished = _holds(text.clauses(language)[here].folded, language.unreal)
    if (
        case.field.kind == "scalar"
        and wished
        and not _holds(folded(case.claim.text), language.unreal)
    ):
        return Refusal("negated", "a wish is no fact yet")
    return None


def _is_joke(case: Case, language: Language) -> bool:
    """Whether the user says right after the quote that it was none."""
    if case.found is None:
        return False
    after = clauses(case.found.message.text[case.found.start :], language)[:_JOKE_WITHIN]
    return _holds([word for clause in after for word in clause.folded], language.jokes)


def _holds(said: Sequence[str], phrases: Iterable[Phrase]) -> bool:
    return any(contains(said, phrase) for phrase in phrases)
