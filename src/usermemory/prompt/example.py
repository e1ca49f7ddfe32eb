"""One worked example: what was said, and the changes that a good answer holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from usermemory.prompt.transcript import fenced, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.records import Change, Message


@dataclass(frozen=True, slots=True)
class Example:
    """A profile, what was said, and the changes that a good answer holds.

    Attributes:
        messages: What was said, oldest first.
        changes: The right answer.
        profile: The profile before; empty by default.
    """

    messages: tuple[Message, ...]
    changes: tuple[Change, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def text(self) -> str:
        """The example as it stands in the prompt."""
        answer = {"changes": [as_json(change) for change in self.changes]}
        said = fenced(self.messages)
        return f"Example\nProfile: {one_line(dict(self.profile))}\n{said}\n{one_line(answer)}"


def as_json(change: Change) -> dict[str, Any]:
    """One change as the form of the answer has it; key and value only if given."""
    parts: dict[str, Any] = {"quote": change.quote, "action": f"{change.action} {change.field}"}
    if change.key is not None:
        parts["key"] = change.key
    if change.value is not None:
        parts["value"] = change.value
    return parts
