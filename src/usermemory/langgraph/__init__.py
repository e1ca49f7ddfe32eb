"""Memory in a LangGraph graph: nodes, a ready chatbot, and savers on the memory's database.

    memory = UserMemory("sqlite:///memory.db")
    with checkpointer(memory) as saver:
        bot = create_chatbot(memory, model, checkpointer=saver)
        bot.invoke(
            {"messages": [("user", "Hi, I'm Will")]},
            {"configurable": {"thread_id": "1"}},
            context={"user_id": "will"},
        )

All of it works in sync and in async graphs. In an agent of ``create_agent``, `UserMemoryMiddleware`
does the same; `memory_tools` let any agent save and forget at once.
"""

# This folder is the only one that imports langgraph, and langchain only for the middleware.

from importlib import import_module
from typing import TYPE_CHECKING, Any

from usermemory.errors import ConfigurationError
from usermemory.langgraph.chatbot import create_chatbot
from usermemory.langgraph.identity import FindUser
from usermemory.langgraph.nodes import OnError, UserInfo, recall_node, remember_node
from usermemory.langgraph.savers import AsyncSaver, Saver, acheckpointer, checkpointer
from usermemory.langgraph.tools import memory_tools

if TYPE_CHECKING:
    from usermemory.extras.backfill import Backfilled, BackfilledThread, backfill
    from usermemory.extras.importing.sources import import_langmem
    from usermemory.extras.profile_store import ProfileStore
    from usermemory.langgraph.middleware import UserMemoryMiddleware

__all__ = [
    "AsyncSaver",
    "Backfilled",
    "BackfilledThread",
    "FindUser",
    "OnError",
    "ProfileStore",
    "Saver",
    "UserInfo",
    "UserMemoryMiddleware",
    "acheckpointer",
    "backfill",
    "checkpointer",
    "create_chatbot",
    "import_langmem",
    "memory_tools",
    "recall_node",
    "remember_node",
]


_EXTRAS = {
    "Backfilled": "backfill",
    "BackfilledThread": "backfill",
    "ProfileStore": "profile_store",
    "backfill": "backfill",
    "import_langmem": "importing.sources",
}
"""What most applications do without, loaded when it is first used."""


def __getattr__(name: str) -> Any:
    if name in _EXTRAS:
        return getattr(import_module(f"usermemory.extras.{_EXTRAS[name]}"), name)
    if name != "UserMemoryMiddleware":
        raise AttributeError(f"module 'usermemory.langgraph' has no attribute {name!r}")
    try:
        from usermemory.langgraph.middleware import UserMemoryMiddleware
    except ImportError as error:
        raise ConfigurationError(
            f"UserMemoryMiddleware needs a package that is missing ({error}): pip install "
            "'usermemory[agents]'"
        ) from error
    return UserMemoryMiddleware
