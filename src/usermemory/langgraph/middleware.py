"""Memory in an agent of LangChain's ``create_agent``."""

# langgraph has no stubs for its namespace packages.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import SystemMessage
from langgraph.config import get_config

from usermemory.errors import ConfigurationError
from usermemory.langgraph.identity import ByRun, FindUser, Run, id_of, is_human, newest_words
from usermemory.langgraph.nodes import OnError, Recaller, Rememberer
from usermemory.messages import Asked, Attributed, read_messages
from usermemory.messages.align import stored_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from langchain.agents.middleware import AgentState, ModelRequest, ModelResponse
    from langgraph.runtime import Runtime

    from usermemory.memory import UserMemory

    _Base = AgentMiddleware[AgentState[Any], Any, Any]
else:
    _Base = AgentMiddleware


class UserMemoryMiddleware(_Base):
    """Long-term memory of its users for an agent: recalled once a run, remembered in any case.

    ::

        agent = create_agent(model, middleware=[UserMemoryMiddleware(memory)], checkpointer=…)
        agent.invoke(messages, {"configurable": {"thread_id": "1"}}, context={"user_id": "will"})

    What the model is asked with is remembered right before it is asked, what came of it after the
    agent ends. What other middleware takes away before is not, nor what a run brings whose model is
    never asked: one that a guard stops, by an exception or a jump to the end. Before the first
    model call of a run, and of a resumed one, the profile is recalled and stands below the system
    prompt in each call of the run; it is in no state, stream, output or checkpoint. Put it last in
    the list: middleware behind it may rewrite the system prompt, and what the model is asked with.
    In an agent that another graph's node or tool runs, the user is heard in what the outer graph
    was given or has remembered; a supervisor's words are not the user's.

    Args:
        memory: What knows the users.
        tail: Add what the user said in other threads that nobody has read yet.
        max_tokens: Upper bound of what is added to the system prompt.
        user_id: As for `recall_node`.
        on_error: As for `recall_node`.
        hears_user: As for `remember_node`.

    Raises:
        IdentityError: In a run: no user is named, or no thread to remember in. A run without a
            thread says ``remember=False``.
        ConfigurationError: From ``create_agent``: there is another one in the same agent.
    """

    def __init__(
        self,
        memory: UserMemory,
        *,
        tail: bool = True,
        max_tokens: int = 1_000,
        user_id: FindUser | None = None,
        on_error: OnError = "continue",
        hears_user: bool | None = None,
    ) -> None:
        super().__init__()
        self._recaller = Recaller(memory, tail, max_tokens, user_id, on_error)
        self._rememberer = Rememberer(memory, user_id, on_error, hears_user)
        self._told = ByRun[str]()
        self._asked = ByRun[Asked]()
        self._name = _Name(type(self).__name__)

    @property
    def name(self) -> str:
        """What its steps are called in the graph."""
        return self._name

    def before_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Remember what arrived, before anything can be summarised away; the newest words wait."""
        run = self._rememberer.keep(state, get_config(), self._waiting(state))
        self._forget(runtime, run)
        return self._signatures(state, run)

    async def abefore_agent(
        self, state: AgentState[Any], runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """As `before_agent`."""
        run = await self._rememberer.akeep(state, get_config(), self._waiting(state))
        self._forget(runtime, run)
        return self._signatures(state, run)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Remember what the model is asked with, and ask it, below what is known of the user."""
        # In later calls too: middleware may summarise the tools' results away.
        run = self._rememberer.keep(request.state, get_config(), self._asking(request))
        text = self._told.get(request.runtime, run)
        if text is None:
            text = self._told.put(
                request.runtime, run, self._recaller.text_for(run, request.messages)
            )
        return handler(_telling(request, text))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """As `wrap_model_call`."""
        run = await self._rememberer.akeep(request.state, get_config(), self._asking(request))
        text = self._told.get(request.runtime, run)
        if text is None:
            text = self._told.put(
                request.runtime, run, await self._recaller.atext_for(run, request.messages)
            )
        return await handler(_telling(request, text))

    def after_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Remember what came of it."""
        run = self._rememberer.keep(state, get_config(), self._ending(state, runtime))
        self._forget(runtime, run)

    async def aafter_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """As `after_agent`."""
        run = await self._rememberer.akeep(state, get_config(), self._ending(state, runtime))
        self._forget(runtime, run)

    def _waiting(self, state: AgentState[Any]) -> Run:
        """The run, whose model was not asked yet."""
        ids = _ids(newest_words(state["messages"]))
        return replace(self._rememberer.run(get_config()), asked=Asked(ids, yet=False))

    def _asking(self, request: ModelRequest[Any]) -> Run:
        """The run, and what its model is asked with of the newest words."""
        run = self._rememberer.run(get_config())
        asked = self._asked.get(request.runtime, run)
        asked = asked or self._asked.put(request.runtime, run, _asked_with(request))
        return replace(run, asked=asked)

    def _ending(self, state: AgentState[Any], runtime: Runtime[Any]) -> Run:
        """The run, whose model may never have been asked: another middleware jumped to the end."""
        run = self._waiting(state)
        return replace(run, asked=self._asked.get(runtime, run) or run.asked)

    def _forget(self, runtime: Runtime[Any], run: Run) -> None:
        """The run begins or ends."""
        self._told.drop(runtime, run)
        self._asked.drop(runtime, run)

    def _signatures(self, state: AgentState[Any], run: Run) -> dict[str, Any] | None:
        """The update that signs the messages; None if there is nothing to sign."""
        messages = self._rememberer.signed(state, run)
        return {"messages": messages} if messages else None


class _Name(str):
    """The name of a middleware, which does not stand beside its like.

    ``create_agent`` looks for middleware that stands in its list twice by putting all names into
    a set: two of ours meet there, and one can say what is wrong.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Name) and str.__eq__(self, other):
            raise ConfigurationError(
                f"there are two {self} in one agent: each would recall and remember the same. "
                "Leave one out"
            )
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def _telling(request: ModelRequest[Any], text: str) -> ModelRequest[Any]:
    """The request with the text below its system prompt."""
    if not text:
        return request
    system = request.system_message
    if system is None:
        return request.override(system_message=SystemMessage(text))
    # A prompt in blocks may mark some of them for the provider's cache.
    content = (
        "\n\n".join(filter(None, (system.content, text)))
        if isinstance(system.content, str)
        else [*system.content, {"type": "text", "text": text}]
    )
    return request.override(system_message=system.model_copy(update={"content": content}))


def _ids(messages: Iterable[Any]) -> frozenset[str]:
    return frozenset(stored_id(id_of(one)) for one in messages if id_of(one))


def _asked_with(request: ModelRequest[Any]) -> Asked:
    """What the model is given of the newest words: the same, wholly, or what took their place."""
    there, given = request.state["messages"], request.messages
    words = newest_words(there)
    by_id = {id_of(one): one for one in given if id_of(one)}
    if len(there) == len(given):  # rewritten one by one, maybe without their ids
        by_id = {id_of(old): new for old, new in zip(there, given, strict=True)} | by_id
    asked = [_text(one) for one in given if is_human(one)]
    said = {_text(one): id_of(one) for one in words}
    changed = {text: name for text, name in said.items() if not any(text in one for one in asked)}
    texts = {text: _text(by_id[name]) if name in by_id else None for text, name in changed.items()}
    return Asked(_ids(words), texts=texts)


def _text(message: Any) -> str:
    return "".join(one.text for one in read_messages(Attributed([message]), ""))
