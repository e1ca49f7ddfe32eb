"""A chat model without a language model, to show what the memory does when there is no key.

It knows nothing but what stands in its system message (the profile, and what was said elsewhere)
and in the thread, and answers by the rules of `usermemory.extras.rules.replies`. Of the tools that
it is given it knows those of the memory, and calls them where it is told to remember or to forget.
"""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from usermemory.changes import apply
from usermemory.extract import Request
from usermemory.extras.rules.extractor import OfflineExtractor
from usermemory.extras.rules.replies import reply
from usermemory.extras.rules.statements import stems
from usermemory.messages import is_sequence
from usermemory.records import Change, Message
from usermemory.schema import UserProfile, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_core.callbacks import CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.runnables import Runnable

# The form that `usermemory.render` gives them.
_PROFILE = re.compile(r"<user_profile[^>]*>\n(.*?)</user_profile>", re.DOTALL)
_ELSEWHERE = re.compile(r"<said_elsewhere>\n(.*?)</said_elsewhere>", re.DOTALL)
_FIELD = re.compile(r"- (?P<name>[^:(]+?)(?: \(the newest .*\))?:(?: (?P<value>.+))?$")
_ITEM = re.compile(r"  - (?P<item>.+)$")
_SAID = re.compile(r"- \d{4}-\d\d-\d\d: (?P<text>.+)$")

_PLEASE = r"\W*(?:(?:please|could you|can you|also|and|now)\W+)*"
_REMEMBER = re.compile(rf"{_PLEASE}(?:remember|note|keep in mind)\b(?!.*\?)", re.IGNORECASE)
_FORGET = re.compile(rf"{_PLEASE}forget\b", re.IGNORECASE)
_FILLERS = stems("forget please that i my me i'm am is are a an the about to of in like love")


class OfflineChatModel(BaseChatModel):
    """Streams a reply word by word; asks nobody, costs nothing."""

    usermemory_scripted: bool = True  # no real model: tests may call it

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model, told of these tools."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (replies are one sentence or two)
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 (reports by itself)
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=_next_message(messages, kwargs))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (replies are one sentence or two)
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        whole = _next_message(messages, kwargs)
        for word in re.findall(r"\S+\s*", whole.text):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk
        for call in whole.tool_calls:
            part = tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=0
            )
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[part]))

    @property
    def _llm_type(self) -> str:
        return "usermemory-offline"


def _next_message(messages: Sequence[BaseMessage], settings: Mapping[str, Any]) -> AIMessage:
    """What to say next to system messages with the memory and a thread, or which tool to call."""
    if told := _tools_said(messages):
        return AIMessage(told)
    tools = {tool["function"]["name"] for tool in settings.get("tools", ())}
    memory = "\n".join(message.text for message in messages if message.type == "system")
    said = [message.text for message in messages if message.type == "human"]
    known = _known_after(_profile_in(memory), [*_said_elsewhere(memory), *said[:-1]])
    text = said[-1] if said else ""
    if "save_memory" in tools and _REMEMBER.match(text) and (new := _changes(known, [text])):
        parts = ("quote", "field", "action", "value")
        listed = [{part: getattr(change, part) for part in parts} for change in new]
        return _tool_call("save_memory", changes=listed)
    if "forget_memory" in tools and _FORGET.match(text) and (place := _to_forget(text, known)):
        return _tool_call("forget_memory", quote=text, field=place[0], value=place[1])
    return AIMessage(reply(text, known, _known_after(known, said[-1:])))


def _tool_call(tool: str, **arguments: Any) -> AIMessage:
    call = ToolCall(name=tool, args=arguments, id=f"call-{uuid4().hex}", type="tool_call")
    return AIMessage("", tool_calls=[call])


def _tools_said(messages: Sequence[BaseMessage]) -> str:
    """What to say of the tools that were just called; empty if none was."""
    answers = list(takewhile(lambda one: isinstance(one, ToolMessage), reversed(messages)))
    return " ".join(
        f"That did not work: {one.text}"
        if getattr(one, "status", "") == "error"
        # What was forgotten is not said once more.
        else f"Done: {'it is forgotten.' if one.name == 'forget_memory' else one.text}"
        for one in reversed(answers)
    )


def _to_forget(text: str, profile: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The field, and its item, of which the user has said the most; None if of none anything."""
    said = stems(text) - _FILLERS
    most, place = 0, None
    for field, value in profile.items():
        for item in value if is_sequence(value) else [None]:
            words = f"{field.replace('_', ' ')} {value}" if item is None else str(item)
            if value not in (None, "") and len(said & stems(words)) > most:
                most, place = len(said & stems(words)), (field, item)
    return place


def _profile_in(memory: str) -> dict[str, Any]:
    """The profile as it stands in the system message."""
    profile = dict(schema_of(UserProfile).empty())
    field = ""
    for line in "\n".join(_PROFILE.findall(memory)).splitlines():
        if found := _FIELD.match(line):
            field = found["name"]
            profile[field] = found["value"] or []
        elif (found := _ITEM.match(line)) and isinstance(profile.get(field), list):
            profile[field].append(found["item"])
    return profile


def _said_elsewhere(memory: str) -> list[str]:
    """What the user said in threads that nobody has read yet, oldest first."""
    lines = "\n".join(_ELSEWHERE.findall(memory)).splitlines()
    return [found["text"] for line in reversed(lines) if (found := _SAID.match(line))]


def _known_after(known: Mapping[str, Any], said: Sequence[str]) -> dict[str, Any]:
    """What is known once these messages are understood too."""
    schema, document = schema_of(UserProfile), dict(known)
    for change in _changes(known, said):
        document, _ = apply(document, change, schema)
    return document


def _changes(known: Mapping[str, Any], said: Sequence[str]) -> tuple[Change, ...]:
    """What these messages teach."""
    batch = tuple(Message("user", text) for text in said)
    return OfflineExtractor().extract(Request(schema_of(UserProfile), dict(known), batch)).changes
