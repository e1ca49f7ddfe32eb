"""A chat model without a language model, to show what the memory does when there is no key.

It knows nothing but what stands in its system message (the profile, and what was said elsewhere)
and in the thread, and answers by the rules of `usermemory.offline.replies`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from usermemory.changes import apply
from usermemory.extract import Request
from usermemory.offline import OfflineExtractor
from usermemory.offline.replies import reply
from usermemory.records import Message
from usermemory.schema import UserProfile, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_core.callbacks import CallbackManagerForLLMRun

# The form that `usermemory.render` gives them.
_PROFILE = re.compile(r"<user_profile[^>]*>\n(.*?)</user_profile>", re.DOTALL)
_ELSEWHERE = re.compile(r"<said_elsewhere>\n(.*?)</said_elsewhere>", re.DOTALL)
_FIELD = re.compile(r"- (?P<name>[^:(]+?)(?: \(the newest .*\))?:(?: (?P<value>.+))?$")
_ITEM = re.compile(r"  - (?P<item>.+)$")
_SAID = re.compile(r"- \d{4}-\d\d-\d\d: (?P<text>.+)$")


class OfflineChatModel(BaseChatModel):
    """Streams a reply word by word; asks nobody, costs nothing."""

    usermemory_scripted: bool = True  # no real model: tests may call it

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (replies are one sentence or two)
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 (reports by itself)
        **kwargs: Any,  # noqa: ARG002 (tools are beyond it)
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(answer(messages)))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 (replies are one sentence or two)
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ARG002 (tools are beyond it)
    ) -> Iterator[ChatGenerationChunk]:
        for word in re.findall(r"\S+\s*", answer(messages)):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk

    @property
    def _llm_type(self) -> str:
        return "usermemory-offline"


def answer(messages: Sequence[BaseMessage]) -> str:
    """What to say next.

    Args:
        messages: System messages with the rendered memory in them, and the thread.
    """
    memory = "\n".join(message.text for message in messages if message.type == "system")
    said = [message.text for message in messages if message.type == "human"]
    known = _after(_profile(memory), [*_elsewhere(memory), *said[:-1]])
    return reply(said[-1] if said else "", known, _after(known, said[-1:]))


def _profile(memory: str) -> dict[str, Any]:
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


def _elsewhere(memory: str) -> list[str]:
    """What the user said in threads that nobody has read yet, oldest first."""
    lines = "\n".join(_ELSEWHERE.findall(memory)).splitlines()
    return [found["text"] for line in reversed(lines) if (found := _SAID.match(line))]


def _after(known: Mapping[str, Any], said: Sequence[str]) -> dict[str, Any]:
    """What is known once these messages are understood too."""
    schema = schema_of(UserProfile)
    batch = tuple(Message("user", text) for text in said)
    document = dict(known)
    for change in OfflineExtractor().extract(Request(schema, document, batch)).changes:
        document, _ = apply(document, change, schema)
    return document
