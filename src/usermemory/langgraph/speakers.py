"""Whose words the messages of a thread are, where several users talk in it.

A saver knows threads, not users: whoever names the same thread id goes on with the same
conversation, and finds the others' messages in it. So a message is signed in the turn in which it
arrives, and its signature stays with it in the thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNATURE = "usermemory_user"

SAVE, FORGET, READ = "save_memory", "forget_memory", "read_profile"
"""What the memory's own tools are called."""
_OURS = frozenset({SAVE, FORGET, READ})


def signed(messages: Iterable[AnyMessage], user_id: str) -> list[AnyMessage]:
    """Copies, to replace them by id, of the human messages that nobody has signed or named yet."""
    return [
        signed_as(message, user_id)
        for message in messages
        if is_open(message) and signature(message) is None
    ]


def signed_as(message: Any, user_id: str) -> Any:
    """A copy that says whose words these are."""
    return message.model_copy(
        update={"additional_kwargs": {**message.additional_kwargs, _SIGNATURE: user_id}}
    )


def is_open(message: Any) -> bool:
    """Whether this is a human message that says nothing of who the human is."""
    return isinstance(message, BaseMessage) and message.type == "human" and not message.name


def heard_by(user_id: str, messages: Iterable[Any]) -> list[Any]:
    """The messages as this user's memory takes them: other people's are under their name.

    Calls of the memory's own tools and what they answer are left out. They repeat the user's words,
    which are no less the user's for it, and after an erasure the words that were to go.
    """
    return [
        message
        if (by := signature(message)) in {None, user_id}
        else message.model_copy(update={"name": by})
        for message in map(_without_calls, messages)
        if not (isinstance(message, ToolMessage) and message.name in _OURS)
    ]


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
