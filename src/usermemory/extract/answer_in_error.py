"""A model's answer in what a provider's package raised after the model had answered.

The model was asked and has cost something, so its answer is read, or it is an unusable one; it is
no outage. Packages raise where an answer is not as they expect it: arguments that are no object,
a missing key, a token limit. Some keep the answer in the error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from usermemory.extract.answer import tokens
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from langchain_core.messages import AIMessage


def answer_in(error: BaseException) -> AIMessage | None:
    """The message that an error holds; None if it holds none.

    Args:
        error: What a chat model raised.
    """
    from langchain_core.messages import AIMessage

    body = _body(error)
    if body is not None:
        return _from_body(body)
    texts = [text for text in _texts(error) if text.strip()]
    return AIMessage("\n".join(texts)) if texts else None


def _body(error: BaseException) -> Mapping[str, Any] | None:
    """An answer in OpenAI's form, which its package keeps in an error behind a status of 200."""
    completion = getattr(error, "completion", None)
    if callable(dump := getattr(completion, "model_dump", None)):
        return _answered(dump(warnings=False))
    response = getattr(error, "response", None)
    if getattr(response, "status_code", None) != 200:
        return None
    try:
        return _answered(response.json())  # type: ignore[union-attr]
    except (ValueError, AttributeError, RuntimeError, RecursionError):  # streamed, or no JSON
        return None


def _answered(body: Any) -> Mapping[str, Any] | None:
    return body if is_object(body) and is_list(body.get("choices")) and body["choices"] else None


def _from_body(body: Mapping[str, Any]) -> AIMessage:
    from langchain_core.messages import AIMessage
    from langchain_core.messages.tool import invalid_tool_call

    choice: Any = body["choices"][0]
    said: Any = choice.get("message") if is_object(choice) else None
    message: Mapping[str, Any] = said if is_object(said) else {}
    calls: list[Any] = message["tool_calls"] if is_list(message.get("tool_calls")) else []
    functions = [call["function"] for call in calls if is_object(call) and "function" in call]
    content, refusal = message.get("content"), message.get("refusal")
    counted: Any = body.get("usage")
    usage: Mapping[str, Any] = counted if is_object(counted) else {}
    asked, answered = tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens"))
    return AIMessage(
        content if isinstance(content, str) else "",
        invalid_tool_calls=[
            invalid_tool_call(args=_as_text(function.get("arguments")))
            for function in functions
            if is_object(function)
        ],
        additional_kwargs={"refusal": refusal} if refusal else {},
        response_metadata={
            "finish_reason": choice.get("finish_reason") if is_object(choice) else None,
            "model_name": body.get("model"),
        },
        usage_metadata={
            "input_tokens": asked,
            "output_tokens": answered,
            "total_tokens": asked + answered,
        },
    )


def _texts(error: BaseException) -> Iterator[str]:
    """What a parser could not read, as LangChain's, Pydantic's and the standard library's say."""
    from pydantic import ValidationError

    output = getattr(error, "llm_output", None)
    if isinstance(output, str):
        yield output
    if isinstance(error, ValidationError):
        for wrong in error.errors(include_url=False, include_context=False):
            yield _as_text(wrong["input"])
    if isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith(("{", "[")):
        yield error.doc


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return ""
