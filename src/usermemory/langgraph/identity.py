"""Whose run this is, in which thread, and what it asks of the memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import get_runtime

from usermemory.errors import IdentityError, InvalidInput
from usermemory.messages import Asked, Attributed, is_mapping, read_messages, role_of
from usermemory.records import Message
from usermemory.settings import Id, checked_thread, checked_user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langgraph.runtime import Runtime


FindUser = Callable[[RunnableConfig, Any], Id]
"""Says who the user is, seeing the run's config and its context."""


_BEFORE_THE_FIRST = -1 & 0x3FFF
"""The step before a run's first one, as it stands in the ids of checkpoints."""


def config_of(config: RunnableConfig | None) -> RunnableConfig:
    """The config that a node was given, else the one of the run.

    Raises:
        InvalidInput: There is none: no graph runs here.
    """
    try:
        return config or get_config()
    except RuntimeError as error:
        told = "no graph runs here that says who the user is: pass the node's config"
        raise InvalidInput(told) from error


@dataclass(frozen=True, slots=True)
class Run:
    """What the memory has to know of a run.

    Attributes:
        user_id: Who is talking.
        thread_id: Where; empty for a run without a thread, which can recall only.
        delay: Seconds of quiet that this run asked for; None for the memory's own.
        keep: False where this run said ``remember=False``.
        graph: Where in another graph's run this one runs; empty for one that runs by itself.
        usual: Whether the run's configurable names this user, and its metadata no other, so that
            its checkpoints do too.
        traced: Whether its metadata names another, as tracing may: the checkpoints name that one.
        saved: Whether a checkpointer keeps the thread.
        hears: Whether the application says that its messages are the user's, where it is nested.
        called: Whether what runs this one is the body of an ``@entrypoint`` or a ``@task``.
        asked: What its model is asked with of the newest words.
    """

    user_id: str
    thread_id: str
    delay: float | None
    keep: bool
    graph: str
    usual: bool = True
    traced: bool = False
    saved: bool = False
    hears: bool | None = None
    called: bool = False
    asked: Asked = field(default_factory=Asked)

    @property
    def nested(self) -> bool:
        """Whether another graph's node runs this one: its messages are no person's."""
        return bool(self.graph)


def current_run(
    config: RunnableConfig,
    find_user: FindUser | None = None,
    hears_user: bool | None = None,  # noqa: FBT001 - as the application says it
) -> Run:
    """The run that this node is part of.

    Args:
        config: The node's config.
        find_user: Says who the user is, instead of the usual rule: the authenticated user of
            LangGraph's server, else ``user_id`` in the run's context, else in its configurable.
        hears_user: Whether a graph inside another one hears the user; None: found out.

    Raises:
        IdentityError: Nobody says who the user is, or somebody else than the server does.
    """
    configurable: Mapping[str, Any] = config.get("configurable") or {}
    context: Any = get_runtime().context
    said = _setting("user_id", context, configurable)
    thread_id = configurable.get("thread_id")
    found = _user(said, configurable) if find_user is None else find_user(config, context)
    user_id = checked_user(found, new=True)
    logged_in = configurable.get("langgraph_auth_user_id")
    named = configurable.get("user_id") if logged_in in {None, ""} else logged_in
    traced = _is_traced(config, user_id)
    return Run(
        user_id=user_id,
        thread_id=""
        if thread_id is None or thread_id == ""
        else checked_thread(thread_id, new=True),
        delay=_setting("delay", context, configurable),
        keep=_setting("remember", context, configurable) is not False,
        # Agents that a node runs inherit the ids of user and thread, but not the user's voice.
        graph=configurable.get("checkpoint_ns", "").rpartition("|")[0],
        usual=isinstance(named, str | int) and str(named) == user_id and not traced,
        traced=traced,
        saved=saver_of(config) is not None,
        hears=hears_user,
        called=_called(configurable),
    )


def _is_traced(config: RunnableConfig, user_id: str) -> bool:
    """Whether the run's metadata names another user: there tracing's ids win over the run's."""
    metadata: Mapping[str, Any] = config.get("metadata") or {}
    named = (metadata.get(name) for name in ("langgraph_auth_user_id", "user_id"))
    return any(one not in {None, ""} and str(one) != user_id for one in named)


def saver_of(config: RunnableConfig) -> Any:
    """The run's checkpointer; None where there is none."""
    saver = (config.get("configurable") or {}).get("__pregel_checkpointer")
    return saver if hasattr(saver, "list") else None


def entry_of(holder: Any, name: str) -> Any:
    """A field of a dict or of an instance, as states and contexts may be; None without it."""
    if isinstance(holder, Mapping):
        return cast("Mapping[str, Any]", holder).get(name)
    return getattr(holder, name, None)


def _setting(name: str, context: Any, configurable: Mapping[str, Any]) -> Any:
    value = entry_of(context, name)
    return configurable.get(name) if value is None else value


def _user(said: Any, configurable: Mapping[str, Any]) -> str:
    # Both are empty where LangGraph's server runs without authentication and a run names nobody.
    authenticated = configurable.get("langgraph_auth_user_id")
    named = [
        None if one is None or one == "" else checked_user(one) for one in (authenticated, said)
    ]
    if named[0] is not None and named[1] is not None and named[0] != named[1]:
        raise IdentityError(
            f"the run says that the user is {named[1]!r}, but {named[0]!r} is logged in; leave "
            "user_id out where LangGraph's server authenticates"
        )
    found = named[1] if named[0] is None else named[0]
    if found is None:
        raise IdentityError(
            "nobody says who the user is: run the graph with context={'user_id': …} or "
            "{'configurable': {'user_id': …}}, or say user_id=a function where the memory was given"
        )
    return found


def _called(configurable: Mapping[str, Any]) -> bool:
    """Whether only bodies of ``@entrypoint`` and ``@task`` stand around this graph.

    They run on what the run was given, before its first step; the step stands in a checkpoint's id
    (a UUID of version 6). A node of a graph runs in a later one.
    """
    levels = configurable.get("checkpoint_ns", "").split("|")[:-2]
    around = ["|".join(levels[:depth]) for depth in range(len(levels) + 1)]
    checkpoints: Mapping[str, str] = configurable.get("checkpoint_map") or {}
    ids = [checkpoints[one] for one in around if one in checkpoints]
    return bool(ids) and all(UUID(one).clock_seq == _BEFORE_THE_FIRST for one in ids)


_Key = tuple[Any, ...]
T = TypeVar("T")


class ByRun(Generic[T]):
    """What is kept of a run as long as it lasts: the text that it was told, and what stood in it.

    A field of the state would show in streams, in other middleware and in tools, even where it is
    in no checkpoint. LangGraph gives each run a stream writer and a control of its own: the value
    hangs on the writer, so that it is gone with the run, however that ends. A run that resumes has
    another writer, and is told anew.
    """

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Callable[..., Any], dict[_Key, T]] = WeakKeyDictionary()

    def get(self, runtime: Runtime[Any] | None, run: Run) -> T | None:
        """What is kept of the run; None if nothing is yet, and for a call outside of a run."""
        if runtime is None:
            return None
        return self._kept.get(runtime.stream_writer, {}).get(_key(runtime, run))

    def put(self, runtime: Runtime[Any] | None, run: Run, value: T) -> T:
        """Keep the value; it comes back as it is."""
        if runtime is None:
            return value
        self._kept.setdefault(runtime.stream_writer, {})[_key(runtime, run)] = value
        return value

    def drop(self, runtime: Runtime[Any] | None, run: Run) -> None:
        """The run begins or ends."""
        if runtime is None:
            return
        self._kept.get(runtime.stream_writer, {}).pop(_key(runtime, run), None)


def _key(runtime: Runtime[Any], run: Run) -> _Key:
    # Agents inside a run share its writer.
    return runtime.control, run.graph, run.user_id, run.thread_id


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


def newest_words(messages: Iterable[Any]) -> list[Any]:
    """The last messages of a person in a thread, with nothing else between them."""
    behind = dropwhile(lambda one: not is_human(one), reversed(list(messages)))
    return list(takewhile(is_human, behind))


def keys_of(messages: Iterable[Any]) -> list[str]:
    """By what each message of a thread is known again.

    That is its id. A state without LangGraph's ``add_messages`` gives none, and keeps several
    texts under one: a text that is not the first of its id has its place among them added. A human
    message without an id has a hash of what it says, with how often that stood before; another one
    has nothing.
    """
    messages = list(messages)
    names = [id_of(message) for message in messages]
    if all(names) and len({*names}) == len(names):
        return names
    first: dict[str, Any] = {}
    texts: defaultdict[str, list[bytes]] = defaultdict(list)
    keys: list[str] = []
    for name, message in zip(names, messages, strict=True):
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
    if isinstance(message, BaseMessage):
        return getattr(message, name, None)
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
