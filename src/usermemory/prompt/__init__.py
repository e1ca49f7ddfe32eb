"""Profile and messages -> the two texts that a chat model is given.

The first is the same for every user and every batch (rules and fields), byte by byte, so that a
provider can cache it. The second holds the profile and the fenced transcript. The words live in
``usermemory/prompts``, in files with a version, which every revision names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from usermemory.errors import ConfigurationError
from usermemory.prompt.batch import (
    Example,
    as_json,
    asked_fields,
    described,
    fenced,
    fill,
    harmless,
    one_line,
    words,
)
from usermemory.prompt.profile import notes, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from usermemory.batch import Batch
    from usermemory.records import Message, Refused
    from usermemory.schema import Schema

__all__ = [
    "OVERWRITE",
    "REPAIR",
    "Example",
    "Prompt",
    "asked_fields",
    "dialogue",
    "overwriting",
    "rewriting",
]

CHANGES = "changes-3"
OVERWRITE = "overwrite-1"
REPAIR = "repair-2"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The words that ask for changes; the parts that a schema wants to say otherwise.

    Attributes:
        rules: The stable text, in which ``{{fields}}`` is filled in; ``None`` for the file of this
            version.
        examples: Worked examples of your own, the most telling one last; by default there are none.

    Raises:
        ConfigurationError: The rules have no place for the fields.
    """

    rules: str | None = None
    examples: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        if self.rules is not None and "{{fields}}" not in self.rules:
            raise ConfigurationError(
                "Prompt(rules=…) has no place for the fields of the profile: "
                "write {{fields}} where they go."
            )

    @property
    def version(self) -> str:
        """The name for the revisions; words of one's own are told apart by their digest."""
        if self.rules is None and not self.examples:
            return CHANGES
        own = "\n".join([self.rules or "", *(one.text() for one in self.examples)])
        return f"{CHANGES}+{hashlib.sha256(own.encode()).hexdigest()[:8]}"

    def stable(self, schema: Schema) -> str:
        """Rules, fields and examples: the same bytes for all users of a schema."""
        rules = fill(self.rules or words(CHANGES), fields=described(schema))
        return "\n\n".join([rules, *(example.text() for example in self.examples)])

    def asked(self, batch: Batch, rejected: Sequence[Refused] = ()) -> str:
        """The part that differs: profile, transcript, and what is to be repaired.

        Args:
            batch: The profile and the messages.
            rejected: Changes whose form was wrong, when asking for better ones.

        Returns:
            The text of the second message.
        """
        parts = [situation(batch)]
        if rejected:
            parts.append(fill(words(REPAIR), rejected="\n".join(map(_line, rejected))))
        return "\n".join(parts)


def situation(batch: Batch) -> str:
    """The profile, what is to be said about it, and the fenced transcript."""
    known = shown(batch.schema, batch.document, batch.messages)
    parts = [f"Profile: {known}", *notes(batch), dialogue(batch.messages, batch.context)]
    return "\n".join(parts)


def dialogue(messages: Sequence[Message], context: Sequence[Message] = ()) -> str:
    """The fenced transcript; what was read already comes first, marked as such."""
    if not context:
        return fenced(messages)
    before = ["Read already, only to understand what follows:", fenced(context, "earlier")]
    return "\n".join([*before, fenced(messages)])


def overwriting(schema: Schema) -> str:
    """The stable text that asks for the whole profile anew."""
    return fill(words(OVERWRITE), fields=described(schema))


def rewriting(batch: Batch) -> str:
    """The part of it that differs: the profile and the fenced transcript."""
    return situation(batch)


def _line(refused: Refused) -> str:
    why = ": ".join(filter(None, [refused.reason.replace("_", " "), refused.detail]))
    return f"- {one_line(as_json(refused.change))}\n  {' '.join(harmless(why).split())}"
