"""A bot for LangGraph's server: memory and graph at module level, threads kept by the server."""

from usermemory import UserMemory
from usermemory.choice import choose
from usermemory.langgraph import create_chatbot

chosen = choose()
print(chosen.notice or f"The bot is {chosen.name}.")

memory = UserMemory("sqlite:///memory.db", model=chosen.model)  # opened by its first use
graph = create_chatbot(memory, chosen.bot())  # the server brings the checkpointer
