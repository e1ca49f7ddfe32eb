"""A negated clause does not set its positive, nor a plain one its negative.

Compared is the clause that holds most of the value's words: "I don't eat meat" turns, "I'm
vegetarian now" does not. Two turns make none: "I can't live without coffee". Single values are not
set by wishes ("I want to be a pilot") or on a condition ("if they close, I'll be a baker"), and
nothing by a joke that is called one, there or at the beginning of the user's next message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from usermemory.checks.case import Case, Refusal
from usermemory.checks.clauses import Clause, clauses, starts_with
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
    if case.field.kind == "scalar" and _hangs_on_something(text.clauses(language), here, language):
        return Refusal("negated", "it hangs on a condition")
    return None


def _hangs_on_something(split: Sequence[Clause], here: int, language: Language) -> bool:
    """Whether the sentence of a clause begins with "if"."""
    first = next(clause for clause in split if clause.sentence == split[here].sentence)
    begins = starts_with(first.folded, 0, language.conditions)
    return begins and not starts_with(first.folded, 0, language.polite)


def _is_joke(case: Case, language: Language) -> bool:
    """Whether the user says right after the quote, or in the next message, that it was none."""
    if case.found is None:
        return False
    quoted = case.found.message
    said = [one for one in case.batch if one.author == "user"]
    after = said[said.index(quoted) + 1 :] if quoted in said else []
    texts = [quoted.text[case.found.start :], *(one.text for one in after[:1])]
    near = [clause for text in texts for clause in clauses(text, language)[:_JOKE_WITHIN]]
    return _holds([word for clause in near for word in clause.folded], language.jokes)


def _holds(said: Sequence[str], phrases: Iterable[Phrase]) -> bool:
    return any(contains(said, phrase) for phrase in phrases)
