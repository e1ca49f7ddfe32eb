"""A chat model's answer -> plain JSON, read strictly: half an answer is no answer.

The raw message is read rather than what the provider's package parsed from it: those parsers close
open brackets, and a list of changes that was cut off would pass for a complete one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from usermemory.extract import UnusableAnswer
from usermemory.prompt.json_values import is_list, is_object
from usermemory.records import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import AIMessage

    from usermemory.errors import ExtractionReason

# What the providers call it, in lower case: OpenAI, Anthropic, Gemini, Ollama, Mistral.
_STOPPED: Mapping[str, ExtractionReason] = {
    "length": "truncated",
    "max_tokens": "truncated",
    "max_output_tokens": "truncated",
    "model_length": "truncated",
    "model_context_window_exceeded": "truncated",
    "content_filter": "filtered",
    "safety": "filtered",
    "recitation": "filtered",
    "blocklist": "filtered",
    "prohibited_content": "filtered",
    "spii": "filtered",
    "refusal": "refused",
}
_SAYS: Mapping[ExtractionReason, str] = {
    "truncated": "the answer was cut off at the token limit",
    "filtered": "the provider's filter stopped the answer",
    "refused": "the model refused to answer",
}
_FENCED = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


def read(message: AIMessage) -> Any:
    """The JSON value that the model answered with.

    Args:
        message: The raw answer: a tool call, or text that is JSON (in a code fence or not).

    Raises:
        UnusableAnswer: Cut off, refused, filtered, or no JSON; says what it cost.
    """
    used = usage(message)
    reason = _stopped(message)
    if reason is not None:
        raise UnusableAnswer(_SAYS[reason], reason, used)
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    answered: Any = calls[0]["args"] if calls else message.text
    value = parsed(answered)
    if value is None:
        raise UnusableAnswer("the answer is no JSON", "unusable", used)
    return value


def parsed(value: Any) -> Any:
    """A value that may have been given as JSON in a string; ``None`` if the string is no JSON."""
    if not isinstance(value, str):
        return value
    fenced = _FENCED.match(value)
    try:
        return json.loads(fenced.group(1) if fenced else value)
    except (ValueError, RecursionError):
        return None


def usage(message: AIMessage) -> Usage:
    """What one call cost, as the provider counts it; zeros where it does not say."""
    counted = message.usage_metadata
    if counted is None:
        return Usage(calls=1)
    cached = counted.get("input_token_details", {}).get("cache_read") or 0
    return Usage(1, counted["input_tokens"], counted["output_tokens"], cached)


def model_name(message: AIMessage, model: object) -> str:
    """The name that the answer gives, else the one that was asked for."""
    said = message.response_metadata
    named = said.get("model_name") or said.get("model")
    asked = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(named or asked or type(model).__name__)


def _stopped(message: AIMessage) -> ExtractionReason | None:
    said: dict[str, Any] = message.response_metadata
    if message.additional_kwargs.get("refusal") or _refusal_block(message):
        return "refused"
    if _part(said, "prompt_feedback", "block_reason"):  # Gemini, which sends no answer then
        return "filtered"
    stops = [said.get(name) for name in ("finish_reason", "stop_reason", "done_reason")]
    stops.append(_part(said, "incomplete_details", "reason"))  # OpenAI's Responses API
    for stop in stops:
        reason = _STOPPED.get(str(stop).lower())
        if reason is not None:
            return reason
    return None


def _part(said: Mapping[str, Any], name: str, key: str) -> Any:
    part = said.get(name)
    return part.get(key) if is_object(part) else None


def _refusal_block(message: AIMessage) -> bool:
    blocks: Any = message.content
    return is_list(blocks) and any(
        is_object(block) and block.get("type") == "refusal" for block in blocks
    )
