"""An extractor without a model: what people say of themselves, by rules, in English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from usermemory.extract import Extraction, Request
from usermemory.extras.rules.person import third_person
from usermemory.extras.rules.statements import (
    GREETING,
    clauses,
    liked_items,
    number_of,
    person_name,
    rules_that_match,
    sincere,
    stems,
)
from usermemory.records import Action, Change

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "full_name", "first_name"),
    "age": ("age",),
    "city": ("city", "town", "location"),
    "job": ("job", "occupation", "profession"),
    "diet": ("diet",),
    "interests": ("interests", "hobbies", "likes"),
    "core_memories": ("core_memories", "memories", "facts", "notes"),
}
"""What is learned, and the fields it may go to: the first that the schema has and that fits."""

_LIST_TOPICS = ("interests", "core_memories")
_OLDEST_AGE = 120
_FLEETING = re.compile(r"(?i)\b(?:today|tonight|right now|this (?:morning|evening|week))\b")
_GONE: Mapping[str, tuple[str, str | tuple[str, ...]]] = {
    "no_interest": ("interests", ""),
    "no_memory": ("core_memories", "Is "),
    "left_city": ("core_memories", ("Lives ", "Moved ")),
}
"""What is taken back: in which list, and how the items begin that may go."""


class OfflineExtractor:
    """Finds first-person statements and turns them into changes, each with its quote.

    It fills name, age, city, job, diet, interests and core memories, as far as the schema has
    fields for them (`usermemory.extras.rules.extractor.FIELDS`); what has none becomes a core
    memory.
    """

    def extract(self, request: Request) -> Extraction:
        """The changes that the batch calls for; asks nobody and costs nothing.

        Args:
            request: The schema, the profile and the messages.

        Returns:
            The changes in the order they were said; none where nothing was learned.
        """
        draft = _Draft(request)
        for message in sincere((*request.context, *request.batch), skip=len(request.context)):
            greeted = GREETING.match(message.text) is not None
            for clause in clauses(message.text):
                draft.text, draft.quote = clause
                for kind, value in rules_that_match(clause.text):
                    draft.read(kind, value, greeted=greeted)
        return Extraction(changes=tuple(draft.changes), model="offline", prompt="offline-1")


class _Draft:
    """The changes so far, and what the profile will hold after them.

    Attributes:
        text: The clause that is being read.
        quote: The user's own words for it.
    """

    def __init__(self, request: Request) -> None:
        self.changes: list[Change] = []
        self.text = self.quote = ""
        self._user_id = request.user_id
        asked = {name: each for name, each in request.schema.fields.items() if each.settings.ask}
        self._fields = {
            topic: name
            for topic, names in FIELDS.items()
            for name in reversed(names)
            if name in asked and asked[name].kind == ("list" if topic in _LIST_TOPICS else "scalar")
        }
        self._values: dict[str, Any] = {
            topic: request.document.get(name) for topic, name in self._fields.items()
        }

    def read(self, kind: str, value: str, *, greeted: bool) -> None:
        """Add what a statement of this kind says."""
        if kind in {"said_to_be", "named"}:
            # In lower case it is a name after "hi", or if the user signed in under it.
            sure = greeted and not self._values.get("name")
            sure = sure or kind == "named" or value.casefold() == self._user_id.casefold()
            self._set("name", person_name(value, sure=sure))
        elif kind == "age":
            years = number_of(value) or 0
            self._set("age", years if 1 < years < _OLDEST_AGE else None)
        elif kind == "interest":
            for item in liked_items(value):
                self._add("interests", item)
        elif kind in _GONE:
            self._remove(*_GONE[kind], gone=stems(value))
        elif kind in self._fields:
            self._set(kind, f"does not {value}" if value.startswith("eat ") else value)
        elif not _FLEETING.search(self.text):
            self._add("core_memories", third_person(self.text))

    def _set(self, topic: str, value: str | int | None) -> None:
        if value is None or topic not in self._fields:
            return
        if _without_case(value) != _without_case(self._values[topic]):
            self._propose(topic, "set", value)

    def _add(self, topic: str, item: str) -> None:
        items = map(_without_case, self._values.get(topic) or ())
        if topic in self._fields and _without_case(item) not in items:
            self._propose(topic, "add", item)

    def _remove(self, topic: str, starts: str | tuple[str, ...], gone: frozenset[str]) -> None:
        for item in self._values.get(topic) or ():
            some = item.startswith(starts) and stems(item)
            if some and (some <= gone or gone <= some):
                self._propose(topic, "remove", item)

    def _propose(self, topic: str, action: Action, value: Any) -> None:
        held: list[Any] = self._values[topic] or []
        if action == "add":
            self._values[topic] = [*held, value]
        elif action == "remove":
            self._values[topic] = [item for item in held if item != value]
        else:
            self._values[topic] = value
        self.changes.append(Change(self._fields[topic], action, value, self.quote))


def _without_case(value: object) -> str:
    return " ".join(str(value).casefold().split()).rstrip(".!")
