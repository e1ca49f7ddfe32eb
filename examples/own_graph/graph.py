"""A graph of your own: a node before the model that recalls, a node after it that remembers.

Will talks in one thread, is quiet for a second, and is known in the next two.
"""

import asyncio

from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import BaseModel, Field

from usermemory import Event, UserMemory
from usermemory.choice import choose
from usermemory.langgraph import UserInfo, acheckpointer, recall_node, remember_node

chosen = choose()


class Profile(BaseModel):
    """What is worth knowing of a user: any schema will do."""

    name: str | None = Field(None, description="The user's name, if they said it.")
    interests: list[str] = Field([], description="Sports, hobbies, beliefs and the like.")
    core_memories: list[str] = Field([], description="What else matters in their life.")


class State(MessagesState):
    """The conversation; and, for as long as a run takes, what is known of the user."""

    user_info: UserInfo


prompt = ChatPromptTemplate.from_messages(
    [
        ("system", "You are a helpful assistant with a memory of your users.\n\n{user_info}"),
        ("placeholder", "{messages}"),
    ]
)


def build(memory: UserMemory, saver):
    """The graph: recall, answer, remember."""
    recall = recall_node(memory)
    # From the state, or recalled anew where a run resumes or replays behind the recall.
    known = RunnablePassthrough.assign(user_info=RunnableLambda(recall.text, recall.atext))
    builder = StateGraph(State)
    builder.add_node("recall", recall)
    builder.add_node("bot", known | prompt | chosen.bot() | (lambda answer: {"messages": [answer]}))
    builder.add_node("remember", remember_node(memory))
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "bot")
    builder.add_edge("bot", "remember")
    builder.add_edge("remember", END)
    return builder.compile(checkpointer=saver)


async def chat(graph, text: str, thread_id: str, delay: float = 60.0) -> None:
    """One turn; its thread is read once it has been quiet for `delay` seconds."""
    print(f"will: {text}")
    run = {"configurable": {"user_id": "will", "thread_id": thread_id, "delay": delay}}
    async for state in graph.astream({"messages": [("user", text)]}, run, stream_mode="values"):
        last = state["messages"][-1]
    print(f"bot:  {last.text}")


async def main() -> None:
    """Three threads, as one would have them on three days."""
    print(chosen.notice or f"The bot is {chosen.name}.")
    loop, read = asyncio.get_running_loop(), asyncio.Event()

    def on_event(event: Event) -> None:  # called in the memory's own thread
        if event.kind in {"consolidated", "failed"}:
            loop.call_soon_threadsafe(read.set)

    async with (
        UserMemory("sqlite:///memory.db", Profile, chosen.model, on_event=on_event) as memory,
        await acheckpointer(memory) as saver,
    ):
        graph = build(memory, saver)
        print("\nconvo 1")
        await chat(graph, "Hi there, I'm will", "convo 1")
        await chat(graph, "I'm building long term memory for you!", "convo 1", delay=1)
        print("\n… quiet …")
        await read.wait()
        print((await memory.arecall("will")).render())
        print("\nconvo 2")
        await chat(graph, "Hi there. guess what i'm working on?", "convo 2")
        print("\nconvo 3")
        await chat(graph, "I been working! making some progress", "convo 3")
        await chat(graph, "Guess what i was working on? Remember?", "convo 3")


if __name__ == "__main__":
    asyncio.run(main())
