"""Whose run this is, in which thread, and what it asks of the memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.runtime import get_runtime

from usermemory.errors import IdentityError
from usermemory.settings import Id, checked_thread, checked_user

FindUser = Callable[[RunnableConfig, Any], Id]
"""Says who the user is, seeing the run's config and its context."""


_BEFORE_THE_FIRST = -1 & 0x3FFF
"""The step before a run's first one, as it stands in the ids of checkpoints."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the memory has to know of a run.

    Attributes:
        user_id: Who is talking.
        thread_id: Where; empty for a run without a thread, which can recall only.
        delay: Seconds of quiet that this run asked for; None for the memory's own.
        keep: False where this run said ``remember=False``.
        graph: Where in another graph's run this one runs; empty for one that runs by itself.
        usual: Whether the run's configurable names this user, so that its checkpoints do too.
        saved: Whether a checkpointer keeps the thread.
        hears: Whether the application says that its messages are the user's, where it is nested.
        called: Whether what runs this one is the body of an ``@entrypoint`` or a ``@task``.
    """

    user_id: str
    thread_id: str
    delay: float | None
    keep: bool
    graph: str
    usual: bool = True
    saved: bool = False
    hears: bool | None = None
    called: bool = False

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
    user_id = checked_user(found)
    logged_in = configurable.get("langgraph_auth_user_id")
    named = configurable.get("user_id") if logged_in in {None, ""} else logged_in
    return Run(
        user_id=user_id,
        thread_id="" if thread_id is None or thread_id == "" else checked_thread(thread_id),
        delay=_setting("delay", context, configurable),
        keep=_setting("remember", context, configurable) is not False,
        # Agents that a node runs inherit the ids of user and thread, but not the user's voice.
        graph=configurable.get("checkpoint_ns", "").rpartition("|")[0],
        usual=isinstance(named, str | int) and str(named) == user_id,
        saved=saver_of(config) is not None,
        hears=hears_user,
        called=_called(configurable),
    )


def saver_of(config: RunnableConfig) -> Any:
    """The run's checkpointer; None where there is none."""
    saver = (config.get("configurable") or {}).get("__pregel_checkpointer")
    return saver if hasattr(saver, "list") else None


def field_of(holder: Any, name: str) -> Any:
    """A field of a dict or of an instance, as states and contexts may be; None without it."""
    if isinstance(holder, Mapping):
        return cast("Mapping[str, Any]", holder).get(name)
    return getattr(holder, name, None)


def _setting(name: str, context: Any, configurable: Mapping[str, Any]) -> Any:
    value = field_of(context, name)
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
