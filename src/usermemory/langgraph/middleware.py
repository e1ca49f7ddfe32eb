"""Memory in an agent of LangChain's ``create_agent``."""

# langgraph has no stubs for its namespace packages.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import SystemMessage
from langgraph.config import get_config

from usermemory.errors import ConfigurationError
from usermemory.langgraph.identity import ByRun, FindUser, Run, current_run, id_of, is_human
from usermemory.langgraph.nodes import OnError, Recaller, Rememberer, tolerant
from usermemory.store.flows.claim import withdraw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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

    The user's message is remembered before the model is called, what came of it after the agent
    ends; what other middleware takes away before the model is asked is taken back. Before the first
    model call of a run, and of a resumed one, the profile is recalled and stands below the system
    prompt in each call of the run; it is in no state, stream, output or checkpoint. Put it last in
    the list: middleware that writes the system prompt anew would otherwise write over it. In an
    agent that another graph's node or tool runs, the user is heard in what the outer graph was
    given or has remembered; a supervisor's words are not the user's.

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
        self._memory = memory
        self._on_error: OnError = on_error
        self._recaller = Recaller(memory, tail, max_tokens, user_id, on_error)
        self._rememberer = Rememberer(memory, user_id, on_error, hears_user)
        self._told = ByRun[str]()
        self._arrived = ByRun[tuple[str, ...]]()
        self._name = _Name(type(self).__name__)

    @property
    def name(self) -> str:
        """What its steps are called in the graph."""
        return self._name

    def before_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Remember what arrived, before anything can go wrong or be summarised away."""
        run = self._rememberer.keep(state, get_config())
        self._begun(state, runtime, run)
        return self._signatures(state, run)

    async def abefore_agent(
        self, state: AgentState[Any], runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """As `before_agent`."""
        run = await self._rememberer.akeep(state, get_config())
        self._begun(state, runtime, run)
        return self._signatures(state, run)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Ask the model, below what is known of the user."""
        run = self._run()
        text = self._told.get(request.runtime, run)
        if text is None:
            if gone := self._taken_away(request, run):
                with tolerant(self._memory, run, self._on_error):
                    self._memory.driver.write(withdraw, run.user_id, run.thread_id, gone)
            text = self._told.put(
                request.runtime, run, self._recaller.text_for(run, request.messages)
            )
        else:
            # Middleware may summarise the tools' results away before the agent ends.
            self._rememberer.keep(request.state, get_config())
        return handler(_telling(request, text))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """As `wrap_model_call`."""
        run = self._run()
        text = self._told.get(request.runtime, run)
        if text is None:
            if gone := self._taken_away(request, run):
                with tolerant(self._memory, run, self._on_error):
                    await self._memory.driver.awrite(withdraw, run.user_id, run.thread_id, gone)
            text = self._told.put(
                request.runtime, run, await self._recaller.atext_for(run, request.messages)
            )
        else:
            await self._rememberer.akeep(request.state, get_config())
        return await handler(_telling(request, text))

    def after_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """Remember what came of it."""
        self._told.drop(runtime, self._rememberer.keep(state, get_config()))

    async def aafter_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        """As `after_agent`."""
        self._told.drop(runtime, await self._rememberer.akeep(state, get_config()))

    def _begun(self, state: AgentState[Any], runtime: Runtime[Any], run: Run) -> None:
        self._told.drop(runtime, run)
        newest = takewhile(is_human, reversed(state["messages"]))
        self._arrived.put(runtime, run, tuple(filter(None, map(id_of, newest))))

    def _taken_away(self, request: ModelRequest[Any], run: Run) -> list[str]:
        """What arrived and is in no state any more, before the model was asked for the first time.

        Another middleware took it away, maybe to put another message in its place.
        """
        arrived = self._arrived.get(request.runtime, run) or ()
        left = set(map(id_of, request.state["messages"]))
        if run.nested or not run.thread_id:
            return []
        return [one for one in arrived if one not in left]

    def _signatures(self, state: AgentState[Any], run: Run) -> dict[str, Any] | None:
        """The update that signs the messages; None if there is nothing to sign."""
        messages = self._rememberer.signed(state, run)
        return {"messages": messages} if messages else None

    def _run(self) -> Run:
        return current_run(get_config(), self._recaller.find_user)


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
