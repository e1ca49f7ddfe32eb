"""When the offline bot calls a tool of the memory: when it is told to remember, or to forget."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.messages import BaseMessage, ToolCall, ToolMessage

from usermemory.extras.rules.clauses import stems
from usermemory.messages import is_sequence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from usermemory.records import Change

_I = re.IGNORECASE
_PLEASE = r"\W*(?:(?:please|could you|can you|also|and|now)\W+)*"
_REMEMBER = re.compile(rf"{_PLEASE}(?:remember|note|keep in mind)\b(?!.*\?)", _I)
_FORGET = re.compile(rf"{_PLEASE}forget\b", _I)
_SMALL_WORDS = stems("forget please that i my me i'm am is are a an the about to of in like love")


def saving(text: str, changes: Sequence[Change], tools: Collection[str]) -> ToolCall | None:
    """A call of ``save_memory``, where the user says to remember what was understood.

    Args:
        text: What the user says.
        changes: What is understood of it.
        tools: The names of the tools there are.
    """
    if "save_memory" not in tools or not changes or not _REMEMBER.match(text):
        return None
    parts = ("quote", "who", "field", "action", "value")
    listed = [{part: getattr(change, part) for part in parts} for change in changes]
    return _call("save_memory", {"changes": listed})


def forgetting(text: str, profile: Mapping[str, Any], tools: Collection[str]) -> ToolCall | None:
    """A call of ``forget_memory``, where the user says to forget something that is known.

    Args:
        text: What the user says.
        profile: What is known.
        tools: The names of the tools there are.
    """
    if "forget_memory" not in tools or not _FORGET.match(text):
        return None
    said = stems(text) - _SMALL_WORDS
    places = [(len(said & stems(words)), place) for words, place in _places(profile)]
    found, (field, value) = max(places, key=lambda place: place[0], default=(0, ("", None)))
    if not found:
        return None
    return _call("forget_memory", {"quote": text, "field": field, "value": value})


def done(messages: Sequence[BaseMessage]) -> str:
    """What to say of the tools that were just called; empty if none was."""
    last = takewhile(lambda message: isinstance(message, ToolMessage), reversed(messages))
    return " ".join(map(_told, reversed(list(last))))


def _told(answer: BaseMessage) -> str:
    if getattr(answer, "status", "") == "error":
        return f"That did not work: {answer.text}"
    if answer.name == "forget_memory":  # what it was is not said once more
        return "Done: it is forgotten."
    return f"Done: {answer.text}"


def _places(profile: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """What one would say to have something forgotten, and the field and value to forget."""
    for field, value in profile.items():
        if is_sequence(value):
            yield from ((str(item), (field, str(item))) for item in value)
        elif value not in (None, ""):
            yield f"{field.replace('_', ' ')} {value}", (field, None)


def _call(name: str, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(name=name, args=arguments, id=f"call-{uuid4().hex}", type="tool_call")
