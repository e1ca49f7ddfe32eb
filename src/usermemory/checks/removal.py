"""A removal names its item in the user's words.

At least one name, or half of the item's words, are said; to clear a single value, the field's own
name will do ("I've lost my job"). What the user says they still like is not removed.
"""

from __future__ import annotations

from typing import Any

from usermemory.checks.case import Case, Refusal, leaves
from usermemory.checks.claim import Claim
from usermemory.checks.languages import Language
from usermemory.checks.polarity import negations
from usermemory.checks.words import Vocabulary, alike, folded


def check(case: Case) -> Refusal | None:
    """Refuse to take out what the user does not speak of, or still likes."""
    if case.change.action not in ("remove", "clear"):
        return None
    item = item_of(case)
    if not any(names(item, said.vocabulary, case) for said in case.texts):
        return Refusal("item_not_named", f"the user does not name {item.text or case.field.name}")
    if case.languages and all(_still_holds(item, case, language) for language in case.languages):
        return Refusal("negated", "the user says that it still holds")
    return None


def item_of(case: Case) -> Claim:
    """What would go, and its key if it has one, word by word."""
    change = case.change
    item = change.value if change.action == "remove" else case.known(case.document)
    parts: list[Any] = [change.key, item]
    text = case.read[" ; ".join(str(leaf) for leaf in leaves(parts))]
    return text.claim(case.languages | text.languages)


def names(item: Claim, said: Vocabulary, case: Case) -> bool:
    """Whether the words name the item, or for a single value its field."""
    found = {anchor for anchor in item.anchors if item.grounded(anchor, said)}
    if found & item.names or any(number in said for number in item.numbers):
        return True
    if found and (2 * len(found) >= len(item.content) or _is_unique(found, item, case)):
        return True
    return case.change.action == "clear" and labels(said, case)


def labels(said: Vocabulary, case: Case) -> bool:
    """Whether the words name the field."""
    return any(alike(one, two) for one in folded(case.label) for two in said.beginning_like(one))


def _is_unique(found: set[str], item: Claim, case: Case) -> bool:
    """Whether no other item of the list is meant by the words as well: "the novel" is enough."""
    others = [one for one in case.known_texts(case.document) if one.plain != case.change.value]
    return not any(item.grounded(word, other.vocabulary) for other in others for word in found)


def _still_holds(item: Claim, case: Case, language: Language) -> bool:
    """Whether the nearest text that names it affirms it: "I love chess", "I won't stop chess"."""
    (turned_item, *_) = case.read[item.text].turned(language) or [False]
    for text in case.texts:
        if not names(item, text.vocabulary, case):
            continue
        split, turns = text.clauses(language), text.turned(language)
        naming = [n for n, clause in enumerate(split) if names(item, clause.vocabulary, case)]
        for here in naming:
            if turns[here] != turned_item:
                return False
            if negations(split[here].folded, language):
                return True
        if naming:
            liked = any(set(split[here].folded) & language.affirms for here in naming)
            return liked and not any(turns)
    return False
