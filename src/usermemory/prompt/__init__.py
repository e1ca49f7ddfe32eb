"""Profile and messages -> the two texts that a chat model is given.

The first is the same for every user and every batch (rules and fields), byte by byte, so that a
provider can cache it. The second holds the profile and the fenced transcript. The words live in
``usermemory/prompts``, in files with a version, which every revision names.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError
from usermemory.prompt.batch import (
    Example,
    as_json,
    described,
    fenced,
    fill,
    harmless,
    one_line,
    prompt_text,
)
from usermemory.schema.shape import is_list, is_object
from usermemory.text import folded_words, pairs, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from usermemory.batch import Batch
    from usermemory.records import Message, Refused
    from usermemory.schema import Schema


ROOM = 8_000
"""Tokens of a profile that are shown, by estimate."""

_STEM = 5
# Items of a list that is shown whole, however long the others are.
_SHORT = 10


def shown(
    schema: Schema, document: Mapping[str, Any], messages: Iterable[Message], room: int = ROOM
) -> str:
    """The profile as one line of JSON, with a second line that names what was left out.

    Args:
        schema: Says which fields a model may see, and in which order.
        document: The profile.
        messages: What it will be compared with.
        room: Tokens, by estimate.

    Returns:
        The text; empty fields, and those with ``Remember(ask=False)``, do not appear in it.
    """
    seen = visible(schema, document)
    line = one_line(seen)
    if tokens(line) <= room:
        return line
    return _shortened(seen, "\n".join(message.text for message in messages), room)


def visible(schema: Schema, document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a document a model may see and says something, in the schema's order."""
    return {
        field.name: _told(document.get(field.name))
        for field in schema.fields.values()
        if field.settings.ask and _told(document.get(field.name)) not in (None, "", [], {})
    }


def _told(value: Any) -> Any:
    """A value without the properties that are null."""
    if is_object(value):
        return {key: _told(part) for key, part in value.items() if part not in (None, [], {})}
    return [_told(part) for part in value] if is_list(value) else value


def notes(batch: Batch) -> list[str]:
    """What the model has to know of limits, locked fields and erasures, a line each."""
    found: list[str] = []
    for field in batch.schema.fields.values():
        most, value = field.settings.max_items, batch.document.get(field.name)
        full = most is not None and (is_list(value) or is_object(value)) and len(value) >= most
        if full and field.settings.ask and not field.settings.protect:
            found.append(f"({field.name} is full: to add an item, remove one that matters less)")
    locked = [
        field.name
        for field in batch.schema.fields.values()
        if field.settings.protect and field.settings.ask and batch.document.get(field.name)
    ]
    if locked:
        found.append(f"({', '.join(locked)}: changed by hand only)")
    if erased := _erased(batch):
        found.append(f"(erased at the user's wish, do not take it from these words: {erased})")
    if batch.limits.is_full(batch.document):
        found.append("(the profile is full: it takes only corrections and removals)")
    return found


def _erased(batch: Batch) -> str:
    """The fields of which something was erased after some of these messages had come in."""
    oldest = min(
        (m.received for m in batch.messages if m.author == "user" and m.received is not None),
        default=math.inf,
    )
    fields = {stone.field for stone in batch.tombstones if stone.erased_at >= oldest}
    return ", ".join(
        "parts of the profile" if not one else f"values of {one}" for one in sorted(fields)
    )


def _shortened(seen: dict[str, Any], about: str, room: int) -> str:
    long = {name: _items(value) for name, value in seen.items() if len(_items(value)) > _SHORT}
    rest = {name: value for name, value in seen.items() if name not in long}
    room -= tokens(one_line(rest)) + 20 * len(long)
    every = [(name, place, item) for name in long for place, item in enumerate(long[name])]
    kept = _kept(every, about, room)
    left_out: list[str] = []
    for name, items in long.items():
        chosen = kept.get(name, set())
        if len(chosen) < len(items):
            left_out.append(f"{len(items) - len(chosen)} of {name}")
            seen[name] = _only(seen[name], chosen)
    note = f"\n(known too, and not shown: {', '.join(left_out)})" if left_out else ""
    return one_line(seen) + note


def _kept(items: Sequence[tuple[str, int, Any]], about: str, room: int) -> dict[str, set[int]]:
    """Which items to show: those that the messages are about first, then the newest."""
    texts = [one_line(item) for _, _, item in items]
    said = [_stems(text) for text in texts]
    common = Counter(word for each in said for word in each)
    wanted = _stems(about)
    weight = [
        sum(math.log(1 + len(items) / common[word]) for word in each & wanted) for each in said
    ]
    newest = Counter(name for name, _, _ in items)
    age = [newest[name] - place for name, place, _ in items]
    kept: dict[str, set[int]] = {}
    for at in sorted(range(len(items)), key=lambda at: (-weight[at], age[at])):
        room -= tokens(texts[at]) + 1
        if room < 0:
            break
        name, place, _ = items[at]
        kept.setdefault(name, set()).add(place)
    return kept


def _stems(text: str) -> set[str]:
    """The words of a text, cut to what inflection leaves alone; pairs of unspaced letters."""
    said = folded_words(text)
    long = {
        word if word[-1].isdigit() else word[:_STEM]
        for word in said
        if len(word) > 2 or word.isdigit()
    }
    return long.union(pairs(said))


def _items(value: Any) -> list[Any]:
    """The items of a list, the entries of a map; nothing for a single value."""
    if is_object(value):
        return [{key: item} for key, item in value.items()]
    return value if is_list(value) else []


def _only(value: Any, kept: set[int]) -> Any:
    items = [item for at, item in enumerate(_items(value)) if at in kept]
    if is_list(value):
        return items
    return {key: item for entry in items for key, item in entry.items()}


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
        rules = fill(self.rules or prompt_text(CHANGES), fields=described(schema))
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
            parts.append(fill(prompt_text(REPAIR), rejected="\n".join(map(_line, rejected))))
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
    return fill(prompt_text(OVERWRITE), fields=described(schema))


def rewriting(batch: Batch) -> str:
    """The part of it that differs: the profile and the fenced transcript."""
    return situation(batch)


def _line(refused: Refused) -> str:
    why = ": ".join(filter(None, [refused.reason.replace("_", " "), refused.detail]))
    return f"- {one_line(as_json(refused.change))}\n  {' '.join(harmless(why).split())}"
