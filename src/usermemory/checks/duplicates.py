"""Is it known already, in other words?

Two texts say the same if their words do, with the same numbers, the same relatives, the same
negation, and no name that is not known. Likeness alone never counts: "eats meat" and "does not eat
meat" are alike and opposite. Exact repetitions are `usermemory.changes`' to refuse.
"""

from __future__ import annotations

from usermemory.checks.case import Case, Refusal
from usermemory.checks.claim import Claim
from usermemory.checks.clauses import clauses
from usermemory.checks.languages import spoken
from usermemory.checks.negation import turned

_LONG = 3


def check(case: Case) -> Refusal | None:
    """Refuse what adds nothing to the profile."""
    if case.change.action not in ("add", "set") or not isinstance(case.change.value, str):
        return None
    for known in case.known_texts:
        old = Claim.of(known, case.claim.languages | {*spoken(known)})
        if _adds_nothing(case.claim, old, exactly=case.field.kind != "list"):
            return Refusal("duplicate", f"known as {known!r}")
    return None


def _adds_nothing(new: Claim, known: Claim, *, exactly: bool) -> bool:
    if new.numbers != known.numbers or new.kin != known.kin or not new.names <= known.names:
        return False
    if _parity(new) != _parity(known) or not (new.content or new.names):
        return False
    if exactly:
        return new.anchors == known.anchors
    within = all(new.grounded(word, sorted(known.content)) for word in new.content)
    back = all(known.grounded(word, sorted(new.content)) for word in known.content)
    return within and (back or len(new.content) >= _LONG)


def _parity(claim: Claim) -> bool:
    return any(any(turned(clauses(claim.text, (one,)), one)) for one in claim.languages)
