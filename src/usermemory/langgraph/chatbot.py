"""A chatbot that knows its users: the nodes in the order that loses nothing."""

# langgraph has no stubs for its namespace packages, and leaves type parameters open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.messages import AnyMessage, SystemMessage
from langgraph.channels import UntrackedValue
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from usermemory.extract.models import chat_model
from usermemory.langgraph.node import Node
from usermemory.langgraph.nodes import (
    OnError,
    Recaller,
    Rememberer,
    recall_node,
    remember_node,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tools import BaseTool
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from usermemory.langgraph.identity import FindUser
    from usermemory.memory import UserMemory

PROMPT = (
    "You are a helpful assistant with a long-term memory of the people you talk to. What you know "
    "about this user from earlier conversations follows, if there is anything yet. Use it where it "
    "helps, and call them by their name if you know it."
)


class ChatState(MessagesState):
    """The conversation, and for the length of a run what is known of the user."""

    user_info: Annotated[str, UntrackedValue]


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
    """A compiled graph, sync and async: remember, recall, ask the model (and its tools), remember.

    The user's message is remembered before the model is asked, the answer after it: a turn that
    crashes or is interrupted loses nothing.

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
    """
    recaller = Recaller(memory, tail, max_tokens, user_id, on_error)
    rememberer = Rememberer(memory, user_id, on_error, hears_user)
    recall = recall_node(
        memory, tail=tail, max_tokens=max_tokens, user_id=user_id, on_error=on_error
    )
    graph = StateGraph(ChatState, input_schema=MessagesState, output_schema=MessagesState)
    graph.add_node("remember", _remember_node(rememberer))
    graph.add_node("recall", recall)
    graph.add_node("model", _model_node(chat_model(model), prompt, tools, recaller))
    remember = remember_node(memory, user_id=user_id, on_error=on_error, hears_user=hears_user)
    graph.add_node("remember_answer", remember)
    graph.add_edge(START, "remember")
    graph.add_edge("remember", "recall")
    graph.add_edge("recall", "model")
    if tools:
        graph.add_node("tools", ToolNode(tools))
        graph.add_conditional_edges(
            "model", tools_condition, {"tools": "tools", END: "remember_answer"}
        )
        graph.add_edge("tools", "model")
    else:
        graph.add_edge("model", "remember_answer")
    graph.add_edge("remember_answer", END)
    return graph.compile(checkpointer=checkpointer)


def _remember_node(rememberer: Rememberer) -> Node:
    """A node that remembers what arrived, and signs it for the rest of the thread's life."""

    def remember(state: ChatState, config: RunnableConfig) -> dict[str, Any]:
        run = rememberer.keep(state, config)
        return {"messages": rememberer.signed(state, run)}

    async def aremember(state: ChatState, config: RunnableConfig) -> dict[str, Any]:
        run = await rememberer.akeep(state, config)
        return {"messages": rememberer.signed(state, run)}

    return Node("remember", remember, aremember)


def _model_node(
    model: BaseChatModel,
    prompt: str,
    tools: Sequence[BaseTool | Callable[..., Any]],
    recaller: Recaller,
) -> Node:
    """A node that asks the model, below what is known of the user."""
    asked = model.bind_tools(tools) if tools else model

    def ask(state: ChatState, config: RunnableConfig) -> dict[str, Any]:
        # A run that resumes after an interrupt begins behind the recall, and nothing of it was
        # kept in the checkpoint.
        info = state["user_info"] if "user_info" in state else recaller.text(config)
        return {"messages": [asked.invoke(_conversation(prompt, info, state), config)]}

    async def aask(state: ChatState, config: RunnableConfig) -> dict[str, Any]:
        info = state["user_info"] if "user_info" in state else await recaller.atext(config)
        return {"messages": [await asked.ainvoke(_conversation(prompt, info, state), config)]}

    return Node("model", ask, aask)


def _conversation(prompt: str, info: str, state: ChatState) -> list[AnyMessage]:
    system = "\n\n".join(filter(None, (prompt, info)))
    return [*([SystemMessage(system)] if system else []), *state["messages"]]
