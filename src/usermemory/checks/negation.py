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
from usermemory.checks.words import contains, folded, place

_JOKE_WITHIN = 3


def check(case: Case) -> Refusal | None:
    """Refuse the opposite of what was said; what one of the user's languages lets pass, passes."""
    if case.change.action in ("remove", "clear"):
        return None
    refusals = [_in_language(case, language) for language in case.languages]
    return refusals[0] if refusals and all(refusals) else None


def turned(split: Sequence[Clause], language: Language) -> list[bool]:
    """For each clause of a text, whether it says the opposite of its words."""
    result: list[bool] = []
    for here, clause in enumerate(split):
        said = _without(clause.folded, language.harmless)
        things = _without(
            said, [one for group in language.negators for one in _negators(said, group)]
        )
        things = [word for word in things if word not in language.function]
        if _continues(split, here, things, language):
            result.append(result[-1])
        else:
            # "No" by itself answers; it turns nothing around.
            result.append(bool(things) and negations(said, language) % 2 == 1)
    return result


def negations(said: Sequence[str], language: Language) -> int:
    """How many times the words are turned around; each group of negators counts once."""
    rest = _without(said, language.harmless)
    return sum(bool(_negators(rest, group)) for group in language.negators)


def _in_language(case: Case, language: Language) -> Refusal | None:
    """Judge by the nearest text that holds words of the value, there by the best clauses."""
    if _is_joke(case, language):
        return Refusal("negated", "the user was joking")
    for text in case.texts:
        split = clauses(text, (language,))
        hits = [_hits(clause, case) for clause in split]
        if most := max(hits, default=0):
            best = [here for here, hit in enumerate(hits) if hit == most]
            refusals = [_judge(case, split, here, language) for here in best]
            return refusals[0] if all(refusals) else None
    return None


def _hits(clause: Clause, case: Case) -> int:
    claim, said = case.claim, clause.folded
    anchors = sum(claim.grounded(anchor, said) for anchor in claim.anchors)
    return anchors + sum(number in said for number in claim.numbers)


def _judge(case: Case, split: Sequence[Clause], here: int, language: Language) -> Refusal | None:
    # "nuts" among the allergies says as much as "allergic to nuts".
    value = clauses(f"{case.label} {case.claim.text}", (language,))
    if turned(split, language)[here] not in turned(value, language):
        return Refusal("negated", "the user said the opposite")
    wished = _holds(split[here].folded, language.unreal)
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
    after = clauses(case.found.message.text[case.found.start :], (language,))[:_JOKE_WITHIN]
    return _holds([word for clause in after for word in clause.folded], language.jokes)


def _continues(
    split: Sequence[Clause], here: int, things: Sequence[str], language: Language
) -> bool:
    """Whether the clause only lists one thing more: "I don't eat meat, fish or eggs"."""
    if here == 0 or split[here].sentence != split[here - 1].sentence:
        return False
    if len(things) - sum(word in language.alternatives for word in split[here].folded) != 1:
        return False
    own = language.first | language.third | language.possessive | language.contrast
    return not set(split[here].folded) & (own | language.affirms)


def _negators(said: Sequence[str], group: Sequence[Phrase]) -> list[Phrase]:
    """What of one group of negators is said; "don't" and its like are in the group of "not"."""
    contracted = [(word,) for word in said if word.endswith("n't") and ("not",) in group]
    return contracted + [phrase for phrase in group if contains(said, phrase)]


def _without(said: Sequence[str], phrases: Iterable[Phrase]) -> list[str]:
    rest = list(said)
    for phrase in phrases:
        while (start := place(rest, phrase)) is not None:
            del rest[start : start + len(phrase)]
    return rest


def _holds(said: Sequence[str], phrases: Iterable[Phrase]) -> bool:
    return any(contains(said, phrase) for phrase in phrases)
