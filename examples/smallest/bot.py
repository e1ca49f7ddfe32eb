"""The smallest bot: a conversation in the terminal, in a new thread each time it is started."""

import sys
from uuid import uuid4

from usermemory import UserMemory
from usermemory.choice import choose
from usermemory.langgraph import checkpointer, create_chatbot

user_id = sys.argv[1] if len(sys.argv) > 1 else "will"
chosen = choose()
print(chosen.notice or f"You are talking to {chosen.name}.")

with UserMemory("sqlite:///memory.db", model=chosen.model) as memory, checkpointer(memory) as saver:
    bot = create_chatbot(memory, chosen.bot(), checkpointer=saver)
    run = {"configurable": {"user_id": user_id, "thread_id": str(uuid4())}}
    for line in filter(str.strip, sys.stdin):
        state = bot.invoke({"messages": [("user", line.strip())]}, run)
        print("bot:", state["messages"][-1].text)
    memory.trigger(user_id)  # now, since the program ends; else after a quiet minute
