"""Are the value's names, numbers and content words the user's own?

All names and numbers have to be said, and of other words at least two in three
(so both of two): a good paraphrase keeps most of the user's words. Numbers may also
follow from dates by the rules of `dates`. Truth values and enumerated ones classify what was said
and need no word of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from usermemory.checks import dates
from usermemory.checks.case import Case, Refusal
from usermemory.checks.claim import numbers_in
from usermemory.checks.words import folded

_ENOUGH = 2 / 3


def check(case: Case) -> Refusal | None:
    """Refuse a value that is not in the user's words."""
    if case.change.action in ("remove", "clear") or _is_chosen(case):
        return None
    claim = case.claim
    said = [word for text in (*case.texts, *_known_about(case)) for word in folded(text)]
    explained = dates.explained(claim.text, case.users, claim.languages)
    explained |= {word for name in _own_names(case) for word in folded(name)}
    names = claim.names - explained
    numbers = claim.numbers - explained - _numbers(case)
    missing = sorted(numbers) + sorted(name for name in names if not claim.grounded(name, said))
    if missing:
        return Refusal("not_grounded", f"the user did not say {', '.join(missing)}")
    content = claim.content - explained
    missing = sorted(word for word in content if not claim.grounded(word, said))
    telling = len(names) + len(content)
    if telling - len(missing) < _ENOUGH * telling:
        return Refusal("not_grounded", f"the user did not say {', '.join(missing)}")
    return None


def _numbers(case: Case) -> set[str]:
    """The numbers in the user's words."""
    return {one for text in case.texts for one in numbers_in(text, case.claim.languages)}


def _own_names(case: Case) -> list[str]:
    # "Will builds a memory" is about the user whose name is known.
    name = case.document.get("name")
    return [case.user_id, name if isinstance(name, str) else ""]


def _known_about(case: Case) -> list[str]:
    """What the same field says of the same people: "my sister" is the sister called Ana."""
    return [one for one in case.known_texts if case.claim.kin & set(folded(one))]


def _is_chosen(case: Case) -> bool:
    schema: Mapping[str, Any] = case.field.value_schema
    if case.change.key is not None and case.change.key in case.field.keys:
        schema = case.field.keys[case.change.key].value_schema
    return any(key in schema for key in ("enum", "const")) or schema.get("type") == "boolean"
