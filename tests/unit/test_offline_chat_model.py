"""The bot of the demo: it says what the profile in its system message says, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel

from usermemory.offline import OfflineChatModel
from usermemory.records import Recalled, Said
from usermemory.render import render
from usermemory.schema import UserProfile, schema_of


class Fan(BaseModel):
    """A profile of another shape."""

    favourite_team: str | None = None


WILL = {
    "name": "Will",
    "age": 31,
    "interests": ["bouldering", "jazz"],
    "core_memories": [
        "Is building long term memory for the assistant",
        "Their sister Ana lives in Rome",
    ],
}
NOBODY = "Be kind."


def memory(document: Mapping[str, Any], *elsewhere: str, source: Any = UserProfile) -> str:
    """The system message that a graph would make of this profile and these unread messages."""
    tail = tuple(Said("t", text, 1_767_268_800.0) for text in elsewhere)
    return (
        "Be kind.\n"
        + render(
            Recalled(document, 1, 1_767_268_800.0, len(tail), tail), schema_of(source), 1_000
        ).text
    )


def asked(text: str, system: str, *before: BaseMessage) -> str:
    """What the bot says to a text, with this system message."""
    return OfflineChatModel().invoke([SystemMessage(system), *before, HumanMessage(text)]).text


def test_it_answers_from_core_memories() -> None:
    """Asked to guess what one is working on, it says what the profile says."""
    reply = asked("Hi there. guess what i'm working on?", memory(WILL))
    assert reply == "I remember, Will: you are building long term memory for me."


def test_another_profile_gives_another_answer() -> None:
    """With other memories in the block the same question gets the other answer."""
    other = memory(WILL | {"core_memories": ["Is writing a cookbook"]})
    assert "you are writing a cookbook" in asked("guess what I'm working on", other)


def test_without_memory_it_knows_nothing() -> None:
    """An empty memory makes it say that it does not know."""
    assert asked("guess what i'm working on?", NOBODY).startswith("I don't know.")


def test_it_greets_by_name() -> None:
    """A greeting gets the name and something that is remembered."""
    assert asked("HI?", memory(WILL)).startswith("Hello, Will! Good to see you again")
    assert asked("hello", NOBODY) == "Hello!"


def test_it_knows_name_age_interests_and_relatives() -> None:
    """Each kind of thing in the profile can be asked for."""
    assert "your name is Will" in asked("What's my name?", memory(WILL))
    assert "you are 31" in asked("how old am I?", memory(WILL))
    assert "you like bouldering and jazz" in asked("what do I like?", memory(WILL))
    assert "your sister Ana lives in Rome" in asked("Where does my sister live?", memory(WILL))
    assert "bouldering" in asked("What do you know about me?", memory(WILL))


def test_fields_of_other_schemas_are_known_too() -> None:
    """A profile of another shape is read by its field names."""
    fan = memory({"favourite_team": "Brann & Co"}, source=Fan)
    assert "your favourite team is Brann & Co" in asked("what do you know about me?", fan)


def test_it_says_that_it_is_no_language_model() -> None:
    """Asked what it is, it says plainly that it is no language model."""
    for question in ("Are you an AI?", "are you a real language model?", "who are you?"):
        assert asked(question, memory(WILL)).startswith("I am no language model")


def test_it_notes_what_it_is_told() -> None:
    """A statement about oneself is taken up, with the name where that is new."""
    assert asked("Hi there, I'm will", NOBODY) == "Nice to meet you, Will!"
    assert asked("I'm learning Greek", memory(WILL)) == (
        "Good to know, Will. I will remember that you are learning Greek."
    )


def test_it_remembers_within_the_thread() -> None:
    """What was said earlier in the same thread is known, before any memory holds it."""
    before = (HumanMessage("Hi, I'm Nora"), AIMessage("Nice to meet you, Nora!"))
    assert "your name is Nora" in asked("what's my name?", NOBODY, *before)


def test_it_knows_what_was_said_elsewhere() -> None:
    """What stands in the block of unread messages of other threads is known as well."""
    system = memory({}, "I'm Bo", "I'm building a boat with my son")
    assert asked("guess what I'm working on?", system) == (
        "I remember, Bo: you are building a boat with your son."
    )


def test_small_talk_gets_a_plain_answer() -> None:
    """What it does not understand it does not pretend to."""
    assert asked("Sorry Im testing something!", memory(WILL)).startswith("I see, Will.")


def test_streaming_gives_the_same_words() -> None:
    """A stream is the reply word by word."""
    messages = [SystemMessage(memory(WILL)), HumanMessage("what's my name?")]
    model = OfflineChatModel()
    words = [chunk.text for chunk in model.stream(messages) if chunk.text]
    assert len(words) > 3
    assert "".join(words) == model.invoke(messages).text


async def test_async_calls_give_the_same_words() -> None:
    """Asynchronous calls and streams give the same reply."""
    messages = [SystemMessage(memory(WILL)), HumanMessage("what's my name?")]
    model = OfflineChatModel()
    expected = model.invoke(messages).text
    assert (await model.ainvoke(messages)).text == expected
    assert "".join([chunk.text async for chunk in model.astream(messages)]) == expected


TOOLS = [
    {"name": name, "description": name, "parameters": {"type": "object", "properties": {}}}
    for name in ("weather", "save_memory", "forget_memory")
]


def called(text: str, tools: list[dict[str, Any]], *after: BaseMessage) -> AIMessage:
    """What the bot does about a text when it has these tools."""
    said = [SystemMessage(memory(WILL)), HumanMessage(text), *after]
    model = OfflineChatModel().bind_tools(tools)
    whole, streamed = model.invoke(said), None
    for chunk in model.stream(said):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    assert streamed.text == whole.text
    made = [[(call["name"], call["args"]) for call in one.tool_calls] for one in (streamed, whole)]
    assert made[0] == made[1]
    return whole


def test_told_to_remember_it_saves() -> None:
    """With the memory's tool it saves what it is told to remember, with the words for it."""
    [call] = called("Please remember that I'm vegetarian", TOOLS).tool_calls
    assert call["name"] == "save_memory"
    [change] = call["args"]["changes"]
    assert (change["quote"], change["field"]) == ("I'm vegetarian", "core_memories")


def test_told_to_forget_it_erases() -> None:
    """With the memory's tool it erases the one thing that it is told to forget."""
    for text, field, value in (
        ("Forget that I like bouldering", "interests", "bouldering"),
        ("please forget my age", "age", None),
        ("Forget about my sister", "core_memories", WILL["core_memories"][1]),
    ):
        [call] = called(text, TOOLS).tool_calls
        assert call["name"] == "forget_memory"
        assert call["args"] == {"quote": text, "field": field, "value": value}


def test_it_calls_nothing_else() -> None:
    """Statements, questions, what it does not know, and other tools are no reason for a call."""
    for text in ("I'm vegetarian", "Do you remember that I'm vegetarian?", "Forget it"):
        assert not called(text, TOOLS).tool_calls
    assert not called("Remember that I'm vegetarian", TOOLS[:1]).tool_calls


def test_it_tells_what_a_tool_did() -> None:
    """After a call it says what the tool answered, and calls it no second time."""
    text = "Remember that I'm vegetarian"
    calling = called(text, TOOLS)
    about = {"tool_call_id": calling.tool_calls[0]["id"]}
    for answer, words in (
        (ToolMessage("saved: vegetarian", name="save_memory", **about), "Done: saved: vegetarian"),
        (ToolMessage("erased: x", name="forget_memory", **about), "Done: it is forgotten."),
        (ToolMessage("no quote", status="error", **about), "That did not work: no quote"),
    ):
        told = called(text, TOOLS, calling, answer)
        assert told.text == words
        assert not told.tool_calls
