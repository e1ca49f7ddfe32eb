"""What a check is given: one change, the schema's field, and who said what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from usermemory.checks.claim import Claim
from usermemory.checks.clauses import sentences_around
from usermemory.checks.languages import Language
from usermemory.checks.quote import Found
from usermemory.checks.text import Text, Texts
from usermemory.checks.words import folded
from usermemory.records import Change, Message, Reason

if TYPE_CHECKING:
    from usermemory.schema import Field, Remember


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
        earlier: The profile before the first change of the same answer.
        batch: The unread messages, oldest first, this user's without what is pasted.
        context: Read messages right before them, in the same way.
        heard: The unread ones as they came, and what others said before.
        edited: When the field was last edited by hand, if it was.
        learned: When what it holds was said, if that is known.
        user_id: Whose profile it is.
        found: Where the user said it; ``None`` if that is not found.
        question: The question that the quote says yes to, if it does.
        read: Texts, each with what was read in it.
    """

    change: Change
    field: Field
    document: Mapping[str, Any]
    earlier: Mapping[str, Any]
    batch: Sequence[Message]
    context: Sequence[Message]
    heard: Sequence[Message]
    edited: float | None
    learned: float | None
    user_id: str
    found: Found | None
    question: str | None
    read: Texts

    @cached_property
    def texts(self) -> list[Text]:
        """What may ground the value, the nearest first.

        The quoted sentence, its message, this user's other messages, newest first; for a
        confirmed question only that.
        """
        if self.question is not None:
            return [self.read[self.question]]
        texts = [self.read[one.text] for one in self.users]
        if self.found is None:
            return texts
        quoted = self.found.message.text
        sentence = sentences_around(quoted, self.found.start, self.found.end)
        return [self.read[sentence], *texts]

    @cached_property
    def users(self) -> list[Message]:
        """This user's messages: the quoted one first, then the others, newest first."""
        users = [one for one in (*self.context, *self.batch) if one.author == "user"][::-1]
        quoted = self.found.message if self.found else None
        return sorted(users, key=lambda one: one is not quoted)

    @cached_property
    def languages(self) -> frozenset[Language]:
        """What the user speaks: in the quoted message, or else in all of them."""
        if self.found and not self.question:
            quoted = self.read[self.found.message.text]
            if quoted.languages:
                return quoted.languages
        return self.read["\n".join(text.plain for text in self.texts)].languages

    @cached_property
    def claim(self) -> Claim:
        """What the value says, word by word."""
        named = [self.change.key] if self.field.kind == "map" else []
        text = self.read[" ; ".join(str(leaf) for leaf in leaves([self.change.value, *named]))]
        label = frozenset(folded(self.label))
        return text.claim(self.languages | text.languages, leave_out=label)

    def known(self, document: Mapping[str, Any]) -> Any:
        """What a profile holds where the change would be made."""
        value = document.get(self.field.name)
        if self.change.key is None or not isinstance(value, Mapping):
            return value
        return cast("Mapping[str, Any]", value).get(self.change.key)

    def known_texts(self, document: Mapping[str, Any]) -> list[Text]:
        """The strings of what is known there."""
        return [self.read[leaf] for leaf in leaves(self.known(document)) if isinstance(leaf, str)]

    @property
    def settings(self) -> Remember:
        """Of the property that would be changed, else of the field."""
        part = self.field.keys.get(self.change.key) if self.change.key else None
        return part.settings if part else self.field.settings

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
