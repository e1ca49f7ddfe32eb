"""A chat model that says what a test wants it to say."""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from usermemory.extract import forbid

if TYPE_CHECKING:
    from collections.abc import Generator


# LangChain's wrappers look up the annotations of what they pass on, so these imports are real.

Reply = str | AIMessage | Mapping[str, Any] | Exception
"""Text; a whole message, with tool calls if you like; the arguments of the structured output or
first tool that was asked for (JSON text where none was); or an error to raise."""


class ScriptEnded(LookupError):
    """The model was called once more than its script has replies."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the model got.

    Attributes:
        messages: What it was given.
        tools: What was bound to it, as OpenAI-style definitions.
    """

    messages: tuple[BaseMessage, ...]
    tools: tuple[Mapping[str, Any], ...] = ()


class ScriptedModel(BaseChatModel):
    """A chat model for tests: structured output, tools, streaming, usage; sync and async.

    Attributes:
        replies: The replies in order, or a function from the messages to the reply.
        before_reply: Called before each reply: to be slow, let it wait for an event.

    Raises:
        ScriptEnded: From the call that finds no reply left.

    ::

        model = ScriptedModel(replies=["Hello!", {"changes": []}, TimeoutError("slow")])
        model.calls[0].messages
    """

    usermemory_scripted: bool = True
    # Any: pydantic can't check exceptions; `Reply` says what may stand here.
    replies: Sequence[Any] | Callable[[list[BaseMessage]], Any] = Field(default_factory=list[Any])
    before_reply: Callable[[], object] | None = None

    _calls: list[Call] = PrivateAttr(default_factory=list[Call])
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def calls(self) -> tuple[Call, ...]:
        """What the model was called with so far."""
        with self._lock:
            return tuple(self._calls)

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model, told of these tools; ``tool_choice`` and the like make no difference."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (a script knows where it ends)
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 (reports by itself)
        **kwargs: Any,
    ) -> ChatResult:
        answer = self._answer(messages, tuple(kwargs.get("tools", ())))
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (a script knows where it ends)
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for message in _chunks(self._answer(messages, tuple(kwargs.get("tools", ())))):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk

    def _answer(
        self, messages: list[BaseMessage], tools: tuple[Mapping[str, Any], ...]
    ) -> AIMessage:
        with self._lock:
            number = len(self._calls)
            self._calls.append(Call(tuple(messages), tools))
        if self.before_reply:
            self.before_reply()
        reply = self._reply(number, messages)
        if isinstance(reply, Exception):
            raise reply
        return _with_usage(_message(reply, number, tools), messages)

    def _reply(self, number: int, messages: list[BaseMessage]) -> Reply:
        if callable(self.replies):
            reply: Reply = self.replies(messages)
        elif number < len(self.replies):
            reply = self.replies[number]
        else:
            raise ScriptEnded(f"call {number + 1} of a model with {len(self.replies)} replies")
        return reply

    @property
    def _llm_type(self) -> str:
        return "usermemory-scripted"


def _message(reply: Reply, number: int, tools: Sequence[Mapping[str, Any]]) -> AIMessage:
    if isinstance(reply, AIMessage):
        return reply.model_copy()
    if not isinstance(reply, Mapping):
        return AIMessage(str(reply))
    if not tools:
        return AIMessage(json.dumps(reply))
    name = tools[0]["function"]["name"]
    return AIMessage("", tool_calls=[ToolCall(name=name, args=dict(reply), id=f"call-{number}")])


def _with_usage(message: AIMessage, messages: Sequence[BaseMessage]) -> AIMessage:
    """Words stand for tokens, so that tests can count on the figures."""
    if message.usage_metadata is None:
        asked = sum(len(given.text.split()) for given in messages)
        said = len(message.text.split()) + len(json.dumps(message.tool_calls).split())
        message.usage_metadata = UsageMetadata(
            input_tokens=asked, output_tokens=said, total_tokens=asked + said
        )
    return message


def _chunks(message: AIMessage) -> Iterator[AIMessageChunk]:
    for word in re.findall(r"\s*\S+\s*", message.text):
        yield AIMessageChunk(content=word, id=message.id)
    yield AIMessageChunk(
        content="",
        id=message.id,
        tool_call_chunks=[
            tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index
            )
            for index, call in enumerate(message.tool_calls)
        ],
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        chunk_position="last",
    )


@contextmanager
def forbid_real_models() -> Generator[None]:
    """Within the block, calling a real chat model raises `RealModelForbidden`, in every thread.

    The memory's own calls and the bot's: ``invoke``, ``stream``, ``batch`` and their async twins
    of any LangChain chat model. `ScriptedModel`, and models of your own that say
    ``usermemory_scripted = True``, go on working. For a whole test suite::

        @pytest.fixture(autouse=True)
        def no_real_models():
            with forbid_real_models():
                yield
    """
    _guard_chat_models()
    with forbid.real_model_calls():
        yield


@functools.cache
def _guard_chat_models() -> None:
    """Let every chat model ask first; done once, since blocks may overlap and end in any order."""
    from langchain_core.language_models import BaseChatModel

    for name in ("generate", "agenerate", "stream", "astream"):
        setattr(BaseChatModel, name, _guarded(getattr(BaseChatModel, name)))


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def asked_first(self: object, *args: Any, **kwargs: Any) -> Any:
        forbid.check(self)
        return method(self, *args, **kwargs)

    return asked_first
