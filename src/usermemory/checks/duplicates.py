"""Is it known already, in other words?

Two texts say the same if their words do, with the same numbers, the same relatives, the same
negation, and no name that is not known. Likeness alone never counts: "eats meat" and "does not eat
meat" are alike and opposite. Exact repetitions are `usermemory.changes`' to refuse.
"""

from __future__ import annotations

from usermemory.checks.case import Case, Refusal
from usermemory.checks.claim import Claim
from usermemory.checks.words import Vocabulary

_LONG = 3


def check(case: Case) -> Refusal | None:
    """Refuse what adds nothing to the profile."""
    if case.change.action not in ("add", "set") or not isinstance(case.change.value, str):
        return None
    for known in case.known_texts(case.document):
        old = known.claim(case.claim.languages | known.languages)
        adds_nothing = _same_words if case.field.kind != "list" else _within
        if (
            _compatible(case.claim, old)
            and adds_nothing(case.claim, old)
            and _is_negative(case.claim, case) == _is_negative(old, case)
        ):
            return Refusal("duplicate", f"known as {known.plain!r}")
    return None


def _compatible(new: Claim, known: Claim) -> bool:
    same = new.numbers == known.numbers and new.kin == known.kin
    return same and new.names <= known.names and bool(new.anchors)


def _same_words(new: Claim, known: Claim) -> bool:
    return new.anchors == known.anchors


def _within(new: Claim, known: Claim) -> bool:
    """Whether all of the new words are known, and they are many, or all that is known."""
    mine, theirs = Vocabulary(new.content), Vocabulary(known.content)
    return all(new.grounded(word, theirs) for word in new.content) and (
        len(new.content) >= _LONG or all(known.grounded(word, mine) for word in known.content)
    )


def _is_negative(claim: Claim, case: Case) -> bool:
    return any(any(case.read[claim.text].turned(one)) for one in claim.languages)
