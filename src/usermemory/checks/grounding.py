"""Are the value's names, numbers and content words the user's own?

All names and numbers have to be said, and of other words at least two in three
(so both of two): a good paraphrase keeps most of the user's words. Numbers may also
follow from dates by the rules of `dates`. Truth values and enumerated ones classify what was said
and need no word of it.

What is quoted holds at least one of the value's words itself, whatever was said elsewhere: words
that say nothing of a value explain it to nobody. For an item that is the sentence; for a single
value, which is often told in a fragment ("no, 35."), the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from usermemory.checks import dates
from usermemory.checks.case import Case, Refusal
from usermemory.checks.text import Text
from usermemory.checks.words import folded

_ENOUGH = 2 / 3


def check(case: Case) -> Refusal | None:
    """Refuse a value that is not in the user's words."""
    if case.change.action in ("remove", "clear") or _is_chosen(case):
        return None
    claim = case.claim
    missing = claim.numbers - {one for text in case.texts for one in text.numbers(claim.languages)}
    missing |= _not_said(case)
    elsewhere = _rests_on_other_words(case)
    if not missing and not elsewhere:
        return None
    said = [(one.at, case.read[one.text]) for one in case.users]
    explained = dates.explained(claim.text, said, claim.languages) | _own_names(case)
    if elsewhere and not explained & (claim.anchors | claim.numbers):
        return Refusal("not_grounded", "what is quoted says nothing of it")
    missing -= explained
    if strange := sorted(missing - claim.content):
        return Refusal("not_grounded", f"the user did not say {', '.join(strange)}")
    telling = len(claim.anchors - explained)
    if telling - len(missing) < _ENOUGH * telling:
        return Refusal("not_grounded", f"the user did not say {', '.join(sorted(missing))}")
    return None


def _rests_on_other_words(case: Case) -> bool:
    """Whether what is quoted holds no word and no number of the value."""
    if case.found is None or case.question is not None:
        return False
    single = case.field.kind == "scalar"
    quoted = case.read[case.found.message.text] if single else case.texts[0]
    claim = case.claim
    told = claim.anchors | claim.numbers
    if not told or claim.numbers & quoted.numbers(claim.languages):
        return False
    return not any(claim.grounded(word, quoted.vocabulary) for word in told)


def _not_said(case: Case) -> frozenset[str]:
    """The words of the value that stand neither in the user's, nor in what is known about it."""
    missing = case.claim.anchors
    for text in (*case.texts, *_known_about(case)):
        missing = frozenset(
            word for word in missing if not case.claim.grounded(word, text.vocabulary)
        )
        if not missing:
            break
    return missing


def _own_names(case: Case) -> set[str]:
    # "Will builds a memory" is about the user whose name is known.
    name = case.document.get("name")
    return {*folded(case.user_id), *folded(name if isinstance(name, str) else "")}


def _known_about(case: Case) -> list[Text]:
    """What the same field says of the same people: "my sister" is the sister called Ana.

    As it was before this answer, so that "Theo turned ten" can replace "stepson Theo, nine".
    """
    known = case.known_texts(case.earlier)
    return [one for one in known if any(word in one.vocabulary for word in case.claim.kin)]


def _is_chosen(case: Case) -> bool:
    schema: Mapping[str, Any] = case.field.value_schema
    if case.change.key is not None and case.change.key in case.field.keys:
        schema = case.field.keys[case.change.key].value_schema
    return any(key in schema for key in ("enum", "const")) or schema.get("type") == "boolean"
