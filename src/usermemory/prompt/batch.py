"""The part of a request that differs: the conversation and what the fields are."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from usermemory.records import Change, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from usermemory.schema import Field, Schema


@functools.cache
def prompt_text(version: str) -> str:
    """The text of ``prompts/{version}.md``, without its last line break.

    A file is never changed once it was released: a better wording is a new number.
    """
    file = resources.files("usermemory") / "prompts" / f"{version}.md"
    return file.read_text(encoding="utf-8").rstrip("\n")


def fill(template: str, **parts: str) -> str:
    """Put each part in place of its ``{{name}}``, and leave all other braces as they are.

    One pass over the template: what a part holds is never looked at again.
    """
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}}")
        known = bool(closed) and name in parts
        filled.append(parts[name] + rest if known else "{{" + piece)
    return "".join(filled)


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


EXAMPLES = (
    Example(
        profile={"town": "Ghent"},
        messages=(
            Message("user", "What would you cook for a vegan who hates onions?"),
            Message("assistant", "A lentil curry. I love curry myself!"),
            Message("user", "haha thanks, you should open a restaurant"),
        ),
    ),
    Example(
        profile={"town": "Graz", "pets": ["a cat called Musse"]},
        messages=(
            Message("assistant", "Do you still live in Graz?"),
            Message("user", "No, I moved to Ghent in May. Musse died, so it's quiet at home."),
            Message("assistant", "I'm sorry. Who looks after you?"),
            Message("user", "My sister Ida, she's vegan. I eat everything, and I got a puppy, Bo!"),
        ),
        changes=(
            Change("town", "set", "Ghent", "I moved to Ghent"),
            Change("pets", "remove", "a cat called Musse", "Musse died"),
            Change("people", "add", "Sister Ida is vegan", "My sister Ida, she's vegan"),
            Change("diet", "set", "eats everything", "I eat everything"),
            Change("pets", "add", "a puppy called Bo", "I got a puppy, Bo"),
        ),
    ),
)
"""The most telling one last."""


def as_json(change: Change) -> dict[str, Any]:
    """One change as the form of the answer has it; key and value only if given."""
    parts: dict[str, Any] = {"quote": change.quote, "action": f"{change.action} {change.field}"}
    if change.key is not None:
        parts["key"] = change.key
    if change.value is not None:
        parts["value"] = change.value
    return parts


# A reader takes the full-width form for the same sign, so both are replaced.
_FENCE = re.compile(r"[<\uff1c](?=\s*[/\uff0f]?\s*(?:messages|earlier)\b)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_HALF_A_PAIR = re.compile(r"[\ud800-\udfff]")  # no encoder takes it
# Tags (text that only a model sees) and marks that reorder what follows.
_INVISIBLE = re.compile(r"[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_A_NAME = re.compile(r"[^\w .'-]")
_LONGEST_NAME = 40
# Seconds after which the time is told again.
_PAUSE = 600.0

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def harmless(text: str) -> str:
    """Text without control characters, lone surrogates and fences of ours; otherwise as it is."""
    text = _INVISIBLE.sub("", text)
    text = _HALF_A_PAIR.sub("\ufffd", _CONTROL.sub(" ", text))
    return _FENCE.sub("\u2039", text)


def one_line(value: Any) -> str:
    """A JSON value on one line, harmless inside a prompt."""
    return harmless(json.dumps(value, ensure_ascii=False))


def fenced(messages: Iterable[Message], fence: str = "messages") -> str:
    """Messages between ``<fence>`` and ``</fence>``, oldest first, with lines that tell the time.

    Args:
        messages: What was said.
        fence: ``messages`` for the batch, ``earlier`` for what was read before.

    Returns:
        The fenced text. A line of its own gives day and time (UTC) before the first message, and
        again where ten minutes have passed.
    """
    lines = [f"<{fence}>"]
    told: float | None = None
    for message in messages:
        if message.at is not None and (told is None or abs(message.at - told) >= _PAUSE):
            lines += _time(message.at)
            told = message.at
        text = harmless("\n".join(message.text.splitlines())).replace("\n", "\n    ")
        lines.append(f"{_speaker(message)}: {text}")
    return "\n".join([*lines, f"</{fence}>"])


def _time(at: float) -> list[str]:
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):  # no such year
        return []
    return [f"[{_DAYS[when.weekday()]} {when:%Y-%m-%d %H:%M}]"]


def _speaker(message: Message) -> str:
    name = _NOT_IN_A_NAME.sub("", message.name or "")[:_LONGEST_NAME].strip()
    return f"{message.author} ({name})" if name else message.author


_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_LONGEST_DESCRIPTION = 400
KEYED = (
    "key, before the value: which entry of a map or an object; of a list of objects the name of "
    "the item to update or remove; else null. In an update, null leaves a property as it is."
)


def asked_fields(schema: Schema) -> Iterable[Field]:
    """The fields that a model may propose changes to, in the schema's order."""
    return (
        field
        for field in schema.fields.values()
        if field.settings.ask and not field.settings.protect
    )


def described(schema: Schema) -> str:
    """One line for each field that is asked for: type, whom it may be about, meaning."""
    fields = list(asked_fields(schema))
    keyed = any(field.kind not in ("scalar", "list") for field in fields)
    return "\n".join([*map(_line, fields), *([KEYED] if keyed else [])])


def _line(field: Field) -> str:
    parts = [_kind(field)]
    if field.settings.about == "anyone":
        parts.append("also other people")
    if field.settings.instructions == "quote":
        parts.append("also what the user asks of the assistant")
    return f"- {field.name}: {'; '.join(parts)}{_meaning(field)}"


def meaning(field: Field) -> str:
    """What a field means, on one line; empty where that is no more than its name."""
    title = "" if _same_words(field.title, field.name) else field.title
    return " ".join((field.description or title).split())[:_LONGEST_DESCRIPTION]


def _meaning(field: Field) -> str:
    examples = ", ".join(map(one_line, field.settings.examples))
    sentences = [meaning(field), f"For example {examples}" if examples else ""]
    return "".join(f". {sentence.rstrip('.')}" for sentence in sentences if sentence)


def _same_words(title: str, name: str) -> bool:
    return title.casefold().replace(" ", "_") == name.casefold()


def _kind(field: Field) -> str:
    properties = ", ".join(
        f"{name} ({_kind(inner)})" for name, inner in field.keys.items() if inner.settings.ask
    )
    if field.kind == "scalar":
        return _value(field.value_schema)
    if field.kind == "object":
        return f"object with the keys {properties}"
    if field.kind == "objects":
        return f"list of objects, named by {field.settings.key}, with the keys {properties}"
    items = f"objects with the keys {properties}" if properties else _value(field.value_schema)
    return f"{field.kind} of {items}"


def _value(schema: Mapping[str, Any]) -> str:
    """The type of a value in words, with its choices and bounds."""
    if "enum" in schema:
        return "one of " + ", ".join(map(one_line, schema["enum"]))
    name = schema.get("format") or _TYPES.get(schema.get("type", ""), "text")
    return f"{name}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    lowest = "" if low is None else f" from {low}"
    return lowest if high is None else f"{lowest} up to {high}"
