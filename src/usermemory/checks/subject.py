"""Whom is it about?

What the user tells of somebody else goes only to fields that are declared for it
(``Remember(about="anyone")``), and there it names that person. Who is meant is read off the clause
in which the value's words stand: the nearest "I", "my sister" or "she" before them (`marks`); or
off what stands before the quoted words (`introduced`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from usermemory.checks.case import Case, Refusal
from usermemory.checks.claim import numbers_in
from usermemory.checks.clauses import Clause
from usermemory.checks.introduced import introduces_another
from usermemory.checks.languages import Language, known
from usermemory.checks.marks import HAD_WITHIN, POSSESSED_WITHIN, Owner, marks_of
from usermemory.checks.polarity import without
from usermemory.checks.text import Text
from usermemory.checks.words import Vocabulary, folded


def check(case: Case) -> Refusal | None:
    """Refuse other people's facts in the user's own fields."""
    change = case.change
    for_anyone = case.field.settings.about == "anyone"
    why = ""
    if change.who == "assistant":
        why = "it is about the assistant"
    elif change.who == "other" and not for_anyone:
        why = f"{case.field.name} is only for the user's own"
    elif case.field.kind == "scalar" and _names_a_relative(case):
        why = "it names a relative"
    elif change.action in ("remove", "clear"):
        return None
    elif _is_told(case):
        why = "it is told in a story that the user asks for"
    elif not for_anyone and _only_asks(case):
        why = "a question that does not speak of the user"
    elif _is_about_another(case):
        if not for_anyone:
            why = "the user said it of somebody else"
        elif not case.claim.kin and not case.claim.names:
            why = "the value does not name whom it is about"
    return Refusal("not_about_the_user", why) if why else None


def _names_a_relative(case: Case) -> bool:
    """Whether the value is "my father", in a field for the user's own."""
    said = set(folded(case.claim.text))
    own = case.field.settings.about != "anyone"
    return own and any(said & one.possessive and said & one.kin for one in case.claim.languages)


def _is_told(case: Case) -> bool:
    """Whether the message asks for a story, and the quoted sentence says nothing of the user."""
    if case.found is None or case.question is not None:
        return False
    said, message = set(case.texts[0].folded), case.found.message.text
    return any(
        pattern.search(message) and not said & (language.first | language.possessive)
        for language in known()
        for pattern in language.tales
    )


def _only_asks(case: Case) -> bool:
    """Whether the quoted sentence is a question that tells nothing of the user."""
    if case.found is None or case.question is not None or not case.languages:
        return False
    sentence = case.texts[0]
    if not sentence.plain.strip().endswith(("?", "\uff1f")):
        return False
    return not any(_speaks(sentence, case, language) for language in case.languages)


def _speaks(sentence: Text, case: Case, language: Language) -> bool:
    """Whether there is an "I" but that of "can I", or a "my" before the value's words."""
    said = without(sentence.folded, language.asking)
    if language.first & set(said):
        return True
    mine = next((n for n, word in enumerate(said) if word in language.possessive), len(said))
    possessed = Vocabulary(said[mine:])
    claim = case.claim
    return bool(possessed.joined and claim.numbers) or any(
        claim.grounded(anchor, possessed) for anchor in claim.anchors
    )


def _is_about_another(case: Case) -> bool:
    """Whether the user says it of nobody but others, in the nearest text that says it."""
    if introduces_another(case):
        return True
    for text in case.texts:
        owners = {owner for language in case.languages for owner in _owners(text, case, language)}
        if owners:
            return owners == {"other"}
    return False


def _owners(text: Text, case: Case, language: Language) -> Iterator[Owner]:
    """Of whom the text says each of the value's words."""
    sentence = -1
    inherited: Owner = "user"
    before: list[str] = []
    for clause in text.clauses(language):
        if clause.sentence != sentence:
            sentence, inherited, before = clause.sentence, "user", []
        marks = dict(marks_of(clause, language, asked=case.question is not None))
        named: int | None = None
        for place in _places(clause, case):
            # "my cat Mr Whiskers": each word of the name is the cat's.
            if place - 1 == named or _follows_kin([*before, *clause.folded[:place]], language):
                named = place
                yield "other"
            elif not marks and case.question is None and _speaks_of_you(clause, language):
                yield "other"
            else:
                nearest = max((mark for mark in marks if mark <= place), default=None)
                yield inherited if nearest is None else marks[nearest]
        inherited = marks[min(marks)] if marks else inherited
        before += clause.folded


def _speaks_of_you(clause: Clause, language: Language) -> bool:
    """Whether the user tells the bot something about "you": perhaps its own words."""
    return clause.folded[0] in language.second


def _places(clause: Clause, case: Case) -> Iterator[int]:
    """Where in the clause the value's words stand; a number written in words counts at the end."""
    claim = case.claim
    for place, word in enumerate(clause.words):
        said = Vocabulary([word.folded])
        if any(claim.grounded(anchor, said) for anchor in claim.anchors - claim.kin):
            yield place
    if claim.numbers & numbers_in(clause.words, case.languages):
        digits = [n for n, word in enumerate(clause.words) if word.folded in claim.numbers]
        yield from digits or [len(clause.words) - 1]


def _follows_kin(before: Sequence[str], language: Language) -> bool:
    """Whether the words before are "my wife", "a dog called", "my son is": a name comes next."""
    rest = list(before)
    while rest and rest[-1] in language.naming | language.linking:
        rest.pop()
    if not rest or rest[-1] not in language.kin:
        return False
    return (
        any(word in language.naming for word in before[len(rest) :])
        or any(word in language.possessive for word in rest[-1 - POSSESSED_WITHIN : -1])
        or any(word in language.having for word in rest[-1 - HAD_WITHIN : -1])
    )
