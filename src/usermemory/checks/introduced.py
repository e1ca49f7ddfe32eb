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
    """Whether all up to the quoted words answers a question about another: "12" to "is he old?"."""
    thread = (*case.context, *case.batch)
    place = next(n for n, message in enumerate(thread) if message is found.message)
    if place == 0 or thread[place - 1].author != "assistant":
        return False
    asked, answer = thread[place - 1].text, found.message.text
    until = next(end for _, end in sentences(answer) if end >= found.end)
    start, end = sentences(asked)[-1] if asked.strip() else (0, 0)
    question, said = case.read[asked[start:end]], set(case.read[answer[:until]].folded)
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
    """Whether a sentence without "I" follows one about another: "My flatmate is here. Ben, 27"."""
    text = found.message.text
    spans = [span for span in sentences(text) if span[0] <= found.start]
    if len(spans) < 2:
        return False
    (start, end), said = spans[-2], set(case.texts[0].folded)
    before = case.read[text[start:end]]
    return any(
        not said & (language.first | language.possessive | language.second)
        and _introduces(before, language)
        for language in case.languages
    )


def _introduces(sentence: Text, language: Language) -> bool:
    """Whether a sentence is about another first of all: "my flatmate", "I have a flatmate"."""
    said = sentence.folded
    marks = [
        mark for one in sentence.clauses(language) for mark in marks_of(one, language, asked=False)
    ]
    if marks and marks[0][1] == "other":
        return True
    return any(
        word in language.having
        and set(said[n + 1 : n + 1 + HAD_WITHIN]) & (language.kin | language.persons)
        for n, word in enumerate(said)
    )


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
    others, words = language.third | language.theirs, set(said)
    speaks_of_another = bool(words & others) and not words & language.second
    return speaks_of_another or _has_person(said, language.yours, POSSESSED_WITHIN, language)
