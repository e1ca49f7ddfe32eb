"""An agent with tools: its own, and the memory's for what the user wants remembered at once."""

import sys
from uuid import uuid4

from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool

from usermemory import UserMemory
from usermemory.choice import choose
from usermemory.langgraph import UserMemoryMiddleware, checkpointer, memory_tools

PROMPT = "You help the guests of the hotel Seeblick. Use your tools; don't guess."

user_id = sys.argv[1] if len(sys.argv) > 1 else "will"
chosen = choose()
print(chosen.notice or f"You are talking to {chosen.name}.")


@tool
def breakfast() -> str:
    """What there is for breakfast, and when."""
    return "From 7 to 10: bread, eggs, ham, and a vegan corner."


def confirmed(erasure) -> bool:
    """Ask the user here, by a button say: an erasure cannot be undone."""
    print(f"  (confirmed: erase from {erasure.field})")
    return True


with UserMemory("sqlite:///memory.db", model=chosen.model) as memory, checkpointer(memory) as saver:
    agent = create_agent(
        chosen.bot(),
        tools=[breakfast, *memory_tools(memory, confirm=confirmed)],
        system_prompt=PROMPT,
        # Recalls before the first call of the model, remembers what was said, in the background.
        middleware=[UserMemoryMiddleware(memory)],
        checkpointer=saver,
    )
    run = {"configurable": {"user_id": user_id, "thread_id": str(uuid4())}}
    for line in filter(str.strip, sys.stdin):
        said = {"messages": [("user", line.strip())]}
        for step in agent.stream(said, run, stream_mode="updates"):
            for update in step.values():
                for message in (update or {}).get("messages", ()):
                    if isinstance(message, ToolMessage):
                        print(f"  {message.name}: {message.text}")
                    elif message.type == "ai" and message.text:
                        print("bot:", message.text)
