"""The content of a message as plain text: blocks joined, files named, tool calls kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from usermemory.errors import InvalidInput
from usermemory.messages.text import clean

# Kinds of block as LangChain, OpenAI, Anthropic and Google name them.
_TEXT = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_MEDIA = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "media": "file",
    "text-plain": "file",
}
_CALLS = frozenset({"tool_call", "tool_use", "function_call"})
# What the model thought, and pieces of calls, is nobody's statement.
_SILENT = frozenset(
    {
        "reasoning",
        "thinking",
        "redacted_thinking",
        "non_standard",
        "tool_call_chunk",
        "input_json_delta",
        "invalid_tool_call",
        "server_tool_call",
        "server_tool_call_chunk",
    }
)
_ARGUMENTS = ("args", "arguments", "input")
_LONGEST_ARGUMENTS = 300


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether this has entries by name."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether this is a list or a tuple."""
    return isinstance(value, list | tuple)


def plain_text(content: Any, tool_calls: Iterable[Any] = (), transcript: str = "") -> str:
    """All that a message says, as one text.

    Args:
        content: A string, a block, a list of both, or None.
        tool_calls: The message's own list of calls, in LangChain's or OpenAI's form.
        transcript: What was spoken, where it stands beside the content.

    Returns:
        The text, cleaned; empty where nothing was said.

    Raises:
        InvalidInput: The content is of no known form.
    """
    if content is None or isinstance(content, str) or is_mapping(content):
        content = [content or ""]
    if not is_list(content):
        raise InvalidInput(f"content is neither text nor a list of blocks: {type(content)!r}")
    lines = [_block(block) for block in content]
    if transcript:
        lines.append(transcript)
    # Anthropic's content holds the calls too: they count once.
    calls = list(tool_calls) or [block for block in content if _kind(block) in _CALLS]
    lines.extend(_call(call) for call in calls)
    return clean("\n".join(line for line in lines if line))


def _kind(block: Any) -> str:
    return str(block.get("type", "text")) if is_mapping(block) else "text"


def _block(block: Any) -> str:
    if isinstance(block, str):
        return block
    if not is_mapping(block):
        raise InvalidInput(f"a content block is neither text nor a mapping: {type(block)!r}")
    kind = _kind(block)
    if kind in _TEXT:
        return str(block.get(_TEXT[kind]) or "")
    if kind in _MEDIA:
        return _first(block, "transcript") or _placeholder(_MEDIA[kind], _first_name(block))
    return "" if kind in _CALLS or kind in _SILENT else f"[{kind}]"


def _first_name(block: Mapping[str, Any]) -> str:
    return _first(block, "filename", "file_name", "name", "title")


def _first(block: Mapping[str, Any], *keys: str) -> str:
    """The first of these entries that is there, in the block or one level below it."""
    nested = (value for value in block.values() if is_mapping(value))
    for entries in (block, *nested):
        for key in keys:
            if isinstance(value := entries.get(key), str) and value:
                return value
    return ""


def _placeholder(kind: str, name: str) -> str:
    return f"[{kind}: {name}]" if name else f"[{kind}]"


def _call(call: Any) -> str:
    """A tool call in one short line, so that the result after it can be understood."""
    entries: Mapping[str, Any] = call if is_mapping(call) else {}
    function = entries.get("function")
    if is_mapping(function):
        entries = function
    given: Any = next((entries[key] for key in _ARGUMENTS if key in entries), "")
    arguments = (
        given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
    )
    if len(arguments) > _LONGEST_ARGUMENTS:
        arguments = arguments[:_LONGEST_ARGUMENTS] + "…"
    return f"[calls {entries.get('name') or 'a tool'}({arguments})]"
