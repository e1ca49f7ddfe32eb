"""Memory in a LangGraph graph: nodes, a ready chatbot, and savers on the memory's database.

    memory = UserMemory("sqlite:///memory.db")
    with checkpointer(memory) as saver:
        bot = create_chatbot(memory, model, checkpointer=saver)
        bot.invoke(
            {"messages": [("user", "Hi, I'm Will")]},
            {"configurable": {"thread_id": "1"}},
            context={"user_id": "will"},
        )

All of it works in sync and in async graphs.
"""

# This folder is the only one that imports langgraph.

from usermemory.langgraph.backfilling import Backfilled, BackfilledThread, backfill
from usermemory.langgraph.chatbot import create_chatbot
from usermemory.langgraph.identity import FindUser
from usermemory.langgraph.langmem import import_langmem
from usermemory.langgraph.nodes import OnError, UserInfo, recall_node, remember_node
from usermemory.langgraph.profile_store import ProfileStore
from usermemory.langgraph.savers import AsyncSaver, Saver, acheckpointer, checkpointer

__all__ = [
    "AsyncSaver",
    "Backfilled",
    "BackfilledThread",
    "FindUser",
    "OnError",
    "ProfileStore",
    "Saver",
    "UserInfo",
    "acheckpointer",
    "backfill",
    "checkpointer",
    "create_chatbot",
    "import_langmem",
    "recall_node",
    "remember_node",
]
