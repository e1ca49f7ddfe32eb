"""One message of a caller, in whatever form, read into a `Message`."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import partial
from typing import Any, TypeGuard

from usermemory.errors import InvalidInput
from usermemory.messages.align import stored_id
from usermemory.messages.content import (
    is_mapping,
    is_sequence,
    only_results,
    plain_text,
    result_text,
)
from usermemory.messages.policy import Attributed, AuthorPolicy
from usermemory.records import Author, Message
from usermemory.text import clean

logger = logging.getLogger("usermemory")

_AUTHORS: dict[str, Author] = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "gpt": "assistant",
    "tool": "tool",
    "function": "tool",
    "function_call": "assistant",
    "function_call_output": "tool",
}
_NOT_READ = frozenset(
    (
        *("system", "developer", "remove", "reasoning", "item_reference", "compaction"),
        *("mcp_list_tools", "mcp_approval_request", "mcp_approval_response"),
    )
)
_ROLE = re.compile(r"[a-z][\w.-]{0,31}")
_ROLES = ("role", "type", "from", "sender", "author")  # where it says whose it is
_HOLDERS = ("messages", "contents", "input")  # of a state, or a provider's request
_ATTRIBUTES = (
    *("role", "type", "content", "id", "name", "tool_calls"),
    *("additional_kwargs", "response_metadata"),
)
_LANGCHAINS_OWN = "langchain_core.messages."
_CONTENTS = ("content", "parts", "text", "value", "output", "blocks")
"""Where a message has what it says: LangChain's and OpenAI's name first, then others'."""

_CALLED = ("tool_calls", "toolCalls", "audio", "additional_kwargs", "arguments", "refusal")
"""Where a message may say something else instead."""
_CHUNK = "MessageChunk"
_LATEST_MOMENT = 1e11  # seconds; the year 5138. A greater number counts milliseconds, or smaller.
_COUNTED = re.compile(r"\d{9,19}(?:\.\d+)?", re.ASCII)
_WRAPPED_TIMES = ("$date", "$numberLong", "_seconds", "seconds")
_LONGEST_TIME = 60
_TIMES = ("timestamp", "created_at", "created")
_DIGEST_KEY_BYTES = 64  # the longest key that BLAKE2b takes


def read_messages(
    raw: Iterable[Any], user_id: str, author: AuthorPolicy | None = None
) -> list[Message]:
    """Every message that says something, oldest first.

    Args:
        raw: LangChain messages, also as `messages_to_dict` writes them, dicts with ``role`` or
            ``type`` and ``content``, ``parts`` or ``text``, objects of providers' packages,
            ``(role, text)`` pairs, strings (the user's words); or one of these alone.
        user_id: Whose memory it is. A ``name`` that all human messages bear is the user's display
            name; of several names, those other than the user's id are somebody else's.
        author: Whose words a message holds, where the usual rule does not fit; see
            `guarded_author`.

    Returns:
        The messages; system messages, removals and empty ones are left out.

    Raises:
        InvalidInput: A message of no known form; the text names its index and its type. One of
            LangChain's own classes is left out and named in the log instead: it stands in a
            graph's state, and would stop its thread.
    """
    return list(newest_first(raw, user_id, author))[::-1]


def newest_first(
    raw: Iterable[Any], user_id: str, author: AuthorPolicy | None = None
) -> Iterable[Message]:
    """As `read_messages`, but from the end, and each is read only when it is asked for.

    So that remembering the last turn of a long thread costs what the turn costs. It can be gone
    through again, as a transaction that is tried again does.
    """
    attributed = raw.settled if isinstance(raw, Attributed) else None
    raw = _messages_in(raw)
    if not (_is_one(raw) or hasattr(raw, "__iter__")):
        raise InvalidInput(f"messages are {type(raw).__name__}; pass one, or a list of them")
    return _NewestFirst([raw] if _is_one(raw) else list(raw), user_id, author, attributed)


@dataclass(frozen=True, slots=True)
class _NewestFirst:
    raw: Sequence[Any]
    user_id: str
    author: AuthorPolicy | None
    attributed: frozenset[int] | None = None
    _read: dict[int, Message | None] = field(default_factory=dict[int, Any])
    _names: list[str | None] = field(default_factory=list[Any])

    def __length_hint__(self) -> int:
        """At most so many: what says nothing is left out."""
        return len(self.raw)

    def __iter__(self) -> Iterator[Message]:
        for index in reversed(range(len(self.raw))):
            if index not in self._read:
                self._read[index] = self._one(index)
            if (message := self._read[index]) is not None:
                yield message

    def _one(self, index: int) -> Message | None:
        asked = self.author is not None and index not in (self.attributed or ())
        decided = self.author(self.raw[index]) if self.author and asked else None
        try:
            return _read_one(self.raw[index], self.user_id, decided, self._display_name)
        except InvalidInput as error:
            if self.attributed is None and not _is_langchains(self.raw[index]):
                raise InvalidInput(f"message {index}: {error}") from error
            # It stands in a graph's state, where nobody can take it out: the others are read.
            logger.warning("message %d is not read: %s", index, error)
            return None

    def _display_name(self) -> str | None:
        """The one name that all human messages bear, looked for only where one bears a name."""
        if self.attributed is not None:
            return None
        if not self._names:
            names = {_name_of_human(raw) for raw in self.raw} - {None}
            self._names.append(names.pop() if len(names) == 1 else None)
        return self._names[0]


def digest(salt: str, message: Message) -> str:
    """A keyed hash of who said what, 32 hexadecimal digits: the same words, the same digest.

    Args:
        salt: A secret of the database, so that what was said can't be guessed from the hash.
        message: The message; its id, name and time do not count.
    """
    said = f"{message.author}\0{message.text}".encode()
    return hashlib.blake2b(said, key=salt.encode()[:_DIGEST_KEY_BYTES], digest_size=16).hexdigest()


def _messages_in(raw: Any) -> Any:
    """The messages in what holds them: a prompt, a state, a request to a provider."""
    if callable(prompt := getattr(raw, "to_messages", None)):
        return prompt()
    if is_mapping(raw):
        held = () if any(name in raw for name in _ROLES) else [raw.get(name) for name in _HOLDERS]
    else:
        held = () if hasattr(raw, "content") else [getattr(raw, "messages", None)]
    return next(filter(is_sequence, held), raw)


def _is_one(raw: Any) -> bool:
    """Whether this is one message, not a list of them (as LangGraph's ``add_messages`` takes)."""
    if isinstance(raw, str) or is_mapping(raw) or hasattr(raw, "content"):
        return True
    return _is_pair(raw) and isinstance(raw, tuple) and raw[0] in {*_AUTHORS, *_NOT_READ}


def _is_pair(raw: object) -> TypeGuard[Sequence[Any]]:
    return is_sequence(raw) and len(raw) == 2 and isinstance(raw[0], str)


def _is_langchains(raw: Any) -> bool:
    """Whether this is a message of LangChain's own, such as one of a graph's state."""
    return hasattr(raw, "content") and hasattr(raw, "additional_kwargs")


def role_of(raw: Any) -> Author | None:
    """Whose part of a conversation a message is, in whatever form; None for what has none."""
    try:
        entries = _entries_of(raw)
    except InvalidInput:
        return None
    return None if _is_inserted(entries) else _AUTHORS.get(_message_kind(entries))


def _name_of_human(raw: Any) -> str | None:
    """The name on a human message, empty without one; None for other messages."""
    return str(_entries_of(raw).get("name") or "") if role_of(raw) == "user" else None


def _read_one(
    raw: Any, user_id: str, decided: Author | None, display_name: Callable[[], str | None]
) -> Message | None:
    entries = _entries_of(raw)
    kind = _message_kind(entries)
    if kind in _NOT_READ:
        return None
    author = decided or _author(kind, entries, user_id, display_name)
    extra = _mapping(entries.get("additional_kwargs"))
    content = _content(entries)
    if author == "user" and only_results(content):
        author = "tool"  # as Anthropic, Amazon and Google are sent what a tool has answered
        text = result_text(content)
    else:
        audio = _mapping(entries.get("audio") or extra.get("audio"))
        calls = entries.get("tool_calls") or ([entries] if kind == "function_call" else ())
        text = plain_text(content, calls, audio.get("transcript") or "")
    if not text.strip():
        return None
    times = filter(None, (entries, extra, _mapping(entries.get("response_metadata"))))
    return Message(
        author=author,
        text=text,
        id=_label(entries.get("id"), stored_id),
        name=_label(entries.get("name")),
        at=next((at for at in map(_said_at, times) if at is not None), None),
    )


def _entries_of(raw: Any) -> Mapping[str, Any]:
    """The message's attributes or items by name."""
    if isinstance(raw, str):
        return {"role": "user", "content": raw}
    if type(raw).__module__.startswith(_LANGCHAINS_OWN):
        # To ask it for what it has not got takes longer than all the rest.
        own: Any = raw.__dict__
        return {name: own.get(name) for name in _ATTRIBUTES}
    if is_mapping(raw):
        return _langchains_entries(raw)
    if _is_pair(raw):
        return {"role": raw[0], "content": raw[1]}
    if (hasattr(raw, "type") or hasattr(raw, "role")) and any(
        map(partial(hasattr, raw), _CONTENTS)
    ):
        # Not vars(): "type" may be an attribute of the class, and tool_calls a property.
        names = _ATTRIBUTES if hasattr(raw, "content") else (*_ATTRIBUTES, *_CONTENTS)
        return {name: getattr(raw, name, None) for name in names}
    raise InvalidInput(f"a {type(raw).__name__} is not a message")


def _langchains_entries(entries: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message as LangChain writes it down: ``messages_to_dict`` and ``dumpd``."""
    inside = entries.get("data")
    if is_mapping(inside) and "content" in inside:
        return {"type": entries.get("type"), **inside}
    inside = entries.get("message")
    if is_mapping(inside) and not any(entries.get(name) for name in ("role", *_CONTENTS)):
        return _langchains_entries(inside)  # as an export or an event wraps it
    inside = entries.get("kwargs")
    if entries.get("lc") and is_mapping(inside):
        name = str([*(entries.get("id") or [""])][-1])
        kind = name.removesuffix(_CHUNK).removesuffix("Message").lower()
        return {"type": kind, **inside}
    return entries


def _content(entries: Mapping[str, Any]) -> Any:
    """What a message says, where its form has that.

    Raises:
        InvalidInput: It has none of the known entries.
    """
    for name in _CONTENTS:
        if entries.get(name):
            return entries[name]
    called = str(entries.get("type")).endswith("_call")
    if not called and not any(name in entries for name in (*_CONTENTS, *_CALLED)):
        raise InvalidInput(
            f"a message has none of {', '.join(_CONTENTS)}; it has {', '.join(map(str, entries))}"
        )
    return None


def _message_kind(entries: Mapping[str, Any]) -> str:
    # ChatMessage has its role beside the type "chat"; OpenAI's Responses items are type "message".
    said = [_kind_in(entries[name]) for name in _ROLES if entries.get(name)]
    known = [one for one in said if one in _AUTHORS or one in _NOT_READ]
    kind = (said if entries.get("role") else [*known, *said, ""])[0]
    if entries.get("role") or known:
        return kind
    # The items of OpenAI's Responses API: web_search_call, computer_call_output.
    if kind.endswith("_call_output"):
        return "function_call_output"
    return "function_call" if kind.endswith("_call") else kind


def _kind_in(said: Any) -> str:
    said = said.get("role") if is_mapping(said) else said
    return str(said.value if isinstance(said, Enum) else said).removesuffix(_CHUNK).lower()


def _author(
    kind: str, entries: Mapping[str, Any], user_id: str, display_name: Callable[[], str | None]
) -> Author:
    if kind == "chat" or (kind not in _AUTHORS and entries.get("role")):
        told = repr(kind) if _ROLE.fullmatch(kind) else f"of {len(kind)} characters"
        logger.warning("role %s counts as somebody else's; author= can say otherwise", told)
        return "other"
    if kind not in _AUTHORS:
        told = f"unknown kind of message {kind!r}" if kind else "a message has no role or type"
        raise InvalidInput(f"{told}; known: {', '.join(_AUTHORS)}")
    if _AUTHORS[kind] != "user":
        return _AUTHORS[kind]
    if _is_inserted(entries):
        return "other"
    # Supervisors speak under a name, and people in a transcript; a client may show the user's own.
    name = entries.get("name")
    own = name is None or name in {"", user_id} or str(name) == display_name()
    return "user" if own else "other"


def _is_inserted(entries: Mapping[str, Any]) -> bool:
    """Whether middleware put it in, as it does with summaries."""
    return "lc_source" in _mapping(entries.get("additional_kwargs"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if is_mapping(value) else {}


def _label(value: Any, made: Callable[[str], str] = clean) -> str | None:
    return made(str(value)) or None if value is not None else None


def _said_at(entries: Mapping[str, Any]) -> float | None:
    """When it was said in seconds since the epoch, if these entries tell."""
    found = next((entries[name] for name in _TIMES if entries.get(name)), None)
    return None if found is None else moment(found)


def moment(given: Any) -> float | None:
    """A time as programs write it, in seconds since the epoch; None for what is none.

    Args:
        given: A ``datetime``, ISO 8601 or RFC 2822 (UTC where no zone is named), or seconds,
            milli-, micro- or nanoseconds since the epoch, as a number or written as a text; any of
            them as MongoDB (``{"$date": …}``) and Firestore (``{"_seconds": …}``) write it.
    """
    for _ in range(2):  # MongoDB's may hold its number in a wrapping of its own
        if is_mapping(given):
            given = next((given[name] for name in _WRAPPED_TIMES if name in given), None)
    try:
        if isinstance(given, str):
            given = float(given) if _COUNTED.fullmatch(given) else _written_moment(given.strip())
        if isinstance(given, datetime):
            # A time without a zone is taken as UTC, as every time in this package.
            given = (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
        if isinstance(given, bool) or not isinstance(given, int | float):
            return None
        seconds = float(given)
    except (ValueError, OverflowError):
        return None
    for _ in range(3):
        seconds = seconds / 1000 if seconds >= _LATEST_MOMENT else seconds
    # What no calendar holds (NaN too) is no time.
    return seconds if 0 <= seconds < _LATEST_MOMENT else None


def _written_moment(text: str) -> datetime:
    """A time in ISO 8601, strict or as programs vary it, or in RFC 2822.

    Raises:
        ValueError: It is neither.
    """
    if len(text) > _LONGEST_TIME:
        raise ValueError(text[:_LONGEST_TIME])
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if not text[:4].isdigit():
            return parsedate_to_datetime(text)
        plain = re.sub(r"\s*(?:UTC|GMT)$", "", text).replace("/", "-")
        return datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", plain))
