"""The middleware in agents of ``create_agent``: what it asks, remembers and keeps out."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentState,
    HumanInTheLoopMiddleware,
    ModelRetryMiddleware,
    PIIMiddleware,
    SummarizationMiddleware,
    before_model,
)
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command, StreamMode
from tests.support.agents import PROMPT, answering, chatting_agent, systems
from tests.support.graphs import COLOURS, Chat

from usermemory.langgraph import UserMemoryMiddleware
from usermemory.testing import ScriptedModel
from usermemory.text import tokens

pytestmark = pytest.mark.parametrize("colour", COLOURS)


def weather(city: str) -> str:
    """Tell the weather."""
    return f"Rain in {city}."


async def introduced(chat: Chat) -> None:
    """A user whose profile says that he is Will and loves zymurgy; nothing is unread."""
    await chat.say("My name is Will and I love zymurgy.")
    chat.memory.trigger("will")
    chat.events.clear()


def stored(folder: Path) -> bytes:
    """All that the saver's tables hold of threads other than the first."""
    with closing(sqlite3.connect(folder / "memory.db")) as connection:
        rows = [
            row
            for table in ("checkpoints", "writes")
            for row in connection.execute(f"SELECT * FROM {table} WHERE thread_id <> '1'")
        ]
    assert len(rows) > 10
    return b"".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )


def inbox(folder: Path, thread_id: str) -> list[tuple[str, str]]:
    """Author and text of what is unread in a thread, in order."""
    statement = (
        "SELECT author, text FROM usermemory_inbox "
        "WHERE thread_id = ? AND state = 'unread' ORDER BY position, part"
    )
    with closing(sqlite3.connect(folder / "memory.db")) as connection:
        return list(connection.execute(statement, (thread_id,)))


async def test_a_second_thread_knows_the_user(tmp_path: Path, colour: str) -> None:
    """What was said in one thread stands below the agent's prompt in the next."""
    model = answering()
    async with chatting_agent(tmp_path, colour, model) as chat:
        await introduced(chat)
        await chat.say("Hello again", "2")
    before, after = systems(model)
    assert before == PROMPT
    assert after.startswith(f"{PROMPT}\n\n")
    assert "zymurgy" in after


async def test_a_prompt_in_blocks_keeps_its_blocks(tmp_path: Path, colour: str) -> None:
    """The profile is a block behind those of the prompt, whose cache marks stay."""
    block = {"type": "text", "text": PROMPT, "cache_control": {"type": "ephemeral"}}
    model = answering()
    async with chatting_agent(tmp_path, colour, model, prompt=SystemMessage([block])) as chat:
        await introduced(chat)
        await chat.say("Hello again", "2")
    first, second = model.calls[1].messages[0].content
    assert first == block
    assert isinstance(second, dict)
    assert "zymurgy" in second["text"]


async def test_an_agent_without_a_prompt_gets_one(tmp_path: Path, colour: str) -> None:
    """Where the agent has no system prompt, what is known of the user is all of it."""
    model = answering()
    async with chatting_agent(tmp_path, colour, model, prompt=None) as chat:
        await introduced(chat)
        await chat.say("Hello again", "2")
    assert systems(model)[0] == ""
    assert "zymurgy" in systems(model)[1]


async def test_tail_and_budget(tmp_path: Path, colour: str) -> None:
    """Unread words of other threads are told within ``max_tokens``, or not at all."""
    model = answering()
    async with chatting_agent(tmp_path, colour, model, max_tokens=200) as chat:
        for number in range(9):
            await chat.say(f"Thing number {number} that I said today, with some words around it.")
        await chat.say("Hello", "2")
        assert "Thing number 8" in systems(model)[-1]
        assert tokens(systems(model)[-1].removeprefix(PROMPT)) <= 200
        chat.bot = create_agent(model, middleware=[UserMemoryMiddleware(chat.memory, tail=False)])
        await chat.say("Hello", "3")
    assert systems(model)[-1] == ""


async def test_memory_is_asked_once_a_run(tmp_path: Path, colour: str) -> None:
    """However often the model is called in a run, it is told the same, and recalled once."""
    model = ScriptedModel(replies=["Hi.", {"city": "Rome"}, {"city": "Oslo"}, "Rain.", "Bye."])
    async with chatting_agent(tmp_path, colour, model, tools=[weather]) as chat:
        await introduced(chat)
        await chat.say("How is the weather?", "2")
        assert [event.kind for event in chat.events].count("recalled") == 1
        await chat.say("Thanks.", "2")
        assert [event.kind for event in chat.events].count("recalled") == 2
    told = set(systems(model)[1:4])
    assert len(told) == 1
    assert "zymurgy" in told.pop()


async def test_the_user_is_heard_before_the_model_and_the_answer_after(
    tmp_path: Path, colour: str
) -> None:
    """When the model fails, the user's words are on the disk already, and stored once."""
    model = ScriptedModel(replies=[TimeoutError("slow"), "Hello Will."])
    async with chatting_agent(tmp_path, colour, model) as chat:
        with pytest.raises(TimeoutError):
            await chat.say("My name is Will.")
        assert inbox(tmp_path, "1") == [("user", "My name is Will.")]
        await chat.say("Are you there?")
        assert [author for author, _ in inbox(tmp_path, "1")] == ["user", "user", "assistant"]


async def test_a_model_that_is_asked_again_is_told_the_same(tmp_path: Path, colour: str) -> None:
    """Middleware around ours that retries the call costs no second recall."""
    model = ScriptedModel(replies=["Hi.", TimeoutError("slow"), "Hello."])
    retrying = ModelRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False)
    async with chatting_agent(tmp_path, colour, model, others=[retrying]) as chat:
        await introduced(chat)
        assert await chat.say("Hello?", "2") == "Hello."
        assert [event.kind for event in chat.events].count("recalled") == 1
        assert chat.unread() == 2
    assert systems(model)[1] == systems(model)[2]


@pytest.mark.parametrize("mode", get_args(StreamMode))
async def test_streams_show_nothing_of_the_profile(tmp_path: Path, colour: str, mode: Any) -> None:
    """Every stream mode brings the agent's own steps, and nothing that was recalled."""
    model = answering("One two three.")
    async with chatting_agent(tmp_path, colour, model) as chat:
        await introduced(chat)
        parts = await chat.stream("Hello", mode, "2")
    assert "zymurgy" in systems(model)[1]
    assert "zymurgy" not in repr(parts)
    if mode == "messages":
        texts = [chunk.text for chunk, _ in parts if chunk.text]
        assert texts == ["One ", "two ", "three."]
    if mode == "updates":
        ours = ["UserMemoryMiddleware.before_agent", "UserMemoryMiddleware.after_agent"]
        assert [name for part in parts for name in part] == [ours[0], "model", ours[1]]


@pytest.mark.parametrize("ours_first", [True, False])
async def test_all_streams_at_once_show_nothing_of_the_profile(
    tmp_path: Path, ours_first: bool, colour: str
) -> None:
    """Nor do they with tools and sub-graphs, of the profile or of what was said elsewhere."""
    model = ScriptedModel(replies=["Hi.", {"city": "Rome"}, "It rains.", {"city": "Oslo"}, "Too."])
    async with chatting_agent(
        tmp_path, colour, model, tools=[weather], ours_first=ours_first
    ) as chat:
        await introduced(chat)
        chat.memory.remember("will", "elsewhere", [("user", "I quit my job")])
        modes: Any = list(get_args(StreamMode))
        parts = await chat.stream("And Rome?", modes, "2", subgraphs=True)
        parts += await chat.stream("And Oslo?", modes, "2", subgraphs=True)
    assert {mode for _, mode, _ in parts} >= {*modes} - {"custom"}
    assert len(systems(model)) == 5
    for told in ("zymurgy", "I quit my job"):
        assert all(told in system for system in systems(model)[1:])
        assert told not in repr(parts)


REVIEW = HumanInTheLoopMiddleware(interrupt_on={"weather": True})
APPROVED: Any = Command(resume={"decisions": [{"type": "approve"}]})


async def test_a_resumed_run_recalls_again_and_remembers_nothing_twice(
    tmp_path: Path, colour: str
) -> None:
    """After an approval the model sees the profile of now, and each message is stored once."""
    model = ScriptedModel(
        replies=["Hi.", {"city": "Rome"}, {"city": "Oslo"}, "Hello, chess player.", "It rains."]
    )
    async with chatting_agent(tmp_path, colour, model, tools=[weather], others=[REVIEW]) as chat:
        await introduced(chat)
        state = await chat.invoke({"messages": [("user", "How is the weather?")]}, "2")
        assert state["__interrupt__"]
        assert inbox(tmp_path, "2") == [("user", "How is the weather?")]
        state = await chat.invoke(APPROVED, "2")
        assert state["__interrupt__"]
        await chat.say("I love chess.", "3")
        chat.memory.trigger("will", "3")
        chat.events.clear()
        state = await chat.invoke(APPROVED, "2")
        assert state["messages"][-1].text == "It rains."
        assert [event.kind for event in chat.events].count("recalled") == 1
        authors = ["user", "assistant", "tool", "assistant", "tool", "assistant"]
        assert [author for author, _ in inbox(tmp_path, "2")] == authors
    told = systems(model)
    assert "zymurgy" in told[2]
    assert "chess" not in told[2]
    assert "chess" in told[4]


async def test_what_a_run_was_told_goes_with_it(tmp_path: Path, colour: str) -> None:
    """Neither a finished, a failed nor an interrupted run leaves a profile in memory."""
    # A failure that was kept would keep its frames, and all that they know.
    replies = iter([lambda: "Hello.", lambda: TimeoutError("slow"), lambda: {"city": "Rome"}])
    async with chatting_agent(tmp_path, colour, answering()) as chat:
        await introduced(chat)
        ours = UserMemoryMiddleware(chat.memory)
        model = ScriptedModel(replies=lambda _: next(replies)())
        chat.bot = create_agent(
            model, [weather], middleware=[REVIEW, ours], checkpointer=InMemorySaver()
        )
        await chat.say("Hello", "2")
        with pytest.raises(TimeoutError):
            await chat.say("Hello", "3")
        state = await chat.invoke({"messages": [("user", "How is the weather?")]}, "4")
        assert state["__interrupt__"]
    assert all("zymurgy" in system for system in systems(model))
    gc.collect()
    assert len(ours._told._kept) == 0


async def test_what_is_known_is_in_no_state(tmp_path: Path, colour: str) -> None:
    """Checkpoints, their writes, the state and the output hold no profile, interrupted or not."""
    model = ScriptedModel(replies=["Hi.", {"city": "Rome"}, "Rain.", {"city": "Oslo"}])
    async with chatting_agent(tmp_path, colour, model, tools=[weather], others=[REVIEW]) as chat:
        await introduced(chat)
        await chat.invoke({"messages": [("user", "How is the weather?")]}, "2")
        output = await chat.invoke(APPROVED, "2")
        await chat.invoke({"messages": [("user", "How is the weather?")]}, "3")
        assert list(output) == ["messages"]
        assert "zymurgy" not in repr(output)
        config: Any = {"configurable": {"thread_id": "2"}}
        get = chat.bot.aget_state if colour == "async" else chat.bot.get_state
        found: Any = get(config)
        values = (await found if colour == "async" else found).values
        # The other one is of the middleware that asked for approval.
        assert set(values) <= {"messages", "hitl_edited_tool_calls"}
        assert "zymurgy" not in repr(values)
    assert all("zymurgy" in system for system in systems(model)[1:])
    assert b"How is the weather?" in stored(tmp_path)
    assert b"zymurgy" not in stored(tmp_path)


async def test_what_a_summary_replaces_was_remembered(tmp_path: Path, colour: str) -> None:
    """Messages that go while a run lasts are in the inbox; the summary is not the user's."""
    summarising = SummarizationMiddleware(
        answering("My name is Sum and I love golf."), trigger=("messages", 5), keep=("messages", 2)
    )
    cities = ["Rome", "Oslo", "Riga", "Bern"]
    model = ScriptedModel(replies=["Hi.", *({"city": city} for city in cities), "Rain."])
    options: Any = {"tools": [weather], "others": [summarising]}
    async with chatting_agent(tmp_path, colour, model, **options) as chat:
        await chat.say("My name is Will.", "2")
        state = await chat.invoke(
            {"messages": [("user", "I love zymurgy. How is the weather?")]}, "2"
        )
        assert len(state["messages"]) < 8
        texts = [text for _, text in inbox(tmp_path, "2")]
        for city in cities:
            assert f"Rain in {city}." in texts
        authors = [author for author, text in inbox(tmp_path, "2") if "golf" in text]
        assert set(authors) == {"other"}
        chat.memory.trigger("will")
        document = chat.memory.recall("will").document
    assert (document["name"], document["interests"]) == ("Will", ["zymurgy"])


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize("strategy", ["redact", "mask", "hash"])
async def test_what_is_taken_away_before_the_model_is_not_remembered(
    tmp_path: Path, strategy: Any, ours_first: bool, saved: bool, colour: str
) -> None:
    """What `PIIMiddleware` leaves takes the place of what was said, in either order."""
    hiding = PIIMiddleware("email", strategy=strategy)
    model = answering()
    async with chatting_agent(
        tmp_path,
        colour,
        model,
        saver=InMemorySaver() if saved else False,
        others=[hiding],
        ours_first=ours_first,
    ) as chat:
        await chat.say("Write to me@zymurgy.org, and I love chess.")
        ((author, text), answer) = inbox(tmp_path, "1")
        assert (author, answer) == ("user", ("assistant", "Noted."))
        assert text == model.calls[0].messages[-1].text
        assert "zymurgy" not in text
        assert "I love chess." in text
        chat.memory.trigger("will")
        assert "chess" in chat.memory.recall("will").document["interests"]
        assert "zymurgy" not in str(chat.memory.export("will"))


@before_model
def removing(state: AgentState[Any], runtime: Any) -> dict[str, Any] | None:
    """Take away a message with an address."""
    newest = state["messages"][-1]
    return {"messages": [RemoveMessage(id=str(newest.id))]} if "@" in str(newest.text) else None


@before_model
def replacing(state: AgentState[Any], runtime: Any) -> dict[str, Any] | None:
    """Put new messages in the place of all."""
    if all("@" not in str(one.text) for one in state["messages"]):
        return None
    clean = [
        HumanMessage(str(one.text).replace("me@zymurgy.org", "[mail]"))
        if one.type == "human"
        else one
        for one in state["messages"]
    ]
    return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *clean]}


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize("hiding", [removing, replacing])
async def test_a_message_that_is_removed_before_the_model_is_taken_back(
    tmp_path: Path, hiding: Any, ours_first: bool, colour: str
) -> None:
    """Whatever way middleware takes a message away, the memory keeps no text of it."""
    model = answering()
    async with chatting_agent(
        tmp_path, colour, model, saver=InMemorySaver(), others=[hiding], ours_first=ours_first
    ) as chat:
        await chat.say("I love chess.")
        await chat.say("Write to me@zymurgy.org, and I love go.")
        texts = [text for _, text in inbox(tmp_path, "1")]
        assert "I love chess." in texts
        assert "zymurgy" not in str(texts)
        chat.memory.trigger("will")
        assert "zymurgy" not in str(chat.memory.export("will"))
        learned = chat.memory.recall("will").document["interests"]
        assert learned == (["chess", "go"] if hiding is replacing else ["chess"])


async def test_an_agent_that_is_a_tool_has_no_users_voice(tmp_path: Path, colour: str) -> None:
    """A sub-agent knows the user; what its supervisor tells it is not the user's words."""
    asked = answering("Done.")
    model = ScriptedModel(replies=["Hi.", {"order": "My name is Boss and I love orders."}, "Fin."])
    async with chatting_agent(tmp_path, colour, model) as chat:
        await introduced(chat)
        expert = create_agent(asked, middleware=[UserMemoryMiddleware(chat.memory)])

        def delegate(order: str) -> str:
            """Ask an expert."""
            state: Any = expert.invoke({"messages": [("user", order)]})
            return str(state["messages"][-1].text)

        chat.bot = create_agent(model, [delegate], middleware=[UserMemoryMiddleware(chat.memory)])
        await chat.say("Please do it.", "2")
        assert [author for author, _ in inbox(tmp_path, "2")] == [
            *("user", "assistant", "tool", "assistant")
        ]
        chat.memory.trigger("will")
        document = chat.memory.recall("will").document
    assert "zymurgy" in systems(asked)[0]
    assert (document["name"], document["interests"]) == ("Will", ["zymurgy"])


async def test_one_middleware_may_serve_an_agent_and_its_sub_agent(
    tmp_path: Path, colour: str
) -> None:
    """Shared by both, each is told once, and the outer one goes on knowing what it was told."""
    asked = answering("Done.")
    model = ScriptedModel(replies=["Hi.", {"order": "Do it."}, "Fin."])
    async with chatting_agent(tmp_path, colour, model) as chat:
        await introduced(chat)
        ours = UserMemoryMiddleware(chat.memory)
        expert = create_agent(asked, middleware=[ours])

        def delegate(order: str) -> str:
            """Ask an expert."""
            expert.invoke({"messages": [("user", order)]})
            return "Done."

        chat.bot = create_agent(model, [delegate], middleware=[ours])
        # Only then do the runs share a stream writer.
        await chat.stream("Please do it.", "custom", "2", subgraphs=True)
        assert [event.kind for event in chat.events].count("recalled") == 2
    assert systems(model)[1] == systems(model)[2] == systems(asked)[0]


async def test_a_supervisors_message_is_not_the_users(tmp_path: Path, colour: str) -> None:
    """Human messages under another name, and named answers, teach nothing."""
    said = [
        HumanMessage("My name is Boss.", name="supervisor"),
        AIMessage("Your name is Bob.", name="expert"),
        HumanMessage("I love zymurgy."),
    ]
    async with chatting_agent(tmp_path, colour, answering()) as chat:
        await chat.invoke({"messages": said})
        assert [author for author, _ in inbox(tmp_path, "1")][:3] == ["other", "assistant", "user"]
        chat.memory.trigger("will")
        document = chat.memory.recall("will").document
    assert (document["name"], document["interests"]) == (None, ["zymurgy"])


async def test_users_who_share_a_thread_are_told_apart(tmp_path: Path, colour: str) -> None:
    """In one thread of a saver, each user is known by their own words only."""
    async with chatting_agent(tmp_path, colour, answering()) as chat:
        await chat.say("My name is Will.", "1", "will")
        await chat.say("My name is Ana.", "1", "ana")
        await chat.say("I love zymurgy.", "1", "will")
        chat.memory.trigger_all()
        will, ana = (chat.memory.recall(user).document for user in ("will", "ana"))
    assert (will["name"], will["interests"]) == ("Will", ["zymurgy"])
    assert (ana["name"], ana["interests"]) == ("Ana", [])


async def test_the_agent_goes_on_without_its_memory(tmp_path: Path, colour: str) -> None:
    """With the file gone each turn is answered, and each failure is an event."""
    async with chatting_agent(tmp_path, colour, answering()) as chat:
        await chat.say("My name is Will.")
        chat.bot = create_agent(answering(), middleware=[UserMemoryMiddleware(chat.memory)])
        for name in ("memory.db", "memory.db-wal", "memory.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        assert await chat.say("Hello?") == "Noted."
        assert len(chat.errors()) == 4
