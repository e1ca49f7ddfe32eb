"""The two nodes: one only recalls, one only remembers. Each works in sync and async graphs."""

# langgraph has no stubs for its namespace packages.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import ToolException
from langgraph.channels import UntrackedValue
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import get_runtime

from usermemory.errors import ConfigurationError, IdentityError
from usermemory.langgraph.identity import (
    ByRun,
    FindUser,
    Run,
    config_of,
    current_run,
    entry_of,
    id_of,
    is_human,
)
from usermemory.langgraph.speakers import asettle, settle, speakers_of
from usermemory.messages import AuthorPolicy, is_sequence, newest_first, role_of
from usermemory.records import Event, Recalled, Shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from usermemory.memory import UserMemory


class Node(Runnable[Any, Any]):
    """A function of state and config and its async twin.

    ``RunnableLambda`` does the same and reports each call to the tracer, as LangGraph has just
    done for the node: four of them cost a turn as much as everything that they are there for.

    Args:
        name: What it is called in the graph.
        run: Called in sync runs.
        arun: Called in async runs.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Any, RunnableConfig], Any],
        arun: Callable[[Any, RunnableConfig], Awaitable[Any]],
    ) -> None:
        self.name = name
        self._run = run
        self._arun = arun

    def __getattr__(self, name: str) -> Any:
        # LangGraph asks for it to know a node again in its cache, and asks nothing else of a node
        # that is cached: on a hit the node is not run.
        if name == "__qualname__":
            raise ConfigurationError(
                f"{self.name!r} is a node of a memory, and can't be cached: a cache knows what it "
                "holds by a node's input, not by the user, and would tell one user what is known "
                "of another. Leave cache_policy out for it; instead of set_node_defaults give each "
                "of the other nodes its own"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def invoke(
        self,
        input: Any,  # noqa: A002 - Runnable calls it so
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - Runnable passes what a node has no use for
    ) -> Any:
        """The update of the state."""
        return self._run(input, config or {})

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - Runnable calls it so
        config: RunnableConfig | None = None,
        **kwargs: Any,  # noqa: ARG002 - Runnable passes what a node has no use for
    ) -> Any:
        """As `invoke`."""
        return await self._arun(input, config or {})


logger = logging.getLogger("usermemory")

_LAST_WORDS = 2_000
"""Characters of the user's last message that matter for what is shown."""

OnError = Literal["continue", "raise"]
"""What a node does when the memory fails: let the chat go on, or fail the turn (for tests)."""


class _Profile(UntrackedValue[str]):
    """A value that lives as long as a run; empty, and not missing, where a run began behind it."""

    __slots__ = ()

    def get(self) -> str:
        """What was recalled in this run; empty if nothing was yet."""
        return self.value if super().is_available() else ""

    def is_available(self) -> bool:
        """Whether nodes find the key in their state: always."""
        return True


UserInfo = Annotated[str, _Profile]
"""The type of the state's key for the profile: alive during a run, in no checkpoint.

A run that is resumed, replayed or forked behind `recall_node` finds it empty: see
`RecallNode.text`.
"""


@dataclass(frozen=True, slots=True)
class Recaller:
    """Recalls the user of a run as text for a system message; see `recall_node`."""

    memory: UserMemory
    tail: bool
    max_tokens: int
    find_user: FindUser | None
    on_error: OnError

    def text(self, state: Any, config: RunnableConfig) -> str:
        """The text; empty for a user nobody knows, and where the memory fails."""
        return self.text_for(current_run(config, self.find_user), state)

    async def atext(self, state: Any, config: RunnableConfig) -> str:
        """As `text`."""
        return await self.atext_for(current_run(config, self.find_user), state)

    def text_for(self, run: Run, state: Any) -> str:
        """As `text`, for a run that is known already."""
        with tolerant(self.memory, run, self.on_error):
            return self._rendered(self.memory.recall(run.user_id, **self._asked(run, state)), run)
        return ""

    async def atext_for(self, run: Run, state: Any) -> str:
        """As `text_for`."""
        with tolerant(self.memory, run, self.on_error):
            return self._rendered(
                await self.memory.arecall(run.user_id, **self._asked(run, state)), run
            )
        return ""

    def _rendered(self, found: Recalled, run: Run) -> str:
        """The text; what stands in it is known until the run's answer is remembered."""
        text = found.render(self.max_tokens)
        _shown_in(self.memory).put(get_runtime(), run, found.shown)
        return text

    def look(self, state: Any, config: RunnableConfig) -> str:
        """As `text`, where the run may stop before anything remembers who said what."""
        run = current_run(config, self.find_user)
        if _unnamed(run):
            with tolerant(self.memory, run, self.on_error):
                settle(self.memory, messages_of(state), config, run)
        return self.text_for(run, state)

    async def alook(self, state: Any, config: RunnableConfig) -> str:
        """As `look`."""
        run = current_run(config, self.find_user)
        if _unnamed(run):
            with tolerant(self.memory, run, self.on_error):
                await asettle(self.memory, messages_of(state), config, run)
        return await self.atext_for(run, state)

    def _asked(self, run: Run, state: Any) -> dict[str, Any]:
        about = last_words(messages_of(state), run.user_id, self.memory.author)
        return {"tail": self.tail, "thread_id": run.thread_id, "about": about}


def _unnamed(run: Run) -> bool:
    """Whether no checkpoint of this run tells whose it is."""
    return bool(run.saved and run.thread_id) and not (run.usual or run.nested)


class RecallNode(Node):
    """What `recall_node` makes: a node, and a look at what it found, from any node behind it."""

    def __init__(self, recaller: Recaller, key: str) -> None:
        def recall(state: Any, config: RunnableConfig) -> dict[str, str]:
            return {key: recaller.look(state, config)}

        async def arecall(state: Any, config: RunnableConfig) -> dict[str, str]:
            return {key: await recaller.alook(state, config)}

        super().__init__("recall", recall, arecall)
        self._recaller = recaller
        self._key = key

    def text(self, state: Any, config: RunnableConfig | None = None) -> str:
        """What is known of the user: from the state, or recalled now if this run began behind it.

        A run begins behind the recall when it resumes after an interrupt or a crash, replays an
        earlier checkpoint or forks from it. What was recalled then is in no checkpoint, and may be
        another by now.

        Args:
            state: The state of the node that asks.
            config: Its config; may be left out.
        """
        return entry_of(state, self._key) or self._recaller.text(state, config_of(config))

    async def atext(self, state: Any, config: RunnableConfig | None = None) -> str:
        """As `text`."""
        return entry_of(state, self._key) or await self._recaller.atext(state, config_of(config))


@dataclass(frozen=True, slots=True)
class Rememberer:
    """Hands the messages of a run to the memory; see `remember_node`."""

    memory: UserMemory
    find_user: FindUser | None
    on_error: OnError
    hears_user: bool | None = None

    def keep(self, state: Any, config: RunnableConfig, run: Run | None = None) -> Run:
        """Remember what is new in the state; the run it was said in, which may be known."""
        run, messages = run or self.run(config), messages_of(state)
        if run.thread_id:
            with tolerant(self.memory, run, self.on_error):
                settle(self.memory, messages, config, run)
                if (said := self._said(messages, run)) is not None:
                    self.memory.remember(**self._asked(said, messages, run))
        return run

    async def akeep(self, state: Any, config: RunnableConfig, run: Run | None = None) -> Run:
        """As `keep`."""
        run, messages = run or self.run(config), messages_of(state)
        if run.thread_id:
            with tolerant(self.memory, run, self.on_error):
                await asettle(self.memory, messages, config, run)
                if (said := self._said(messages, run)) is not None:
                    await self.memory.aremember(**self._asked(said, messages, run))
        return run

    def signed(self, state: Any, run: Run) -> list[Any]:
        """The messages whose signature is to be another, once `keep` knows who said them."""
        return [] if run.nested else speakers_of(self.memory).signed(messages_of(state), run)

    def run(self, config: RunnableConfig) -> Run:
        """The run, which has to name a thread, unless nothing of it is kept."""
        run = current_run(config, self.find_user, self.hears_user)
        if not run.thread_id and run.keep and not run.nested:
            raise IdentityError(
                "the run names no thread to remember in: run the graph with {'configurable': "
                "{'thread_id': …}}, without a checkpointer too; or with remember=False in its "
                "context, to recall only"
            )
        return run

    def _said(self, messages: list[Any], run: Run) -> list[Any] | None:
        """What goes to the memory; None where this run has nothing of the user's."""
        speakers = speakers_of(self.memory)
        if run.nested:
            if not speakers.hears(messages, run):
                speakers.say_once(messages, run)
                return None
            messages = speakers.without_repeats(messages, run)
            if not speakers.hears(messages, run):
                return None
        return speakers.heard(messages, run, self.memory.author)

    def _asked(self, said: list[Any], messages: list[Any], run: Run) -> dict[str, Any]:
        """What is remembered, and what stood in the prompts of this run's answers, by their ids."""
        where = {"user_id": run.user_id, "thread_id": run.thread_id, "messages": said}
        shown = _shown_in(self.memory).get(get_runtime(), run)
        told = dict.fromkeys(_answers(messages), shown) if shown else None
        return {**where, "delay": run.delay, "keep": run.keep, "shown": told}


_SHOWN: WeakKeyDictionary[UserMemory, ByRun[tuple[Shown, ...]]] = WeakKeyDictionary()


def _shown_in(memory: UserMemory) -> ByRun[tuple[Shown, ...]]:
    """What stands in the prompts of a memory's runs, from the recall to the last remember."""
    return _SHOWN.setdefault(memory, ByRun())


def _answers(messages: list[Any]) -> Iterator[str]:
    """The ids of what was answered to the newest words of a person; a call of a tool is none."""
    for message in reversed(messages):
        if is_human(message):
            return
        if role_of(message) == "assistant" and not entry_of(message, "tool_calls"):
            yield from filter(None, [id_of(message)])


def recall_node(
    memory: UserMemory,
    key: str = "user_info",
    *,
    tail: bool = False,
    max_tokens: int = 1_000,
    user_id: FindUser | None = None,
    on_error: OnError = "continue",
) -> RecallNode:
    """A node that puts what is known of the user into the state, as text for a system message.

    Declare the key as ``user_info: UserInfo``: as a plain ``str`` it would be in checkpoints. In
    the model's node read it by ``recall.text(state)``, where ``recall`` is this node: the state's
    key alone is empty in a run that resumes behind the recall.

    Args:
        memory: Where to look.
        key: The state's key for the text; the text is empty for a user nobody knows.
        tail: Add what the user said in other threads that nobody has read yet.
        max_tokens: Upper bound of the text, tail included.
        user_id: Says who the user is, seeing the run's config and context, where the usual rule
            (``langgraph_auth_user_id``, context, configurable) does not fit.
        on_error: ``"continue"``: when the database fails, the text is empty, a warning is logged
            and an ``error`` event emitted; ``"raise"``: the turn fails.

    Raises:
        IdentityError: In a run, whatever ``on_error`` is: nobody says who the user is.
    """
    return RecallNode(Recaller(memory, tail, max_tokens, user_id, on_error), key)


def remember_node(
    memory: UserMemory,
    *,
    user_id: FindUser | None = None,
    on_error: OnError = "continue",
    hears_user: bool | None = None,
) -> Node:
    """A node that hands the state's ``messages`` to the memory; what is known costs nothing.

    A run can set ``delay`` (seconds of quiet before its thread is consolidated) and
    ``remember=False`` (nothing said is ever learned) in its context or configurable.

    Whose words a message holds is decided by the run in which it arrived, whatever it says of its
    author. In a graph that another graph's node runs, the user is heard in what the outer graph was
    given or has remembered; what else comes there may be a supervisor's.

    Args:
        memory: Where to keep them.
        user_id: As for `recall_node`.
        on_error: As for `recall_node`; the next turn that passes the messages stores them.
        hears_user: Inside another graph, whether the messages are the user's own; None: what can
            be seen to be so.

    Raises:
        IdentityError: In a run, whatever ``on_error`` is: no user or no thread is named.
    """
    rememberer = Rememberer(memory, user_id, on_error, hears_user)

    def remember(state: Any, config: RunnableConfig) -> None:
        rememberer.keep(state, config)

    async def aremember(state: Any, config: RunnableConfig) -> None:
        await rememberer.akeep(state, config)

    return Node("remember", remember, aremember)


def last_words(messages: list[Any], user_id: str, author: AuthorPolicy | None) -> str:
    """What the user said last, which the profile is shown for; empty if nothing."""
    said = newest_first(messages, user_id, author)
    return next((one.text for one in said if one.author == "user"), "")[:_LAST_WORDS]


def messages_of(state: Any) -> list[Any]:
    """The messages that a state holds, or is; one alone is one too."""
    messages: Any = state if is_sequence(state) else entry_of(state, "messages")
    return list(messages) if is_sequence(messages) else [messages] if messages else []


@contextmanager
def tolerant(memory: UserMemory, run: Run, on_error: OnError) -> Generator[None]:
    """Let the chat go on when its memory fails, visibly; who the user is must be clear always."""
    try:
        yield
    except (IdentityError, GraphBubbleUp, ToolException):
        raise  # an answer to the model, or an interrupt, is no failure
    except Exception as error:
        if on_error == "raise":
            raise
        where = (run.user_id, run.thread_id)
        logger.warning("the chat goes on without memory: user=%s thread=%s: %s", *where, error)
        memory.emit(Event("error", *where, memory.clock.now(), error=error))
