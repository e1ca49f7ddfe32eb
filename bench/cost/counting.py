"""A chat model that counts what it is sent and what it answers with a real tokenizer.

It runs in LangMem's environment too, so it imports nothing of this project.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mistral_common
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from pydantic import PrivateAttr

FRAME = 4
"""Tokens around one message (who speaks, where it begins and ends), as chat templates have them."""


class Tokens:
    """Counts with Mistral's tekken, whose vocabulary comes with its package."""

    def __init__(self) -> None:
        self._tokenizer = _tekken()

    def of(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._tokenizer.encode(text, bos=False, eos=False))

    def of_json(self, value: Any) -> int:
        """How many a value has, as JSON without any spaces."""
        return self.of(compact(value))


@cache
def _tekken() -> Tekkenizer:
    folder = Path(mistral_common.__file__).parent / "data"
    return Tekkenizer.from_file(folder / "tekken_240911.json")


def compact(value: Any) -> str:
    """A value as the shortest JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Reply:
    """The arguments of a tool call; the first tool's where none is named."""

    arguments: Mapping[str, Any]
    tool: str | None = None


@dataclass(frozen=True)
class Call:
    """One request and its answer.

    Attributes:
        messages: What was sent.
        tools: The form of the answer, as definitions of tools.
        answer: The arguments of the tool call that was answered.
        prompt: Tokens of all that was sent.
        output: Tokens of the answer.
    """

    messages: tuple[BaseMessage, ...]
    tools: tuple[Mapping[str, Any], ...]
    answer: Mapping[str, Any]
    prompt: int
    output: int


class CountingModel(BaseChatModel):
    """Answers by a function, and counts.

    Attributes:
        answer: From the messages and the tools to the answer.
    """

    usermemory_scripted: bool = True
    answer: Callable[[Sequence[BaseMessage], Sequence[Mapping[str, Any]]], Reply]

    _calls: list[Call] = PrivateAttr(default_factory=list[Call])
    _tokens: Tokens = PrivateAttr(default_factory=Tokens)

    @property
    def calls(self) -> list[Call]:
        """What it was asked so far."""
        return self._calls

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """The same model, told of these tools."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (an answer knows where it ends)
        run_manager: Any = None,  # noqa: ARG002 (nothing is streamed)
        **kwargs: Any,
    ) -> ChatResult:
        tools: Sequence[Mapping[str, Any]] = kwargs["tools"]
        reply = self.answer(messages, tools)
        name = reply.tool or tools[0]["function"]["name"]
        prompt = self._tokens.of_json(tools) + sum(
            FRAME + self._tokens.of(message.text) for message in messages
        )
        output = self._tokens.of_json(reply.arguments)
        arguments = dict(reply.arguments)
        self._calls.append(Call(tuple(messages), tuple(tools), arguments, prompt, output))
        message = AIMessage(
            "",
            tool_calls=[{"name": name, "args": arguments, "id": f"call-{len(self._calls)}"}],
            usage_metadata=UsageMetadata(
                input_tokens=prompt, output_tokens=output, total_tokens=prompt + output
            ),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    @property
    def _llm_type(self) -> str:
        return "counting"
