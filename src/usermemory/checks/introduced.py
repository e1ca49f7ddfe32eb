"""Somebody else was introduced before the quoted words, which go on about them without an "I".

"How old is he?" – "12"; "for my father: Karl, 71, no salt"; "My flatmate is here. Ben, 27, vegan."
"""

from __future__ import annotations

from collections.abc import Sequence

from usermemory.checks.case import Case
from usermemory.checks.clauses import sentences
from usermemory.checks.languages import Language
from usermemory.checks.marks import HAD_WITHIN, POSSESSED_WITHIN, marks_of
from usermemory.checks.quote import Found
from usermemory.checks.text import Text

_LONGEST_NAME = 2
"""Words."""


def introduces_another(case: Case) -> bool:
    """Whether what stands before the quoted words makes them somebody else's."""
    if case.found is None or case.question is not None:
        return False
    found = case.found
    return (
        _answers_about_another(case, found)
        or _is_listed_for_another(case, found)
        or _goes_on(case, found)
    )


def _answers_about_another(case: Case, found: Found) -> bool:
    """Whether the quoted words only answer a question about another: "12" to "is he old?"."""
    thread = (*case.context, *case.batch)
    place = next(n for n, message in enumerate(thread) if message is found.message)
    if place == 0 or thread[place - 1].author != "assistant":
        return False
    asked, answer = thread[place - 1].text, found.message.text
    if sentences(answer)[0][1] < found.start:
        return False
    start, end = sentences(asked)[-1] if asked.strip() else (0, 0)
    question, said = case.read[asked[start:end]], set(case.texts[0].folded)
    return question.plain.endswith(("?", "\uff1f")) and any(
        _asks_about_another(question.folded, language)
        and not said & (language.first | language.possessive)
        for language in question.languages
    )


def _is_listed_for_another(case: Case, found: Found) -> bool:
    """Whether a colon before the quote opens what is said of another: "for my father: Karl, 71"."""
    text, end = found.message.text, found.end
    colon = text.rfind(":", 0, found.start)
    if colon < 0:
        return False
    opening, listed = text[:colon], set(case.read[text[colon:end]].folded)
    start, _ = sentences(opening)[-1] if opening.strip() else (0, 0)
    said = case.read[opening[start:]].folded
    return any(
        _has_person(said, language.possessive, POSSESSED_WITHIN, language)
        and not listed & (language.first | language.possessive)
        for language in case.languages
    )


def _goes_on(case: Case, found: Found) -> bool:
    """Whether a name says who was meant in the sentence before: "My flatmate is here. Ben, 27".

    Without the name it may be the user who goes on: "We have two kids. Living in Graz."
    """
    text = found.message.text
    spans = [span for span in sentences(text) if span[0] <= found.start]
    if not spans[:-1]:
        return False
    (start, end), quoted = spans[-2], case.texts[0]
    before, said = case.read[text[start:end]], set(quoted.folded)
    return any(
        _begins_with_a_name(quoted, language)
        and not said & (language.first | language.possessive | language.second)
        and _speaks_of_another(before, language)
        for language in case.languages
    )


def _begins_with_a_name(sentence: Text, language: Language) -> bool:
    """Whether a list begins here with a name: "Ben Adler, 27, line cook"."""
    split = sentence.clauses(language)
    first = split[0].words if split else ()
    return (
        len(split) > 1 and len(first) <= _LONGEST_NAME and all(word.capitalised for word in first)
    )


def _speaks_of_another(sentence: Text, language: Language) -> bool:
    """Whether a sentence speaks of another only, or of one whom the user has."""
    owners = {
        owner
        for one in sentence.clauses(language)
        for _, owner in marks_of(one, language, asked=False)
    }
    has = _has_person(sentence.folded, language.having, HAD_WITHIN, language)
    return owners == {"other"} or has


def _has_person(
    said: Sequence[str], before: frozenset[str], within: int, language: Language
) -> bool:
    """Whether a person stands within so many words after one of these: "your sister"."""
    persons = language.kin | language.persons
    return any(
        word in before and persons & set(said[n + 1 : n + 1 + within])
        for n, word in enumerate(said)
    )


def _asks_about_another(said: Sequence[str], language: Language) -> bool:
    """Whether a question speaks of "he", "her" or "your sister", and not of "you"."""
    others, words = language.third | language.theirs | language.objects, set(said)
    speaks_of_another = bool(words & others) and not words & language.second
    return speaks_of_another or _has_person(said, language.yours, POSSESSED_WITHIN, language)
