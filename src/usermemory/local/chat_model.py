"""Weights in a GGUF file as a LangChain chat model, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Self

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, Field, model_validator

from usermemory.local.calling import Calling, calling
from usermemory.local.engine import Piece, engine
from usermemory.local.weights import PREFIX, weights
from usermemory.local.wire import wire
from usermemory.schema.shape import is_object

_SETTINGS = ("temperature", "max_tokens", "seed", "top_p", "response_format")
"""What a call may say about itself, beside tools."""


class LocalChatModel(BaseChatModel):
    """A chat model whose weights are a GGUF file, run by llama.cpp (package ``xllamacpp``).

    Streams, calls tools (one at a time) and gives structured output; the last two are enforced by
    a grammar, so that they have the right form whatever the model is capable of. The weights are
    loaded at the first call, once per process and file, and asked by one caller at a time.

    Args:
        path: The file; ``local:`` before it, and ``~``, are understood.
        context: Tokens of prompt and answer together; the model's own limit is the most.
        max_tokens: Of an answer: small models sometimes do not find an end.
        temperature: 0 says the same each time.
        threads: Of the processor; None leaves it to llama.cpp.

    Raises:
        ModelUnavailable: The package is missing, or this is no GGUF file.

    ::

        model = LocalChatModel("qwen2.5-1.5b-instruct-q4_k_m.gguf", temperature=0.7)
        memory = UserMemory("sqlite:///memory.db", model=model)
    """

    path: str
    context: int = Field(16_384, ge=1)
    max_tokens: int = Field(1_024, ge=1)
    temperature: float = Field(0.0, ge=0)
    threads: int | None = Field(None, ge=1)

    def __init__(self, path: str, **settings: Any) -> None:
        fields: dict[str, Any] = {**settings, "path": path}
        super().__init__(**fields)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        weights(self.path)
        return self

    @property
    def model_name(self) -> str:
        """The file's name, for revisions and traces."""
        return f"{PREFIX}{weights(self.path).name}"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model with these tools.

        Args:
            tools: Whatever LangChain takes for tools.
            tool_choice: ``auto`` (the default), ``none``, ``any``, or the name of one.
            kwargs: Further settings of the calls, such as ``temperature``.

        Raises:
            ValueError: There is no tool of the name that was chosen.
        """
        converted = [convert_to_openai_tool(tool) for tool in tools]
        calling(converted, tool_choice)
        return self.bind(tools=converted, tool_choice=tool_choice, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: str = "json_schema",
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """The same model, answering in the form of a schema.

        Args:
            schema: JSON Schema, a Pydantic model or a TypedDict.
            include_raw: Answer with ``raw``, ``parsed`` and ``parsing_error``.
            method: ``json_schema``: a grammar, of which the prompt says nothing;
                ``function_calling``: as a tool that must be called, described in the prompt.
            kwargs: ``strict`` is taken and makes no difference: a grammar always is.
        """
        if method != "json_schema":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        asked = self.bind(response_format=_form(convert_to_json_schema(schema)))
        parser: Runnable[Any, Any] = JsonOutputParser()
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            parser = PydanticOutputParser[BaseModel](pydantic_object=schema)
        if not include_raw:
            return asked | parser
        parsed = RunnablePassthrough.assign(
            parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
        )
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=asked) | parsed.with_fallbacks(
            [failed], exception_key="parsing_error"
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - no stream, no news
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        functions = calling(kwargs.get("tools") or (), kwargs.get("tool_choice"))
        body = self._body(messages, functions, stop, kwargs)
        pieces = engine(weights(self.path), self.context, self.threads).stream(body)
        for message in _answer(pieces, functions, self.model_name):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk

    def _body(
        self,
        messages: list[BaseMessage],
        functions: Calling | None,
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        body |= {name: kwargs[name] for name in _SETTINGS if kwargs.get(name) is not None}
        if stop:
            body["stop"] = stop
        if functions is None:
            return {**body, "messages": wire(messages)}
        body["response_format"] = _form(functions.schema)
        return {**body, "messages": wire(messages, functions.instructions)}

    @property
    def _llm_type(self) -> str:
        return "usermemory-local"


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _answer(
    pieces: Iterator[Piece], functions: Calling | None, name: str
) -> Iterator[AIMessageChunk]:
    """What is said as it comes, and at the end the call, the reason of the end and the cost."""
    text, said, reason = "", "", "stop"
    usage: UsageMetadata | None = None
    for piece in pieces:
        usage = _usage(piece) or usage
        for choice in piece.get("choices", ()):
            reason = choice.get("finish_reason") or reason
            text += choice.get("delta", {}).get("content") or ""
        spoken = functions.spoken(text) if functions else text
        if len(spoken) > len(said):
            yield AIMessageChunk(content=spoken[len(said) :])
            said = spoken
    call = functions.called(text) if functions else None
    # A call that was cut off is shown as it is: closing its brackets would make another of it.
    cut = text if functions and not said and call is None else ""
    yield AIMessageChunk(
        content=cut,
        tool_call_chunks=[call] if call else [],
        usage_metadata=usage,
        response_metadata={"finish_reason": "tool_calls" if call else reason, "model_name": name},
        chunk_position="last",
    )


def _usage(piece: Piece) -> UsageMetadata | None:
    counted = piece.get("usage")
    if not is_object(counted):
        return None
    details = counted.get("prompt_tokens_details")
    cached = details.get("cached_tokens") or 0 if is_object(details) else 0
    return UsageMetadata(
        input_tokens=counted["prompt_tokens"],
        output_tokens=counted["completion_tokens"],
        total_tokens=counted["total_tokens"],
        input_token_details=InputTokenDetails(cache_read=cached),
    )
