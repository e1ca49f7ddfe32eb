"""Profile and messages -> the two texts that a chat model is given.

The first is the same for every user and every batch (rules, fields, examples), byte by byte, so
that a provider can cache it. The second holds the profile and the fenced transcript. The words
live in ``usermemory/prompts``, in files with a version, which every revision names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from usermemory.errors import ConfigurationError
from usermemory.prompt.example import Example, as_json
from usermemory.prompt.examples import derived
from usermemory.prompt.fields import asked_fields, described
from usermemory.prompt.profile import shown
from usermemory.prompt.transcript import fenced, harmless, one_line
from usermemory.prompt.words import fill, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from usermemory.records import Message, Refused
    from usermemory.schema import Schema

__all__ = ["OVERWRITE", "REPAIR", "Example", "Prompt", "asked_fields", "overwriting", "rewriting"]

CHANGES = "changes-2"
OVERWRITE = "overwrite-1"
REPAIR = "repair-1"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The words that ask for changes; the parts that a schema wants to say otherwise.

    Attributes:
        rules: The stable text, in which ``{{fields}}`` and ``{{examples}}`` are filled in;
            ``None`` for the file of this version.
        examples: Worked examples, the most telling one last; ``None`` for those derived from the
            schema, an empty tuple for none.

    Raises:
        ConfigurationError: The rules have no place for the fields.
    """

    rules: str | None = None
    examples: tuple[Example, ...] | None = None

    def __post_init__(self) -> None:
        if self.rules is not None and "{{fields}}" not in self.rules:
            raise ConfigurationError(
                "Prompt(rules=…) has no place for the fields of the profile: "
                "write {{fields}} where they go, and {{examples}} where the examples go."
            )

    @property
    def version(self) -> str:
        """The name for the revisions; words of one's own are told apart by their digest."""
        if self.rules is None and self.examples is None:
            return CHANGES
        own = "\n".join([self.rules or "", *(one.text() for one in self.examples or ())])
        return f"{CHANGES}+{hashlib.sha256(own.encode()).hexdigest()[:8]}"

    def stable(self, schema: Schema) -> str:
        """Rules, fields and examples: the same bytes for all users of a schema."""
        examples = derived(schema) if self.examples is None else self.examples
        texts = "\n\n".join(example.text() for example in examples)
        return fill(self.rules or words(CHANGES), fields=described(schema), examples=texts)

    def asked(
        self,
        schema: Schema,
        document: Mapping[str, Any],
        batch: Sequence[Message],
        context: Sequence[Message] = (),
        rejected: Sequence[Refused] = (),
    ) -> str:
        """The part that differs: profile, transcript, and what is to be repaired.

        Args:
            schema: The fields.
            document: The profile as it is.
            batch: The messages to read.
            context: What was said right before, already read.
            rejected: Changes that could not be made, when asking for better ones.

        Returns:
            The text of the second message.
        """
        parts = [situation(schema, document, batch, context)]
        if rejected:
            parts.append(fill(words(REPAIR), rejected="\n".join(map(_line, rejected))))
        return "\n".join([*parts, "changes:"])


def situation(
    schema: Schema,
    document: Mapping[str, Any],
    batch: Sequence[Message],
    context: Sequence[Message] = (),
) -> str:
    """The profile and the fenced transcript; what was read already comes first, marked as such."""
    parts = [f"profile: {shown(schema, document, batch)}"]
    if context:
        parts += ["Read already, only to understand what follows:", fenced(context, "earlier")]
    return "\n".join([*parts, fenced(batch)])


def overwriting(schema: Schema) -> str:
    """The stable text that asks for the whole profile anew."""
    return fill(words(OVERWRITE), fields=described(schema))


def rewriting(
    schema: Schema,
    document: Mapping[str, Any],
    batch: Sequence[Message],
    context: Sequence[Message] = (),
) -> str:
    """The part of it that differs: the profile and the fenced transcript."""
    return f"{situation(schema, document, batch, context)}\nprofile:"


def _line(rejection: Refused) -> str:
    why = ": ".join(filter(None, [rejection.reason.replace("_", " "), rejection.detail]))
    return f"- {one_line(as_json(rejection.change))}\n  {' '.join(harmless(why).split())}"
