"""A model's answer as a JSON value, wherever a provider or an error puts it."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from usermemory.errors import ExtractionError, ProviderError
from usermemory.extract import UnusableAnswer
from usermemory.extract.asked_form import (
    ARGUMENTS,
    Answer,
    answers,
    arguments_of,
    as_listed,
    call_arguments,
    joined,
)
from usermemory.extract.json_text import JsonReading, reading, set_apart, storable_json, whole
from usermemory.extract.manner import models_inside
from usermemory.records import Usage
from usermemory.schema.shape import is_list, is_object

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

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
_CALL_BLOCKS = ("tool_use", "tool_call", "function_call")
_THOUGHTS = ("thinking", "reasoning", "redacted_thinking", "thought")
_MOST_TOKENS = 2**31 - 1  # of one call; no provider counts so far, and databases hold it


def read_answer(message: AIMessage, form: Mapping[str, Any] | None = None) -> Any:
    """The JSON value that the model answered with.

    Args:
        message: The raw answer: tool calls, or text with JSON in it, whatever stands around.
        form: The JSON Schema that was asked for. With it the value is found among others and
            inside of wrappings, and the lists of several calls are joined.

    Returns:
        The value, without half characters and numbers that no JSON has (`json_text.clean`). It
        may be of another form where the answer is nothing but this value.

    Raises:
        UnusableAnswer: Cut off, refused, filtered, no JSON, or several values that differ; says
            what it cost.
        ProviderError: A gateway says that the provider behind it has failed.
    """
    used, form, stopped = usage(message), form or {}, _stopped(message)
    if stopped in {"filtered", "refused"}:
        raise UnusableAnswer(_SAYS[stopped], stopped, used)
    cut = stopped is not None
    found = list(_of_calls(message, form, cut=cut))
    if not found:
        text = _written(message)
        seen = reading(text)
        found = list(_of_text(text, seen, form, cut=cut))
        if not found and not cut:
            found = list(_of_another_form(message, text, seen, form))
    value = _one(found, form)
    if value is not None:
        return value
    if stopped is not None:
        raise UnusableAnswer(_SAYS[stopped], stopped, used)
    if not found and message.response_metadata.get("finish_reason") == "error":  # OpenRouter
        raise ProviderError("the provider broke off its answer by an error: it is tried again")
    told = "the answer holds several values that differ" if found else "the answer is no JSON"
    raise UnusableAnswer(told, "unusable", used)


def parsed_value(value: Any) -> Any:
    """A value that may have been given as JSON in a string; ``None`` if the string is no JSON."""
    if not isinstance(value, str):
        return value
    seen = reading(value)
    if len(seen.values) == 1 and set_apart(value, seen, seen.values[0]):
        return seen.values[0].value
    return whole(value)


def usage(message: AIMessage) -> Usage:
    """What one call cost, as the provider counts it; zeros where it does not say."""
    counted: Any = message.usage_metadata
    if not is_object(counted):
        return Usage(calls=1)
    details = counted.get("input_token_details")
    cached = details.get("cache_read") if is_object(details) else 0
    return Usage(
        1,
        token_count(counted.get("input_tokens")),
        token_count(counted.get("output_tokens")),
        token_count(cached),
    )


def token_count(counted: Any) -> int:
    """A number of tokens as some provider or gateway says it; 0 where it says none."""
    try:
        number = float(counted)
    except (TypeError, ValueError, OverflowError):
        return 0
    return int(min(max(number, 0), _MOST_TOKENS)) if math.isfinite(number) else 0


def model_name(message: AIMessage, model: object) -> str:
    """The name that the answer gives, else the one that was asked for."""
    said = message.response_metadata
    return str(said.get("model_name") or said.get("model") or asked_name(model))


def asked_name(model: object) -> str:
    """The name of the model that is asked for."""
    inside = models_inside(model)[0]
    asked = getattr(inside, "model_name", None) or getattr(inside, "model", None)
    return str(asked or type(inside).__name__)


@contextmanager
def answered_by(model: object) -> Generator[None]:
    """Whatever is wrong with an answer says whose it was: what it cost is that model's price."""
    try:
        yield
    except ExtractionError as error:
        error.model = error.model or asked_name(model)
        raise


def _of_calls(message: AIMessage, form: Mapping[str, Any], *, cut: bool) -> Iterator[Answer]:
    """The answers among the tool calls; a call that is none does not spoil the others."""
    whole_calls: Sequence[Any] = message.tool_calls
    if cut and not message.invalid_tool_calls:
        whole_calls = whole_calls[:-1]  # the last one may have been closed by the package
    for call in whole_calls:
        yield from arguments_of(call["args"], form)
    for written in _raw_arguments(message):
        for found in reading(written).values if isinstance(written, str) else ():
            if not (cut and found.end == len(written)):
                yield from arguments_of(found.value, form)
        if is_object(written) and not cut:
            yield from arguments_of(written, form)


def _raw_arguments(message: AIMessage) -> Iterator[Any]:
    """Arguments that the provider's package took for no call, or did not look at."""
    for invalid in message.invalid_tool_calls:
        yield invalid["args"]
    if message.tool_calls or message.invalid_tool_calls:
        return
    more = message.additional_kwargs
    calls = more.get("tool_calls")
    for call in [*(calls if is_list(calls) else []), {"function": more.get("function_call")}]:
        if is_object(call) and is_object(call.get("function")):
            yield call["function"].get("arguments")
    for block in message.content:
        if is_object(block) and block.get("type") in _CALL_BLOCKS:
            yield next((block[key] for key in ARGUMENTS if key in block), None)


def _written(message: AIMessage) -> str:
    """The text of a message, without its thoughts; a JSON string is opened."""
    content = message.content
    text = content if isinstance(content, str) else "".join(map(_block_text, content))
    for _ in range(3):
        opened = whole(text) if text.lstrip().startswith('"') else None
        if not isinstance(opened, str):
            break
        text = opened
    return text


def _block_text(block: Any) -> str:
    if isinstance(block, str):
        return block
    if not is_object(block) or block.get("type") in _THOUGHTS:
        return ""
    text = block.get("text")
    return text if isinstance(text, str) else ""


def _of_text(
    text: str, seen: JsonReading, form: Mapping[str, Any], *, cut: bool
) -> Iterator[Answer]:
    """The answers in a text; one behind which a further one was cut off is none."""
    half = text[seen.cut :].strip() if seen.cut is not None else ""
    for found in seen.values:
        if cut and found.end == len(text):
            continue  # some gateways close what was cut off; only what goes on was whole
        if half and not found.called and not text.startswith(half, found.start):
            continue
        inside = list(answers(found.value, form, called=found.called))
        yield from inside
        if not inside:
            trusted = found.called or (not seen.broken and set_apart(text, seen, found))
            listed = as_listed(found.value, form, trusted=trusted)
            if listed is not None:
                yield Answer(listed, found.called)


def _of_another_form(
    message: AIMessage, text: str, seen: JsonReading, form: Mapping[str, Any]
) -> Iterator[Answer]:
    """What was answered instead, if it is all of the answer: the caller says what is wrong."""
    given = [call["args"] for call in message.tool_calls]
    if not given and seen.cut is None:
        given = [found.value for found in seen.values if set_apart(text, seen, found)]
    for value in given:
        yield Answer(call_arguments(value, form))


def _one(found: Sequence[Answer], form: Mapping[str, Any]) -> Any:
    """The value that all answers agree on, or that several calls make up; None without one."""
    cleaned = (storable_json(answer.value) for answer in found)
    values = list({json.dumps(value, sort_keys=True): value for value in cleaned}.values())
    if len(values) > 1:
        return joined(values, form) if all(answer.called for answer in found) else None
    return values[0] if values else None


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
    asked, answered = (
        token_count(usage.get("prompt_tokens")),
        token_count(usage.get("completion_tokens")),
    )
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
