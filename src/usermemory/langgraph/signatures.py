"""Signatures of messages, and what of a thread is the memory's own talk.

In the turn in which a message arrives `create_chatbot` and the middleware sign it with the run's
user, whatever it carries, for a later backfill of the thread. Nothing else believes a signature.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from usermemory.messages import Attributed, is_mapping, read_messages, role_of
from usermemory.records import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIGNATURE = "usermemory_user"

_LANGCHAINS = frozenset({"human", "ai", "system", "tool", "function", "remove"})
"""Types of messages that say by themselves who speaks."""

SAVE, FORGET, READ, SEARCH = "save_memory", "forget_memory", "read_profile", "search_memory"
"""What the memory's own tools are called."""
_OURS = frozenset({SAVE, FORGET, READ, SEARCH})


def signed_as(message: Any, user_id: str) -> Any:
    """A copy that says whose words these are."""
    message = copied(message)
    return copied(message, additional_kwargs={**message.additional_kwargs, _SIGNATURE: user_id})


def is_human(message: Any) -> bool:
    """Whether a person may have said it; summaries that middleware inserts are nobody's."""
    if isinstance(message, BaseMessage) and message.type in _LANGCHAINS:
        return message.type == "human" and "lc_source" not in message.additional_kwargs
    return role_of(message) == "user"


def keys_of(messages: Iterable[Any]) -> list[str]:
    """By what each message of a thread is known again.

    That is its id. A state without LangGraph's ``add_messages`` gives none, and keeps several
    texts under one: a text that is not the first of its id has its place among them added. A human
    message without an id has a hash of what it says, with how often that stood before; another one
    has nothing.
    """
    first: dict[str, Any] = {}
    texts: defaultdict[str, list[bytes]] = defaultdict(list)
    keys: list[str] = []
    for message in messages:
        name = id_of(message)
        if name and first.setdefault(name, message) is message:
            keys.append(name)
        elif name:
            said = texts[name] or [text_hash(first[name])]
            texts[name] = said if (text := text_hash(message)) in said else [*said, text]
            place = texts[name].index(text)
            keys.append(f"{name}#{place}" if place else name)
        elif is_human(message):
            text = text_hash(message)
            texts[text.hex()].append(text)
            keys.append(f"{text.hex()}#{len(texts[text.hex()])}")
        else:
            keys.append("")
    return keys


def id_of(message: Any) -> str:
    """A message's id, whatever form it has; empty if it has none."""
    return str(_entry(message, "id") or "")


def name_of(message: Any) -> str:
    """The name that a message bears; empty if it bears none."""
    return str(_entry(message, "name") or "")


def text_hash(message: Any) -> bytes:
    """A hash of what a message says: after an erasure nothing of it is kept here."""
    said = getattr(message, "content", message)
    return blake2b(repr(said).encode(errors="replace"), digest_size=16).digest()


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
    """A copy of a message with other attributes; of a dict or pair, LangChain's message."""
    return _as_langchains(message).model_copy(update=changed)


def _as_langchains(message: Any) -> Any:
    if isinstance(message, BaseMessage):
        return message
    (said,) = read_messages(Attributed([message]), "") or [Message("user", "")]
    time = {} if said.at is None else {"timestamp": said.at}
    return HumanMessage(said.text, id=said.id, name=said.name, additional_kwargs=time)


def _entry(message: Any, name: str) -> Any:
    return message.get(name) if is_mapping(message) else getattr(message, name, None)


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
