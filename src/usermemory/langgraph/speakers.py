"""Whose words the messages of a thread are, where several users talk in it.

A saver knows threads, not users: whoever names the same thread id goes on with the same
conversation, and finds the others' messages in it. So a message is signed in the turn in which it
arrives, and its signature stays with it in the thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AnyMessage, BaseMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNATURE = "usermemory_user"


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
    """The messages as this user's memory takes them: other people's are under their name."""
    return [
        message
        if (by := signature(message)) in {None, user_id}
        else message.model_copy(update={"name": by})
        for message in messages
    ]


def signature(message: Any) -> str | None:
    """Who said it; None for a message that nobody signed, or of another form."""
    if not isinstance(message, BaseMessage):
        return None
    by: str | None = message.additional_kwargs.get(_SIGNATURE)
    return by
