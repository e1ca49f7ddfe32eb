"""The ready chatbot on a real graph and saver: what it asks, remembers and keeps out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.channels import UntrackedValue
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import tools_condition
from langgraph.types import Command, interrupt
from tests.support.graphs import COLOURS, chatting

from usermemory.langgraph import UserInfo, recall_node
from usermemory.testing import ScriptedModel
from usermemory.text import tokens

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
    """The other stream modes show the conversation, and a turn as one step."""
    async with chatting(tmp_path, colour, answering()) as chat:
        values = await chat.stream("Hello", "values")
        updates = await chat.stream("Hello again", "updates")
    assert [message.text for message in values[-1]["messages"]] == ["Hello", "Noted."]
    assert [name for part in updates for name in part] == ["model"]


@pytest.mark.parametrize(
    "mode", ["values", "updates", "messages", "tasks", "debug", "checkpoints", "custom"]
)
async def test_the_profile_is_in_no_stream(tmp_path: Path, colour: str, mode: str) -> None:
    """What is known of the user, and what they said elsewhere, shows in the prompt alone."""
    model = answering()
    async with chatting(tmp_path, colour, model, InMemorySaver()) as chat:
        chat.memory.edit("will", {"name": "Wilhelmina"}, by="test")
        chat.memory.remember("will", "elsewhere", [("user", "I quit my job")])
        seen = str(await chat.stream("Hello", mode))
        assert "Wilhelmina" in str(model.calls[0].messages)
        assert "I quit my job" in str(model.calls[0].messages)
    assert "Wilhelmina" not in seen
    assert "I quit my job" not in seen


@pytest.mark.parametrize("stopped", ["remember", "recall", "model", "tools", "remember_answer"])
async def test_threads_of_version_0_1_go_on(tmp_path: Path, colour: str, stopped: str) -> None:
    """A thread that stopped before any node of the graph as it was goes on in that of today."""

    def lookup(what: str) -> str:
        """Look something up."""
        return f"{what} found"

    saver = InMemorySaver()
    replies: list[Any] = ["It is found."]
    if stopped in {"remember", "recall", "model"}:
        replies = [{"what": "it"}, *replies]
    async with chatting(
        tmp_path, colour, ScriptedModel(replies=replies), saver, tools=[lookup]
    ) as chat:
        config: Any = {"configurable": {"user_id": "will", "thread_id": "old"}}
        as_it_was(saver, stopped).invoke({"messages": [("user", "Look it up")]}, config)
        assert chat.bot.get_state(config).next == (stopped,)
        done = await invoked(chat, colour, None, config)
        assert done["messages"][-1].text in {"It is found.", "Here it is."}
        assert chat.bot.get_state(config).next == ()
        assert "Look it up" in [one.text for one in chat.memory.recall("will", tail=True).tail]


async def invoked(chat: Any, colour: str, given: Any, config: Any) -> Any:
    """One run of the graph."""
    if colour == "sync":
        return chat.bot.invoke(given, config)
    return await chat.bot.ainvoke(given, config)


class AsItWas(MessagesState):
    user_info: Annotated[str, UntrackedValue]


def as_it_was(saver: Any, stopped: str) -> Any:
    """The nodes and the edges of version 0.1; it stops before one of them."""
    call = {"name": "lookup", "args": {"what": "it"}, "id": "c1", "type": "tool_call"}
    said = AIMessage("", tool_calls=[call]) if stopped == "tools" else AIMessage("Here it is.")
    graph = StateGraph(AsItWas, input_schema=MessagesState, output_schema=MessagesState)
    graph.add_node("remember", lambda _: {})
    graph.add_node("recall", lambda _: {"user_info": "nothing"})
    graph.add_node("model", lambda _: {"messages": [said]})
    graph.add_node("tools", lambda _: {})
    graph.add_node("remember_answer", lambda _: {})
    for one, other in pairwise([START, "remember", "recall", "model"]):
        graph.add_edge(one, other)
    graph.add_conditional_edges(
        "model", tools_condition, {"tools": "tools", END: "remember_answer"}
    )
    graph.add_edge("tools", "model")
    graph.add_edge("remember_answer", END)
    return graph.compile(checkpointer=saver, interrupt_before=[stopped])


async def test_a_tool_that_raises(tmp_path: Path, colour: str) -> None:
    """The model is told of it, without secrets, and the thread goes on."""

    def lookup(what: str) -> str:
        """Look something up."""
        raise TimeoutError(f"{what}: password=hunter2x was refused")

    model = ScriptedModel(replies=[{"what": "it"}, "Sorry.", "Hello."])
    async with chatting(tmp_path, colour, model, InMemorySaver(), tools=[lookup]) as chat:
        assert await chat.say("Look it up") == "Sorry."
        assert await chat.say("Hello?") == "Hello."
    (result,) = [one for one in model.calls[1].messages if one.type == "tool"]
    assert result.text.startswith("The tool failed with TimeoutError: it: password=")
    assert "hunter2x" not in result.text


async def test_a_call_that_was_never_answered(tmp_path: Path, colour: str) -> None:
    """A thread that a crash left with an open call is told to the model with an answer to it."""

    def lookup(what: str) -> str:
        """Look something up."""
        return what

    model = ScriptedModel(replies=["Hello."])
    saver = InMemorySaver()
    async with chatting(tmp_path, colour, model, saver, tools=[lookup]) as chat:
        config: Any = {"configurable": {"user_id": "will", "thread_id": "old"}}
        call = {"name": "lookup", "args": {"what": "it"}, "id": "c1", "type": "tool_call"}
        open_call = [HumanMessage("Look it up", id="1"), AIMessage("", id="2", tool_calls=[call])]
        chat.bot.update_state(config, {"messages": open_call}, as_node="remember_answer")
        ask = {"messages": [("user", "Hello?")]}
        done = await invoked(chat, colour, ask, config)
    assert done["messages"][-1].text == "Hello."
    kinds = [one.type for one in model.calls[0].messages]
    assert kinds == ["system", "human", "ai", "tool", "human"]
    assert "cut off" in model.calls[0].messages[3].text


class Crash(BaseException):
    """What no tool node catches, as the end of a process is."""


def looking(*ids: str | None) -> AIMessage:
    """A message of a model that calls one tool, once for each id."""
    calls: list[Any] = [{"name": "lookup", "args": {"what": "it"}, "id": one} for one in ids]
    return AIMessage("", tool_calls=calls)


def well_formed(messages: list[Any]) -> bool:
    """Whether each call has exactly one answer behind it, as providers demand."""
    open_calls: list[str | None] = []
    for one in messages:
        if one.type == "tool":
            if one.tool_call_id not in open_calls:
                return False
            open_calls.remove(one.tool_call_id)
        elif open_calls:
            return False
        if one.type == "ai":
            open_calls = [call["id"] for call in (*one.tool_calls, *one.invalid_tool_calls)]
    return not open_calls


@pytest.mark.parametrize("ids", [(None,), ("", None), ("call_0", "call_0"), ("call_0",)])
async def test_calls_without_an_id_of_their_own(
    tmp_path: Path, colour: str, ids: tuple[str | None, ...]
) -> None:
    """No id, or one that was used before, in a thread that a crash left with an open call."""
    down = [True]

    def lookup(what: str) -> str:
        """Look something up."""
        if down.pop():
            raise Crash
        return what

    replies = iter([looking(*ids), looking(*ids), "Here.", looking(*ids), "Again.", "Bye."])
    model = ScriptedModel(replies=lambda _: next(replies))
    async with chatting(tmp_path, colour, model, InMemorySaver(), tools=[lookup]) as chat:
        with pytest.raises(Crash):
            await chat.say("Look it up")
        down += [False] * 9
        assert await chat.say("Look again") == "Here."
        assert await chat.say("And again") == "Again."
        assert await chat.say("Goodbye") == "Bye."
    assert all(well_formed(call.messages) for call in model.calls)
    cut_off = [one.text for one in model.calls[-1].messages if "cut off" in one.text]
    assert len(cut_off) == len(ids)


async def test_calls_that_no_tool_is_asked(tmp_path: Path, colour: str) -> None:
    """A call whose arguments are no JSON, an answer to no call, and one far behind its call."""

    def lookup(what: str) -> str:
        """Look something up."""
        return what

    broken: Any = {"name": "lookup", "args": "{", "id": "c1", "error": None}
    left: list[Any] = [
        HumanMessage("Look it up"),
        AIMessage("", invalid_tool_calls=[broken]),
        ToolMessage("A stranger's", tool_call_id="c9"),
        looking("c2"),
        HumanMessage("Never mind"),
        ToolMessage("It", tool_call_id="c2"),
        AIMessage("Well."),
    ]
    model = ScriptedModel(replies=["Hello."])
    async with chatting(tmp_path, colour, model, InMemorySaver(), tools=[lookup]) as chat:
        config: Any = {"configurable": {"user_id": "will", "thread_id": "old"}}
        chat.bot.update_state(config, {"messages": left}, as_node="remember_answer")
        await invoked(chat, colour, {"messages": [("user", "Hello?")]}, config)
    (asked,) = model.calls
    assert well_formed(asked.messages)
    assert [one.text for one in asked.messages if one.type == "tool"][1:] == ["It"]


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
