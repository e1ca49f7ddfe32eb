"""A thread that several users write to, with each kind of bot, driven in either colour."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.graph import START, MessagesState, StateGraph

from usermemory import UserMemory
from usermemory.langgraph import UserMemoryMiddleware, create_chatbot, remember_node
from usermemory.testing import ScriptedModel

CONTEXT, CONFIGURABLE, SERVER = "context", "configurable", "server"
IDENTITIES = [CONTEXT, CONFIGURABLE, SERVER]


def noted() -> ScriptedModel:
    """A model that always says the same."""
    return ScriptedModel(replies=lambda _: "Noted.")


def chatbot(memory: UserMemory, saver: Any, model: Any) -> Any:
    """Our own."""
    return create_chatbot(memory, model, checkpointer=saver)


def agent(memory: UserMemory, saver: Any, model: Any) -> Any:
    """LangChain's, with our middleware."""
    middleware = [UserMemoryMiddleware(memory)]
    return create_agent(model, [], middleware=middleware, checkpointer=saver)


def nodes(memory: UserMemory, saver: Any, model: Any) -> Any:
    """A graph of one's own, which remembers at its end."""

    def answer(state: MessagesState) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_node("remember", remember_node(memory))
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "remember")
    return graph.compile(checkpointer=saver)


BOTS = [chatbot, agent, nodes]


@dataclass
class Room:
    """A thread that several users write to."""

    memory: UserMemory
    bot: Any
    colour: str
    identity: str = CONFIGURABLE
    durability: Any = None

    async def run(self, user_id: str, given: Any) -> Any:
        """A run in the user's name."""
        configurable: dict[str, Any] = {"thread_id": "room"}
        context = {"user_id": user_id} if self.identity == CONTEXT else None
        if self.identity == CONFIGURABLE:
            configurable["user_id"] = user_id
        elif self.identity == SERVER:
            configurable["langgraph_auth_user_id"] = user_id
        config: Any = {"configurable": configurable}
        how: Any = {"context": context}
        if self.durability:
            how["durability"] = self.durability
        if self.colour == "async":
            return await self.bot.ainvoke(given, config, **how)
        return await asyncio.to_thread(self.bot.invoke, given, config, **how)

    async def say(self, user_id: str, *said: Any) -> Any:
        """A turn."""
        messages = [HumanMessage(one) if isinstance(one, str) else one for one in said]
        return await self.run(user_id, {"messages": messages})

    def loves(self, user_id: str) -> list[str]:
        """What was learned."""
        self.memory.trigger(user_id)
        found: list[str] = self.memory.recall(user_id).document["interests"]
        return found
