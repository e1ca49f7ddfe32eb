"""Did the user ask for it to be forgotten?

A tool that erases may be called for a page that tells the model to. So the quote stands where the
user asks to forget, delete or remove something ("don't forget" does not), and its message names
what goes: the item, or for a whole field its name.
"""

from __future__ import annotations

from usermemory.checks import polarity, provenance, removal
from usermemory.checks.case import Case, Refusal
from usermemory.checks.clauses import sentences_around
from usermemory.checks.quote import Found


def check(case: Case) -> Refusal | None:
    """Refuse to erase what the user does not ask to."""
    refusal = provenance.check(case)
    if refusal or case.found is None:
        return refusal
    if not _asks(case, case.found):
        return Refusal("not_asked", "the quote does not ask to forget anything")
    said = case.read[case.found.message.text].vocabulary
    whole = case.change.action == "clear" and case.field.kind != "scalar"
    item = removal.item_of(case)
    if not (removal.labels(said, case) if whole else removal.names(item, said, case)):
        wanted = case.field.name if whole else item.text or case.field.name
        return Refusal("item_not_named", f"the user does not name {wanted}")
    return None


def _asks(case: Case, found: Found) -> bool:
    """Whether the quoted sentence asks to forget; in an unknown language it may."""
    quoted = case.read[sentences_around(found.message.text, found.start, found.end)]
    languages = quoted.languages or case.languages
    return not languages or any(
        polarity.says(clause.folded, language.erases, language)
        for language in languages
        for clause in quoted.clauses(language)
    )
