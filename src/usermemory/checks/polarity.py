"""Which clauses of a text say the opposite of their words.

Two turns make none ("I can't live without coffee"), and a list goes on as it began: "I don't eat
meat, fish or eggs".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from usermemory.checks.clauses import Clause
from usermemory.checks.languages import Language, Phrase
from usermemory.checks.words import contains, place


def turned(split: Sequence[Clause], language: Language) -> list[bool]:
    """For each clause of a text, whether it says the opposite of its words."""
    result: list[bool] = []
    for here, clause in enumerate(split):
        said = without(clause.folded, language.harmless)
        things = without(
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
    rest = without(said, language.harmless)
    return sum(bool(_negators(rest, group)) for group in language.negators)


def says(said: Sequence[str], wanted: frozenset[str], language: Language) -> bool:
    """Whether a clause says one of these words, and no "not" with it."""
    rest = without(said, language.harmless)
    return bool(wanted.intersection(rest)) and not _negators(rest, language.negators[0])


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


def without(said: Sequence[str], phrases: Iterable[Phrase]) -> list[str]:
    """The words but for these phrases."""
    rest = list(said)
    for phrase in phrases:
        while (start := place(rest, phrase)) is not None:
            del rest[start : start + len(phrase)]
    return rest
