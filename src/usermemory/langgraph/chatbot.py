"""A chatbot that knows its users: one node of ours, and one for the tools."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AnyMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.runtime import get_runtime

from usermemory.extract.manner import rebuilt
from usermemory.extract.models import chat_model
from usermemory.langgraph.identity import ByRun
from usermemory.langgraph.nodes import Node, OnError, Recaller, Rememberer, remember_node
from usermemory.messages.secrets import screened
from usermemory.settings import refuse_unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tools import BaseTool
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from usermemory.langgraph.identity import FindUser, Run
    from usermemory.memory import UserMemory

PROMPT = (
    "You are a helpful assistant with a long-term memory of the people you talk to. What you know "
    "about this user from earlier conversations follows, if there is anything yet. Use it where it "
    "helps, and call them by their name if you know it."
)


logger = logging.getLogger("usermemory")

UNANSWERED = "This call was cut off before it had a result; whether it did anything is not known."
_LONGEST_ERROR = 500


def create_chatbot(  # noqa: PLR0913 - ten settings, eight of them by name and with a default
    memory: UserMemory,
    model: BaseChatModel | str,
    *,
    prompt: str = PROMPT,
    tools: Sequence[BaseTool | Callable[..., Any]] = (),
    checkpointer: BaseCheckpointSaver[Any] | bool | None = None,
    tail: bool = True,
    max_tokens: int = 1_000,
    user_id: FindUser | None = None,
    on_error: OnError = "continue",
    hears_user: bool | None = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A compiled graph, sync and async: its node ``model`` remembers, recalls, asks and remembers.

    The user's message is remembered before the model is asked, the answer after it: a turn that
    crashes or is interrupted loses nothing. What is known of the user stands in the model's system
    message alone: in no state, stream or checkpoint. A tool that raises is answered with its error,
    and a call that a crash left without an answer is told to the model as such: the thread goes on.

    Args:
        memory: What knows the users.
        model: A chat model, or a name that ``init_chat_model`` takes.
        prompt: The system message; what is known of the user is added below it.
        tools: Tools that the model may call.
        checkpointer: Keeps the threads; None to pass the whole conversation with each run.
        tail: Add what the user said in other threads that nobody has read yet.
        max_tokens: Upper bound of what is added to the system message.
        user_id: As for `recall_node`.
        on_error: As for `recall_node`.
        hears_user: As for `remember_node`.

    Raises:
        ModelUnavailable: The package or the key of the named model is missing.
        ConfigurationError: This is no model: a class, say, and no instance of it.
    """
    refuse_unusable(model=model)
    asked = chat_model(model)
    if tools:
        asked = rebuilt(asked, lambda inside: inside.bind_tools(tools))
    chatter = _Chatter(
        asked,
        prompt,
        Recaller(memory, tail, max_tokens, user_id, on_error),
        Rememberer(memory, user_id, on_error, hears_user),
    )
    graph = StateGraph(MessagesState)
    graph.add_node("model", Node("model", chatter.turn, chatter.aturn))
    graph.add_edge(START, "model")
    if tools:
        graph.add_node("tools", ToolNode(tools, handle_tool_errors=tool_error))
        graph.add_conditional_edges("model", tools_condition, {"tools": "tools", END: END})
        graph.add_edge("tools", "model")
    else:
        graph.add_edge("model", END)
    # Where threads of version 0.1 may have stopped: what they were to do, and on from there.
    remember = remember_node(memory, user_id=user_id, on_error=on_error, hears_user=hears_user)
    for name in ("remember", "recall"):
        graph.add_node(name, RunnableLambda(_nothing))
        graph.add_edge(name, "model")
    graph.add_node("remember_answer", remember)
    graph.add_edge("remember_answer", END)
    return graph.compile(checkpointer=checkpointer)


def _nothing(_: Any) -> dict[str, Any]:
    """The model's node does it now."""
    return {}


@dataclass(frozen=True, slots=True)
class _Chatter:
    """One call of the model, with the memory around it."""

    model: Any
    prompt: str
    recaller: Recaller
    rememberer: Rememberer
    told: ByRun[str] = field(default_factory=ByRun[str])

    def turn(self, state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        """Remember what arrived, ask the model, and remember its answer at the end of the turn."""
        run = self.rememberer.run(config)
        info = self._told(run)
        if info is None:
            # First: meanwhile the checkpointer writes what is looked up next.
            info = self.told.put(get_runtime(), run, self.recaller.text_for(run, state))
        self.rememberer.keep(state, config, run)
        news: list[Any] = self.rememberer.signed(state, run)
        answer = _identified(self.model.invoke(self._conversation(info, state), config))
        if not answer.tool_calls:
            self.rememberer.keep(_after(state, [*news, answer]), config, run)
        return {"messages": [*news, answer]}

    async def aturn(self, state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        """As `turn`."""
        run = self.rememberer.run(config)
        info = self._told(run)
        if info is None:
            info = self.told.put(get_runtime(), run, await self.recaller.atext_for(run, state))
        await self.rememberer.akeep(state, config, run)
        news: list[Any] = self.rememberer.signed(state, run)
        answer = _identified(await self.model.ainvoke(self._conversation(info, state), config))
        if not answer.tool_calls:
            await self.rememberer.akeep(_after(state, [*news, answer]), config, run)
        return {"messages": [*news, answer]}

    def _told(self, run: Run) -> str | None:
        """What this run was told before, while it calls tools: the same again."""
        return self.told.get(get_runtime(), run)

    def _conversation(self, info: str, state: MessagesState) -> list[AnyMessage]:
        system = "\n\n".join(filter(None, (self.prompt, info)))
        return [*([SystemMessage(system)] if system else []), *answered(state["messages"])]


def answered(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages, each tool call followed by one answer to it: providers refuse other threads.

    A crash or a cancelled stream leaves a call without one, and no tool is asked where a model's
    arguments are no JSON. Some models use an id again: an answer belongs to the newest call of its
    id before it. One that belongs to none is left out.
    """
    messages = [_with_call_ids(one) if isinstance(one, AIMessage) else one for one in messages]
    asked: dict[str, int] = {}
    results: dict[int, list[ToolMessage]] = {}
    for at, message in enumerate(messages):
        if isinstance(message, AIMessage):
            asked |= dict.fromkeys(_calls(message), at)
        elif isinstance(message, ToolMessage) and message.tool_call_id in asked:
            results.setdefault(asked.pop(message.tool_call_id), []).append(message)
    found: list[AnyMessage] = []
    for at, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            continue
        found.append(message)
        if isinstance(message, AIMessage):
            given = results.get(at, [])
            lacking = _calls(message).keys() - {one.tool_call_id for one in given}
            found += given
            found += (
                ToolMessage(UNANSWERED, tool_call_id=known, name=name, status="error")
                for known, name in _calls(message).items()
                if known in lacking
            )
    return found


def _calls(message: AIMessage) -> dict[str, str | None]:
    """Id and tool of each call, those included that no tool could be asked."""
    return {
        call["id"]: call["name"]
        for call in (*message.tool_calls, *message.invalid_tool_calls)
        if call["id"] is not None
    }


def _with_call_ids(message: AIMessage) -> AIMessage:
    """The message, each of its calls with an id of its own: a copy, where one had none."""
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    if len({call["id"] for call in calls if call["id"]}) == len(calls):
        return message
    message, known = message.model_copy(deep=True), set[str]()
    for number, call in enumerate((*message.tool_calls, *message.invalid_tool_calls)):
        name = call["id"]
        if not name or name in known:
            name = call["id"] = f"call-{message.id}-{number}"
        known.add(name)
    return message


def tool_error(error: Exception) -> str:
    """What the model is told of a tool that raised, without secrets; the log has the rest."""
    logger.warning("a tool raised %s; the model is told so", type(error).__name__)
    text = screened(str(error)[:_LONGEST_ERROR], "mask") or ""
    told = f"The tool failed with {type(error).__name__}: {text}".rstrip(": ")
    return f"{told}. Try something else, or tell the user."


def _identified(answer: Any) -> Any:
    """The answer with ids, so that it and its calls are known again as they stand in the thread."""
    if answer.id is None:
        answer.id = str(uuid4())
    return _with_call_ids(answer)


def _after(state: MessagesState, news: list[Any]) -> dict[str, Any]:
    """The conversation as it will be."""
    said: list[Any] = [*state["messages"]]
    return {"messages": add_messages(said, news)}
