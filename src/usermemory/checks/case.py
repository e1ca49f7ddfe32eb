"""What a check is given: one change, the schema's field, and who said what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from usermemory.checks.claim import Claim
from usermemory.checks.clauses import sentences_around
from usermemory.checks.languages import Language, spoken
from usermemory.checks.quote import Found
from usermemory.checks.words import folded
from usermemory.records import Change, Message, Reason

if TYPE_CHECKING:
    from usermemory.schema import Field


class Refusal(NamedTuple):
    """Why a change is not what the user said; the detail helps whoever repairs it."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Case:
    """One change, and all that it is judged by.

    Attributes:
        field: Of the schema; for ``update`` and maps the whole field, not the property.
        document: The profile before the change.
        batch: The unread messages, oldest first, this user's without what is pasted.
        context: Read messages right before them, in the same way.
        heard: The unread ones as they came, and what others said before.
        edited: When the field was last edited by hand, if it was.
        user_id: Whose profile it is.
        found: Where the user said it; ``None`` if that is not found.
        question: The question that the quote says yes to, if it does.
    """

    change: Change
    field: Field
    document: Mapping[str, Any]
    batch: Sequence[Message]
    context: Sequence[Message]
    heard: Sequence[Message]
    edited: float | None
    user_id: str
    found: Found | None
    question: str | None

    @cached_property
    def texts(self) -> list[str]:
        """What may ground the value, the nearest first.

        The quoted sentence, its message, this user's other messages, newest first; for a
        confirmed question only that.
        """
        if self.question is not None:
            return [self.question]
        texts = [one.text for one in self.users]
        if self.found is None:
            return texts
        quoted = self.found.message.text
        return [sentences_around(quoted, self.found.start, self.found.end), *texts]

    @cached_property
    def users(self) -> list[Message]:
        """This user's messages: the quoted one first, then the others, newest first."""
        users = [one for one in (*self.context, *self.batch) if one.author == "user"][::-1]
        quoted = self.found.message if self.found else None
        return sorted(users, key=lambda one: one is not quoted)

    @cached_property
    def languages(self) -> frozenset[Language]:
        """What the user speaks: in the quoted message, or else in all of them."""
        quoted = self.found.message.text if self.found and not self.question else ""
        return frozenset(spoken(quoted) or spoken("\n".join(self.texts)))

    @cached_property
    def claim(self) -> Claim:
        """What the value says, word by word."""
        named = [self.change.key] if self.field.kind == "map" else []
        text = " ; ".join(str(leaf) for leaf in leaves([self.change.value, *named]))
        return Claim.of(text, self.languages | {*spoken(text)}, leave_out=set(folded(self.label)))

    @property
    def known(self) -> Any:
        """What the profile holds where the change would be made."""
        value = self.document.get(self.field.name)
        if self.change.key is None or not isinstance(value, Mapping):
            return value
        return cast("Mapping[str, Any]", value).get(self.change.key)

    @property
    def known_texts(self) -> list[str]:
        """The strings of what is known there."""
        return [leaf for leaf in leaves(self.known) if isinstance(leaf, str)]

    @property
    def label(self) -> str:
        """What the field is called, in words."""
        title = self.field.title
        return title if folded(title) else self.field.name.replace("_", " ")


def leaves(value: Any) -> Iterator[str | int | float]:
    """The strings and numbers in a value, however deep; truth values have no words."""
    if isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from leaves(part)
    elif isinstance(value, (list, tuple, set)):
        for part in cast("Iterable[Any]", value):
            yield from leaves(part)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield value
