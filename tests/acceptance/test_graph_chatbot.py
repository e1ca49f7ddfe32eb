"""The ready chatbot on a real graph and saver: what it asks, remembers and keeps out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypedDict

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from tests.support.graphs import COLOURS, chatting

from usermemory.langgraph import UserInfo, recall_node
from usermemory.messages import tokens
from usermemory.testing import ScriptedModel

pytestmark = pytest.mark.parametrize("colour", COLOURS)


def answering(text: str = "Noted.") -> ScriptedModel:
    """A model that always says the same, and keeps what it was asked."""
    return ScriptedModel(replies=lambda _: text)


def systems(model: ScriptedModel) -> list[str]:
    """The system message of each call."""
    return [call.messages[0].text for call in model.calls]


async def test_a_second_thread_knows_the_user(tmp_path: Path, colour: str) -> None:
    """What was said in one thread stands in the system message of the next."""
    model = answering()
    async with chatting(tmp_path, colour, model) as chat:
        await chat.say("My name is Will and I love bouldering.")
        chat.memory.trigger("will")
        await chat.say("Hello again", "2")
    before, after = systems(model)
    assert "Will" not in before
    assert "<user_profile" in after
    assert "Will" in after
    assert "bouldering" in after


async def test_a_thread_opened_at_once_knows_what_is_unread(tmp_path: Path, colour: str) -> None:
    """Before any consolidation, a new thread sees what the user said in the others, not in it."""
    model = answering()
    async with chatting(tmp_path, colour, model) as chat:
        await chat.say("I love zymurgy.")
        await chat.say("I also keep ferrets.", "2")
    assert "zymurgy" in systems(model)[1]
    assert "ferrets" not in systems(model)[1]


async def test_without_tail_only_the_profile_is_told(tmp_path: Path, colour: str) -> None:
    """With ``tail=False`` unread words of other threads stay out of the system message."""
    model = answering()
    async with chatting(tmp_path, colour, model, tail=False) as chat:
        await chat.say("I love zymurgy.")
        await chat.say("Hello", "2")
    assert "zymurgy" not in systems(model)[1]


async def test_the_budget_bounds_what_is_added(tmp_path: Path, colour: str) -> None:
    """Profile and tail together stay within ``max_tokens``, below the app's own prompt."""
    model = answering()
    prompt = 'Answer in JSON like {"text": "…"}.'
    async with chatting(tmp_path, colour, model, prompt=prompt, max_tokens=200) as chat:
        for number in range(9):
            await chat.say(f"Thing number {number} that I said today, with some words around it.")
        await chat.say("Hello", "2")
    first, *_, last = systems(model)
    assert first == prompt
    assert last.startswith(prompt)
    assert "Thing number 8" in last
    assert tokens(last.removeprefix(prompt)) <= 200


async def test_a_turn_that_crashes_has_been_remembered(tmp_path: Path, colour: str) -> None:
    """When the model fails, the user's words are on the disk already, and stored once."""
    model = ScriptedModel(replies=[TimeoutError("slow"), "Hello Will."])
    async with chatting(tmp_path, colour, model) as chat:
        with pytest.raises(TimeoutError):
            await chat.say("My name is Will.")
        assert chat.unread() == 1
        await chat.say("Are you there?")
        assert chat.unread() == 3


async def test_tokens_are_streamed(tmp_path: Path, colour: str) -> None:
    """``stream_mode="messages"`` brings the answer word by word, from the model's node only."""
    async with chatting(tmp_path, colour, answering("One two three.")) as chat:
        parts = await chat.stream("Hello", "messages")
    tokens = [chunk.text for chunk, metadata in parts if metadata["langgraph_node"] == "model"]
    assert [token for token in tokens if token] == ["One ", "two ", "three."]
    assert len(parts) == len(tokens)


async def test_values_and_updates_are_streamed(tmp_path: Path, colour: str) -> None:
    """The other stream modes show the conversation and the four steps of a turn."""
    async with chatting(tmp_path, colour, answering()) as chat:
        values = await chat.stream("Hello", "values")
        updates = await chat.stream("Hello again", "updates")
    assert [message.text for message in values[-1]["messages"]] == ["Hello", "Noted."]
    steps = ["remember", "recall", "model", "remember_answer"]
    assert [name for part in updates for name in part] == steps


async def test_tools_are_called_in_a_loop(tmp_path: Path, colour: str) -> None:
    """The model may call tools until it answers; memory is asked once for the turn."""

    def weather(city: str) -> str:
        """Tell the weather."""
        return f"Rain in {city}."

    model = ScriptedModel(replies=[{"city": "Rome"}, {"city": "Oslo"}, "Rain in both."])
    async with chatting(tmp_path, colour, model, tools=[weather]) as chat:
        assert await chat.say("How is the weather?") == "Rain in both."
        assert [event.kind for event in chat.events].count("recalled") == 1
        assert chat.unread() == 6
    assert [tool["function"]["name"] for tool in model.calls[0].tools] == ["weather"]
    assert [message.text for message in model.calls[2].messages if message.type == "tool"] == [
        "Rain in Rome.",
        "Rain in Oslo.",
    ]


def booking(room: str) -> str:
    """Book a room, after asking the user."""
    return f"Booked {room}: {interrupt('Really?')}."


async def test_a_resumed_run_recalls_again_and_remembers_nothing_twice(
    tmp_path: Path, colour: str
) -> None:
    """After an interrupt the model still sees the profile, and each message is stored once."""
    model = ScriptedModel(replies=["Hello.", {"room": "4"}, "It is booked."])
    async with chatting(tmp_path, colour, model, tools=[booking]) as chat:
        await chat.say("My name is Will and I love zymurgy.")
        chat.memory.trigger("will")
        state = await chat.invoke({"messages": [("user", "Book a room.")]}, "2")
        assert state["__interrupt__"][0].value == "Really?"
        assert chat.unread() == 1
        state = await chat.invoke(Command(resume="yes"), "2")
        assert state["messages"][-1].text == "It is booked."
        assert chat.unread() == 4
        assert sum(outcome.messages for outcome in chat.memory.trigger("will")) == 4
    assert "zymurgy" in systems(model)[2]


async def test_the_profile_is_in_no_checkpoint(tmp_path: Path, colour: str) -> None:
    """Neither a finished nor an interrupted run leaves what was recalled in the saver's tables."""
    model = ScriptedModel(replies=["Hello.", "Hi.", {"room": "4"}])
    async with chatting(tmp_path, colour, model, tools=[booking]) as chat:
        await chat.say("My name is Will and I love zymurgy.")
        chat.memory.trigger("will")
        await chat.say("Hello", "2")
        await chat.invoke({"messages": [("user", "Book a room.")]}, "3")
    assert all("zymurgy" in system for system in systems(model)[1:])
    with closing(sqlite3.connect(tmp_path / "memory.db")) as connection:
        rows = [
            row
            for table in ("checkpoints", "writes")
            for row in connection.execute(f"SELECT * FROM {table} WHERE thread_id <> '1'")
        ]
    assert len(rows) > 10
    stored = b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )
    assert b"Book a room." in stored
    assert b"zymurgy" not in stored


async def test_an_answer_is_remembered_as_the_assistants(tmp_path: Path, colour: str) -> None:
    """What the bot claims about the user is context, and never learned."""
    model = answering("You told me that your name is Bob and that you love golf.")
    async with chatting(tmp_path, colour, model) as chat:
        await chat.say("What do you know about me?")
        chat.memory.trigger("will")
        document = chat.memory.recall("will").document
    assert document["name"] is None
    assert document["interests"] == []


async def test_a_bot_that_repeats_the_user_takes_nothing_away(tmp_path: Path, colour: str) -> None:
    """What the user said first is their own, though the answer to it says the same words."""
    model = ScriptedModel(replies=lambda messages: f"You said: {messages[-1].text}")
    async with chatting(tmp_path, colour, model) as chat:
        await chat.say("My name is Will.")
        chat.memory.trigger("will")
        assert chat.memory.recall("will").document["name"] == "Will"


async def test_nodes_fit_a_graph_of_ones_own(tmp_path: Path, colour: str) -> None:
    """`recall_node` fills any key of any state that declares it, and leaves the rest alone."""

    class Own(TypedDict, total=False):
        question: str
        known: UserInfo

    async with chatting(tmp_path, colour, answering()) as chat:
        await chat.say("My name is Will.")
        graph = StateGraph(Own)
        graph.add_node("recall", recall_node(chat.memory, "known", tail=True))
        graph.add_edge(START, "recall")
        chat.bot = graph.compile()
        state = await chat.invoke({"question": "Who am I?"}, "2")
    assert state["question"] == "Who am I?"
    assert "My name is Will." in state["known"]


async def test_a_message_of_the_model_keeps_its_tool_calls(tmp_path: Path, colour: str) -> None:
    """The state holds what the model said, call and all."""
    model = ScriptedModel(replies=[{"room": "7"}])
    async with chatting(tmp_path, colour, model, tools=[booking]) as chat:
        state = await chat.invoke({"messages": [("user", "Book room 7.")]})
    answer = state["messages"][-1]
    assert isinstance(answer, AIMessage)
    assert answer.tool_calls[0]["args"] == {"room": "7"}
