"""Is this change what the user said?

`check` judges one proposed change by code alone: first what no setting can leave out (the field,
the action, the size, who may change it), then the checks of `CHECKS` in order; the first refusal
wins. Each is one question in one file, ``check(case) -> Refusal | None``. What they know of single
languages stands in ``languages/``; the rest works on any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from usermemory.checks import (
    duplicates,
    erasure,
    grounding,
    negation,
    provenance,
    removal,
    subject,
    substance,
)
from usermemory.checks.case import Case, Refusal, leaves
from usermemory.checks.confirmation import confirmed_question
from usermemory.checks.quote import find
from usermemory.checks.text import Text, Texts
from usermemory.records import Change, Evidence, Message, Refused

if TYPE_CHECKING:
    from usermemory.schema import Schema

__all__ = ["CHECKS", "Accepted", "Texts", "check"]

CHECKS: Mapping[str, Callable[[Case], Refusal | None]] = {
    "substance": substance.check,
    "quote": provenance.check,
    "subject": subject.check,
    "grounding": grounding.check,
    "negation": negation.check,
    "removal": removal.check,
    "duplicates": duplicates.check,
}
"""The checks that can be left out, by name, in the order in which they are made."""


@dataclass(frozen=True)
class Accepted:
    """A change that may be applied, and the user's words it rests on.

    Attributes:
        change: As proposed; an order that its field takes, as a marked quote.
        evidence: The user's own span; empty only where the check ``quote`` is left out.
    """

    change: Change
    evidence: tuple[Evidence, ...]


def check(  # noqa: PLR0913 - one call says all that a change is judged by
    change: Change,
    *,
    document: Mapping[str, Any],
    schema: Schema,
    batch: Sequence[Message],
    context: Sequence[Message] = (),
    thread_id: str = "",
    edited: Mapping[str, float] | None = None,
    learned: Mapping[str, float] | None = None,
    user_id: str = "",
    off: frozenset[str] = frozenset(),
    earlier: Mapping[str, Any] | None = None,
    read: Texts | None = None,
    erasing: bool = False,
) -> Accepted | Refused:
    """Judge one proposed change.

    Args:
        change: What the extractor proposes.
        document: The profile that it would change.
        schema: The profile's schema.
        batch: The unread messages of one thread, oldest first: only what the user says in these
            is evidence.
        context: Read messages right before them. They help to understand, and are no evidence.
        thread_id: For the evidence.
        edited: When a field was last edited by hand, in seconds since the epoch.
        learned: When what a field holds was said.
        user_id: Whose profile it is.
        off: Names of `CHECKS` to leave out.
        earlier: The profile before the first change of the same answer, if that is another one:
            what an answer takes out may still ground what it puts in its place.
        read: Passed again with each change of a batch, so that no message is read twice.
        erasing: What is removed or cleared is erased, with all that is left of it elsewhere: the
            user has to ask for just that.

    Returns:
        The change with its evidence, or the rejection with its reason.
    """
    field = schema.fields.get(change.field)
    if field is None:
        return Refused(change, "unknown_field", f"known are {', '.join(schema.fields)}")
    read = Texts() if read is None else read
    removes = change.action in ("remove", "clear")
    own = [_own(message, read, removes=removes) for message in batch]
    quote = _own_text(read[change.quote], removes=removes).strip() or change.quote
    found = find(quote, [message for message in own if message.author == "user"], read)
    asked = found if field.kind == "scalar" and change.action == "set" else None
    case = Case(
        change=change,
        field=field,
        document=document,
        earlier=document if earlier is None else earlier,
        batch=own,
        context=[_own(message, read, removes=removes) for message in context],
        heard=(*(one for one in context if one.author != "user"), *batch),
        edited=(edited or {}).get(change.field),
        learned=(learned or {}).get(change.field),
        user_id=user_id,
        found=found,
        question=confirmed_question(asked, (*context, *own)) if asked else None,
        read=read,
    )
    judges = [_fits, *(judge for name, judge in CHECKS.items() if name not in off), _may_change]
    if erasing:
        judges = [erasure.check, _may_change]
    for judge in judges:
        if refusal := judge(case):
            return Refused(change, refusal.reason, refusal.detail)
    if "substance" not in off:
        change = substance.kept(case)
    if found is None:
        return Accepted(change, ())
    said = next(one for one, mine in zip(batch, own, strict=True) if mine is found.message)
    span = said.text[found.start : found.end]
    return Accepted(change, (Evidence(span, thread_id, said.id, said.seq, said.at),))


def _own(message: Message, read: Texts, *, removes: bool) -> Message:
    """A user's message without what is pasted or repeated; everybody else's as it is."""
    if message.author != "user":
        return message
    own = _own_text(read[message.text], removes=removes)
    return message if own == message.text else replace(message, text=own)


def _own_text(text: Text, *, removes: bool) -> str:
    return text.answered if removes else text.own


def _fits(case: Case) -> Refusal | None:
    """The action fits the field, and no string is longer than its cap."""
    change, field = case.change, case.field
    if change.action not in field.actions:
        return Refusal("unfit_action", f"{field.name} takes {', '.join(field.actions)}")
    cap = case.settings.max_length
    longest = max((len(leaf) for leaf in leaves(change.value) if isinstance(leaf, str)), default=0)
    if cap is not None and longest > cap:
        return Refusal("too_long", f"{longest} characters, {cap} at most")
    return None


def _may_change(case: Case) -> Refusal | None:
    """Nothing but an edit changes a protected field; words from before change nothing."""
    if case.field.settings.protect or case.settings.protect:
        return Refusal("protected", "only an edit by hand changes it")
    if _is_late(case):
        return Refusal("outdated", "what is known was said later")
    if case.edited is None:
        return None
    said = [case.found.message] if case.found else [m for m in case.batch if m.author == "user"]
    at = max((_received(message) for message in said), default=0.0)
    if at <= case.edited:
        return Refusal("edited_by_hand", "the quote is older than the edit")
    return None


def _is_late(case: Case) -> bool:
    """Whether an old conversation, read late, would replace a single value that was said since."""
    if case.found is None or case.found.message.at is None or case.learned is None:
        return False
    return case.field.kind == "scalar" and case.found.message.at < case.learned


def _received(message: Message) -> float:
    """When the memory took it in, which no caller can date forward; for others when it was said."""
    return message.received if message.received is not None else message.at or 0.0
