"""Where a clause says who it speaks of: the user, or somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from usermemory.checks.clauses import Clause, starts_with
from usermemory.checks.languages import Language

Owner = Literal["user", "other"]

POSSESSED_WITHIN = 3
"""So many words after "my" a relative stands."""

HAD_WITHIN = 4
"""So many words after "have"."""


def marks_of(clause: Clause, language: Language, *, asked: bool) -> Iterator[tuple[int, Owner]]:
    """Where the clause says who it speaks of; asked by the assistant, "you" are the user."""
    me: Owner = "other" if asked else "user"
    you: Owner = "user" if asked else "other"
    possessive = language.yours if asked else language.possessive
    said = clause.folded
    for place, word in enumerate(said):
        if word in possessive:
            possessed = said[place + 1 : place + 1 + POSSESSED_WITHIN]
            relative = next((n for n, one in enumerate(possessed) if one in language.kin), None)
            if relative is None:
                yield place, "user"
            elif place == 0 or said[place - 1] not in language.prepositions:
                yield place + 1 + relative, "other"
        elif word in language.first:
            yield place, me
        elif starts_with(said, place, language.addressed):
            yield place, you
        elif (
            word in language.third
            or (word in language.theirs and place <= 1)
            or _is_another(said, place, language)
        ):
            yield place, "other"


def _is_another(said: Sequence[str], place: int, language: Language) -> bool:
    """Whether a person stands here who is not "I": "Dad turns 70", "the new tenant is 22".

    "I'm the designer" is "I".
    """
    word, before, after = said[place], said[max(0, place - 3) : place], said[place + 1 : place + 2]
    if word in language.elders and not before:
        # "Mum of two" is the user.
        return bool(after) and after[0] not in language.prepositions
    if set(before) & (language.prepositions | language.being):
        return False
    if word in language.kin and starts_with(said, place + 1, language.mine):
        return True
    return word in language.persons and bool(set(before[-2:]) & language.pointing)
