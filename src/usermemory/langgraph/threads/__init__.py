"""The threads that a LangGraph checkpointer holds: which there are, who spoke in them and when."""

from usermemory.langgraph.threads.history import (
    FindSpeaker,
    Told,
    WhoseRun,
    messages_in,
    told,
    whose,
)
from usermemory.langgraph.threads.listing import thread_ids

__all__ = ["FindSpeaker", "Told", "WhoseRun", "messages_in", "thread_ids", "told", "whose"]
