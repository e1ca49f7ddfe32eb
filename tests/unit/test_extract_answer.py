"""A raw answer is read strictly, in every provider's way of saying why it stopped."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from usermemory.extract import UnusableAnswer
from usermemory.extract.answer import model_name, read, usage
from usermemory.records import Usage


def tool_call(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": "profile_changes", "args": arguments, "id": "1"}


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (AIMessage("", tool_calls=[tool_call({"changes": []})]), {"changes": []}),
        (AIMessage('{"changes": []}'), {"changes": []}),
        (AIMessage("\n```json\n[1]\n```\n"), [1]),
        (AIMessage("```\n[1]\n```"), [1]),
        (AIMessage([{"type": "text", "text": "[1, 2]"}]), [1, 2]),
        (AIMessage("[1]", response_metadata={"finish_reason": "STOP"}), [1]),
    ],
)
def test_what_is_read(message: AIMessage, value: Any) -> None:
    """A tool call is read, else text that is JSON, in a code fence or not."""
    assert read(message) == value


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"finish_reason": "length"}, "truncated"),  # OpenAI
        ({"finish_reason": "content_filter"}, "filtered"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "truncated",
        ),
        ({"stop_reason": "max_tokens"}, "truncated"),  # Anthropic
        ({"stop_reason": "refusal"}, "refused"),
        ({"finish_reason": "MAX_TOKENS"}, "truncated"),  # Gemini
        ({"finish_reason": "SAFETY"}, "filtered"),
        ({"finish_reason": "PROHIBITED_CONTENT"}, "filtered"),
        ({"prompt_feedback": {"block_reason": "SAFETY"}}, "filtered"),
        ({"done_reason": "length"}, "truncated"),  # Ollama
        ({"finish_reason": "model_length"}, "truncated"),  # Mistral
    ],
)
def test_why_it_stopped(metadata: dict[str, Any], reason: str) -> None:
    """An answer that was stopped is never read, even if it looks complete."""
    with pytest.raises(UnusableAnswer) as caught:
        read(AIMessage('{"changes": []}', response_metadata=metadata))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", additional_kwargs={"refusal": "I can't help with that."}),
        AIMessage([{"type": "refusal", "refusal": "I can't help with that."}]),
    ],
)
def test_refusals(message: AIMessage) -> None:
    """A refusal is told from an unusable answer."""
    with pytest.raises(UnusableAnswer) as caught:
        read(message)
    assert caught.value.reason == "refused"


@pytest.mark.parametrize(
    "message",
    [
        AIMessage(""),
        AIMessage("There is nothing to change."),
        AIMessage('{"changes": [{"quote": "half'),
        AIMessage("[" * 100_000),
        AIMessage(
            "",
            invalid_tool_calls=[{"name": "a", "args": '{"changes": [', "id": "1", "error": None}],
        ),
    ],
)
def test_half_an_answer_is_no_answer(message: AIMessage) -> None:
    """What is no JSON, or only the beginning of it, is unusable and never closed by guessing."""
    with pytest.raises(UnusableAnswer) as caught:
        read(message)
    assert caught.value.reason == "unusable"


def test_usage_is_counted_by_the_provider() -> None:
    """Tokens are what the provider says; a call without a count is still a call."""
    counted = {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 11,
        "input_token_details": {"cache_read": 4},
    }
    assert usage(AIMessage("", usage_metadata=counted)) == Usage(1, 9, 2, 4)
    assert usage(AIMessage("")) == Usage(calls=1)


def test_the_answer_names_its_model() -> None:
    """The exact model is the one that the answer names, else the one asked for, else the class."""

    class Asked:
        model_name = "alias"

    named = AIMessage("", response_metadata={"model_name": "alias-2025-10-01"})
    assert model_name(named, Asked()) == "alias-2025-10-01"
    assert model_name(AIMessage(""), Asked()) == "alias"
    assert model_name(AIMessage(""), object()) == "object"
