"""Signatures of messages, and what of a thread is the memory's own talk.

In the turn in which a message arrives `create_chatbot` and the middleware sign it with the run's
user, whatever it carries, for a later backfill of the thread. Nothing else believes a signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from usermemory.messages import Attributed

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNATURE = "usermemory_user"

SAVE, FORGET, READ = "save_memory", "forget_memory", "read_profile"
"""What the memory's own tools are called."""
_OURS = frozenset({SAVE, FORGET, READ})


def signed_as(message: Any, user_id: str) -> Any:
    """A copy that says whose words these are."""
    return copied(message, additional_kwargs={**message.additional_kwargs, _SIGNATURE: user_id})


def is_human(message: Any) -> bool:
    """Whether a person may have said it; summaries that middleware inserts are nobody's."""
    return (
        isinstance(message, BaseMessage)
        and message.type == "human"
        and "lc_source" not in message.additional_kwargs
    )


def heard_by(user_id: str, messages: Iterable[Any]) -> list[Any]:
    """The messages of a thread from before, by their signatures, as this user's memory takes them.

    Calls of the memory's own tools and what they answer are left out, as by `Speakers.heard`.
    """
    return Attributed(
        message if (by := signature(message)) in {None, user_id} else copied(message, name=by)
        for message in without_tools(messages)
    )


def without_tools(messages: Iterable[Any]) -> list[Any]:
    """The messages without calls of the memory's own tools and what they answered."""
    return [
        _without_calls(message)
        for message in messages
        if not (isinstance(message, ToolMessage) and message.name in _OURS)
    ]


def copied(message: Any, **changed: Any) -> Any:
    """A copy of a message with other attributes."""
    return message.model_copy(update=changed)


def _without_calls(message: Any) -> Any:
    """What the assistant said beside a call of the memory's own tools."""
    if isinstance(message, AIMessage) and any(c["name"] in _OURS for c in message.tool_calls):
        return AIMessage(message.text, id=message.id, name=message.name)
    return message


def signature(message: Any) -> str | None:
    """Who said it; None for a message that nobody signed, or of another form."""
    if not isinstance(message, BaseMessage):
        return None
    by: str | None = message.additional_kwargs.get(_SIGNATURE)
    return by
