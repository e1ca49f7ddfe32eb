"""What the batch has changed so far: changes that fit the schema, without repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from usermemory.records import Action, Change, Who

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usermemory.extract import Request
    from usermemory.schema import Field

Topic = Literal["name", "age", "city", "job", "diet", "interests", "core_memories"]

FIELDS: Mapping[Topic, tuple[str, ...]] = {
    "name": ("name", "full_name", "first_name"),
    "age": ("age",),
    "city": ("city", "town", "location"),
    "job": ("job", "occupation", "profession"),
    "diet": ("diet",),
    "interests": ("interests", "hobbies", "likes"),
    "core_memories": ("core_memories", "memories", "facts", "notes"),
}
"""What is learned, and the fields it may go to: the first that the schema has and that fits."""


class Draft:
    """Collects changes, and knows what the profile will hold after them.

    Args:
        request: The schema, the profile as it is, and whose it is.

    Attributes:
        changes: What was proposed so far, in the order it was said.
        user_id: Whose profile it is.
    """

    def __init__(self, request: Request) -> None:
        self.changes: list[Change] = []
        self.user_id = request.user_id
        self._fields: dict[Topic, str] = {
            topic: name
            for topic, names in FIELDS.items()
            for name in reversed(names)
            if _fits(topic, request.schema.fields.get(name))
        }
        self._values: dict[Topic, Any] = {
            topic: request.document.get(name) for topic, name in self._fields.items()
        }

    def has(self, topic: Topic) -> bool:
        """Whether the schema has a field for it."""
        return topic in self._fields

    def value(self, topic: Topic) -> Any:
        """What a scalar will be; None where it is empty or the schema has none."""
        return self._values.get(topic)

    def items(self, topic: Topic) -> list[str]:
        """What a list will hold; empty where the schema has none."""
        return [item for item in self._values.get(topic) or () if isinstance(item, str)]

    def set(self, topic: Topic, value: str | int, quote: str) -> None:
        """Set a scalar, unless it is that already or the schema has none."""
        if self.has(topic) and _folded(self._values[topic]) != _folded(value):
            self._values[topic] = value
            self._propose(topic, "set", value, quote)

    def clear(self, topic: Topic, quote: str) -> None:
        """Empty a scalar that holds something."""
        if self.value(topic) is not None:
            self._values[topic] = None
            self._propose(topic, "clear", None, quote)

    def add(self, topic: Topic, item: str, quote: str, who: Who = "user") -> None:
        """Add an item to a list, unless it is there already or the schema has none."""
        items = self.items(topic)
        if self.has(topic) and _folded(item) not in map(_folded, items):
            self._values[topic] = [*items, item]
            self._propose(topic, "add", item, quote, who)

    def remove(self, topic: Topic, item: str, quote: str) -> None:
        """Take one item of `items` out of its list."""
        self._values[topic] = [kept for kept in self.items(topic) if kept != item]
        self._propose(topic, "remove", item, quote)

    def _propose(
        self, topic: Topic, action: Action, value: Any, quote: str, who: Who = "user"
    ) -> None:
        self.changes.append(Change(self._fields[topic], action, value, quote, who))


def _fits(topic: Topic, field: Field | None) -> bool:
    wanted = "list" if topic in ("interests", "core_memories") else "scalar"
    return field is not None and field.kind == wanted and field.settings.ask


def _folded(value: object) -> str:
    return " ".join(str(value).casefold().split()).rstrip(".!")
