"""One function for each kind of rule: from what it matched to the changes that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from usermemory.extras.rules.clauses import items_of, name_of, number_of, stems, words
from usermemory.extras.rules.person import third_person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from usermemory.extras.rules.clauses import Clause
    from usermemory.extras.rules.draft import Draft, Topic
    from usermemory.records import Who

_I = re.IGNORECASE
_GREETING = re.compile(
    r"\b(?:hi|hello|hey|hiya|good (?:morning|evening|afternoon))\b", re.IGNORECASE
)
_FLEETING = re.compile(
    r"\b(?:today|tonight|this (?:morning|evening|afternoon)|right now)\b", re.IGNORECASE
)
_AT_HOME = re.compile(r"(?:lives|is living|moved|is based) ", _I)
_AT_WORK = re.compile(r"(?:works|is an?|started|got|accepted|joined) ", _I)
_OLDEST = 120


@dataclass(frozen=True, slots=True)
class Found:
    """One match of a rule.

    Attributes:
        value: The part that matters, as the user wrote it; empty where it is the whole clause.
        clause: The statement it stands in.
        greeted: Whether the message begins with a greeting.
        before: What the assistant had said right before it.
    """

    value: str
    clause: Clause
    greeted: bool = False
    before: str = ""

    @property
    def quote(self) -> str:
        """The user's own words."""
        return self.clause.quote


def read(kind: str, draft: Draft, found: Found) -> None:
    """Add to the draft what this match says."""
    _READERS[kind](draft, found)


def greets(text: str) -> bool:
    """Whether a message begins with a greeting."""
    return bool(_GREETING.match(text.lstrip()))


def _said_to_be(draft: Draft, found: Found) -> None:
    """``I'm Will``: a name in capitals, or after "hi", or the one that the user signed in with."""
    signed_in = found.value.casefold() == draft.user_id.casefold()
    introduced = found.greeted and draft.value("name") is None
    _name(draft, found, sure=signed_in or introduced)


def _named(draft: Draft, found: Found) -> None:
    _name(draft, found, sure=True)


def _corrected(draft: Draft, found: Found) -> None:
    """``It's Bill``: only where the assistant had just used the name that this one corrects."""
    known = draft.value("name")
    if known and stems(str(known)) <= stems(found.before):
        _name(draft, found, sure=False)


def _name(draft: Draft, found: Found, *, sure: bool) -> None:
    if name := name_of(found.value, sure=sure):
        draft.set("name", name, found.quote)


def _age(draft: Draft, found: Found) -> None:
    years = number_of(found.value)
    if years is not None and 1 < years < _OLDEST:
        draft.set("age", years, found.quote)


def _city(draft: Draft, found: Found) -> None:
    if found.value.split()[0].lower() not in words("not_places"):
        place = found.value.title() if found.value.islower() else found.value
        _set_or_note("city", place.rstrip("."), draft, found)


def _job(draft: Draft, found: Found) -> None:
    _set_or_note("job", found.value, draft, found)


def _diet(draft: Draft, found: Found) -> None:
    value = found.value
    if value.lower().startswith("eat "):
        value = f"does not {value}"
    _set_or_note("diet", value, draft, found)


def _set_or_note(topic: Topic, value: str, draft: Draft, found: Found) -> None:
    if draft.has(topic):
        draft.set(topic, value, found.quote)
    else:
        _memory(draft, found)


def _interest(draft: Draft, found: Found) -> None:
    if draft.has("interests"):
        for item in items_of(found.value):
            draft.add("interests", item, found.quote)


def _no_interest(draft: Draft, found: Found) -> None:
    gone = stems(found.value)
    for item in draft.items("interests"):
        if stems(item) <= gone:
            draft.remove("interests", item, found.quote)


def _no_memory(draft: Draft, found: Found) -> None:
    """``I'm no longer training for the marathon``."""
    gone = stems(found.value)
    for memory in draft.items("core_memories"):
        if memory.startswith("Is ") and gone <= stems(memory):
            draft.remove("core_memories", memory, found.quote)


def _left_city(draft: Draft, found: Found) -> None:
    _left("city", _AT_HOME, draft, found)


def _left_job(draft: Draft, found: Found) -> None:
    _left("job", _AT_WORK, draft, found)


def _left(topic: Topic, memories: re.Pattern[str], draft: Draft, found: Found) -> None:
    """Take out what the profile says of a place that the user names as left."""
    place = stems(found.value)
    if place <= stems(str(draft.value(topic) or "")):
        draft.clear(topic, found.quote)
    for memory in draft.items("core_memories"):
        if memories.match(memory) and place <= stems(memory):
            draft.remove("core_memories", memory, found.quote)


def _memory(draft: Draft, found: Found) -> None:
    _note(draft, found, "user")


def _relative(draft: Draft, found: Found) -> None:
    _note(draft, found, "other")


def _note(draft: Draft, found: Found, who: Who) -> None:
    if not _FLEETING.search(found.clause.text):
        draft.add("core_memories", third_person(found.clause.text), found.quote, who)


_READERS: Mapping[str, Callable[[Draft, Found], None]] = {
    "said_to_be": _said_to_be,
    "named": _named,
    "corrected": _corrected,
    "age": _age,
    "city": _city,
    "job": _job,
    "diet": _diet,
    "interest": _interest,
    "no_interest": _no_interest,
    "left_city": _left_city,
    "left_job": _left_job,
    "memory": _memory,
    "no_memory": _no_memory,
    "relative": _relative,
}
