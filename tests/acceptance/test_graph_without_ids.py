"""Whose words messages are that no id tells apart: theirs in whose run they arrived, by the place.

A state whose list is joined by ``operator.add``, or by a reducer of one's own, holds what it was
given: dicts, pairs, strings and messages without ids.
"""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import AgentState, create_agent
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph, add_messages
from tests.support.graphs import COLOURS, memory_in
from tests.support.pairs import pairs
from tests.support.room import CONFIGURABLE, CONTEXT, IDENTITIES, SERVER, Room, noted

from usermemory import UserMemory
from usermemory.langgraph import (
    UserMemoryMiddleware,
    backfill,
    create_chatbot,
    memory_tools,
    remember_node,
)
from usermemory.testing import FakeClock, ScriptedModel

FORMS: dict[str, Callable[[str], Any]] = {
    "message": HumanMessage,
    "dict": lambda text: {"role": "user", "content": text},
    "pair": lambda text: ("user", text),
    "text": lambda text: text,
    "parts": lambda text: {"role": "user", "parts": [{"text": text}]},
    "blocks": lambda text: HumanMessage([{"type": "text", "text": text}]),
    "one id for all": lambda text: HumanMessage(text, id="1"),
    "a dict with an id": lambda text: {"role": "user", "content": text, "id": "1"},
    "a claim": lambda text: {"role": "user", "content": text, "name": "ana"},
}


def newest_six(old: list[Any], new: list[Any]) -> list[Any]:
    """A reducer that loses the oldest messages."""
    return [*old, *new][-6:]


class Added(TypedDict):
    """A list that grows."""

    messages: Annotated[list[Any], operator.add]


class Trimmed(TypedDict):
    """A list of some length."""

    messages: Annotated[list[Any], newest_six]


class Old(TypedDict):
    """A state from before the memory was in use."""

    messages: Annotated[list[Any], operator.add]
    history: Annotated[list[Any], operator.add]


class OfAgent(AgentState[Any]):
    """An agent's, as a list that grows."""

    messages: Annotated[list[Any], operator.add]  # type: ignore[misc]


def own(state: Any) -> Callable[..., Any]:
    """A graph of one's own, which remembers before it answers and behind it."""

    def build(memory: UserMemory, saver: Any) -> Any:
        graph = StateGraph(state)
        graph.add_node("before", remember_node(memory))
        graph.add_node("answer", lambda _: {"messages": [AIMessage("Noted.")]})
        graph.add_node("behind", remember_node(memory))
        graph.add_edge(START, "before")
        graph.add_edge("before", "answer")
        graph.add_edge("answer", "behind")
        return graph.compile(checkpointer=saver)

    return build


def agent(memory: UserMemory, saver: Any) -> Any:
    """LangChain's agent, with a state of one's own and our middleware."""
    middleware = [UserMemoryMiddleware(memory)]
    return create_agent(
        noted(), [], middleware=middleware, checkpointer=saver, state_schema=OfAgent
    )


BUILDS = {"added": own(Added), "trimmed": own(Trimmed), "agent": agent}


def room_in(memory: UserMemory, build: Any, saver: Any, *how: Any) -> Room:
    return Room(memory, build(memory, saver), *how)


def authors(folder: Path, user_id: str, text: str) -> list[str]:
    """Whose words a text is in a user's inbox, the oldest first."""
    query = "SELECT author FROM usermemory_inbox WHERE user_id = ? AND text = ? ORDER BY seq"
    with closing(sqlite3.connect(folder / "memory.db")) as connection:
        return [author for (author,) in connection.execute(query, (user_id, text))]


# LangChain's models take no dicts with parts.
TAKEN = [(one, form) for one in BUILDS for form in FORMS if (one, form) != ("agent", "parts")]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize(("build", "form"), TAKEN)
async def test_another_users_words_stay_theirs(
    tmp_path: Path, build: str, form: str, identity: str, colour: str
) -> None:
    """In the same process each user of a thread learns from their own words only."""
    said = FORMS[form]
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = room_in(memory, BUILDS[build], InMemorySaver(), colour, identity)
        await room.say("ana", said("I love chess."))
        await room.say("bob", said("I love golf."))
        await room.say("ana", said("I love tea."))
        assert [room.loves(who) for who in ("ana", "bob")] == [["chess", "tea"], ["golf"]]


@pairs(
    build=BUILDS,
    colour=COLOURS,
    durability=["sync", "async", "exit"],
    identity=IDENTITIES,
    form=["message", "dict", "pair"],
)
async def test_another_process_goes_on(
    tmp_path: Path, build: str, form: str, identity: str, durability: str, colour: str
) -> None:
    """Ana's run is killed or not remembered, another process goes on: her words stay hers."""
    said, saver = FORMS[form], InMemorySaver()
    how = (colour, identity, durability)
    for number, (who, what) in enumerate([("ana", "chess"), ("bob", "golf"), ("ana", "tea")]):
        folder = tmp_path if number != 1 else tmp_path / "another"
        folder.mkdir(exist_ok=True)
        with memory_in(folder, clock=FakeClock()) as memory:
            room = room_in(memory, BUILDS[build], saver, *how)
            await room.say(who, said(f"I love {what}."))
            if number == 1:
                assert [room.loves(one) for one in ("ana", "bob")] == [[], ["golf"]]
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = room_in(memory, BUILDS[build], saver, *how)
        assert [room.loves(who) for who in ("ana", "bob")] == [["chess", "tea"], []]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("identity", IDENTITIES)
async def test_a_turn_that_failed_is_not_the_next_ones(
    tmp_path: Path, identity: str, durability: str, colour: str
) -> None:
    """Ana's model call fails before anything remembers it, Bob speaks next: her words stay hers."""
    model = ScriptedModel(replies=[TimeoutError("slow"), "Noted."])

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        graph = StateGraph(Added)
        graph.add_node("answer", lambda _: {"messages": [model.invoke("?")]})
        graph.add_node("remember", remember_node(memory))
        graph.add_edge(START, "answer")
        graph.add_edge("answer", "remember")
        bot = graph.compile(checkpointer=InMemorySaver())
        room = Room(memory, bot, colour, identity, durability)
        with pytest.raises(TimeoutError):
            await room.say("ana", ("user", "I love kayaking."))
        await room.say("bob", ("user", "I love tea."))
        assert room.loves("bob") == ["tea"]


@pytest.mark.parametrize("state", [Added, MessagesState])
async def test_a_run_that_saves_at_its_end_is_nobody_elses(tmp_path: Path, state: Any) -> None:
    """Bob's run left one checkpoint only, between two of Ana's: his words are not hers."""
    saver = InMemorySaver()
    turns = (("ana", "chess", "sync"), ("bob", "golf", "exit"), ("ana", "tea", "sync"))
    for who, what, durability in turns:
        folder = tmp_path / who
        folder.mkdir(exist_ok=True)
        with memory_in(folder, clock=FakeClock()) as memory:
            room = room_in(memory, own(state), saver, "async", CONFIGURABLE, durability)
            await room.say(who, ("user", f"I love {what}."))
            loved = room.loves(who)
    assert loved == ["chess", "tea"]


async def test_the_inbox_tells_no_others_words_from_the_same_text(tmp_path: Path) -> None:
    """Ana's "yes" is gone from the list and Bob's is there: it does not become hers."""
    saver = InMemorySaver()
    said = (("ana", "Yes, I do."), ("bob", "Yes, I do."), ("bob", "I see."), ("ana", "I love tea."))
    for who, text in said:
        folder = tmp_path / who
        folder.mkdir(exist_ok=True)
        with memory_in(folder, clock=FakeClock()) as memory:
            room = room_in(memory, own(Trimmed), saver, "async", CONTEXT)
            await room.say(who, ("user", text))
    assert authors(tmp_path / "ana", "ana", "Yes, I do.") == ["user", "other"]


@pytest.mark.parametrize("colour", COLOURS)
async def test_an_abandoned_branch_says_nothing(tmp_path: Path, colour: str) -> None:
    """Who goes on from an earlier checkpoint is not taken for who spoke in the other branch."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = room_in(memory, own(Added), InMemorySaver(), colour)
        await room.say("ana", ("user", "I love chess."))
        config: Any = {"configurable": {"thread_id": "room"}}
        fork = room.bot.get_state(config).config["configurable"]["checkpoint_id"]
        await room.say("bob", ("user", "I love chess."))
        given = {"messages": [("user", "I love golf.")]}
        again: Any = {"thread_id": "room", "user_id": "bob", "checkpoint_id": fork}
    other = tmp_path / "other"
    other.mkdir()
    with memory_in(other, clock=FakeClock()) as memory:
        bot = own(Added)(memory, room.bot.checkpointer)
        await bot.ainvoke(given, {"configurable": again})
        memory.trigger("bob")
        assert memory.recall("bob").document["interests"] == ["golf"]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", [CONFIGURABLE, SERVER])
async def test_what_another_wrote_into_a_thread_is_nobodys(
    tmp_path: Path, identity: str, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What another's ``update_state`` put in teaches the running user nothing; it is said once."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = room_in(memory, own(Added), InMemorySaver(), colour, identity)
        await room.say("ana", ("user", "I love chess."))
        key = "user_id" if identity == CONFIGURABLE else "langgraph_auth_user_id"
        config: Any = {"configurable": {"thread_id": "room", key: "bob"}}
        room.bot.update_state(config, {"messages": [("user", "I love golf.")]}, as_node="answer")
        await room.run("ana", None)
        assert [room.loves(who) for who in ("ana", "bob")] == [["chess"], []]
    assert [record.message.count("are nobody's") for record in caplog.records] == [1]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    "state", [Annotated[list[Any], operator.add], Annotated[list[Any], add_messages]]
)
async def test_a_state_that_is_its_list(tmp_path: Path, state: Any, colour: str) -> None:
    """A graph whose state is a list of messages is told by the same rule."""
    saver = InMemorySaver()
    for who, what in (("ana", "chess"), ("bob", "golf")):
        folder = tmp_path / who
        folder.mkdir()
        with memory_in(folder, clock=FakeClock()) as memory:
            graph = StateGraph(state)
            graph.add_node("remember", remember_node(memory))
            graph.add_node("rest", lambda _: [AIMessage("Noted.")])
            graph.add_edge(START, "rest")
            graph.add_edge("rest", "remember")
            room = Room(memory, graph.compile(checkpointer=saver), colour)
            await room.run(who, [HumanMessage(f"I love {what}.")])
            assert room.loves(who) == [what]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", [CONFIGURABLE, SERVER])
@pytest.mark.parametrize("build", ["chatbot", "nodes"])
async def test_a_message_of_a_role_is_told_by_its_place(
    tmp_path: Path, build: str, identity: str, colour: str
) -> None:
    """LangChain's ``ChatMessage(role="user")`` is a person's, and theirs in whose run it came."""
    saver = InMemorySaver()
    for who, what in (("ana", "chess"), ("bob", "golf")):
        (tmp_path / who).mkdir()
        with memory_in(tmp_path / who, clock=FakeClock()) as memory:
            if build == "chatbot":
                bot: Any = create_chatbot(memory, noted(), checkpointer=saver)
            else:
                graph = StateGraph(MessagesState)
                graph.add_node("remember", remember_node(memory))
                graph.add_edge(START, "remember")
                bot = graph.compile(checkpointer=saver)
            room = Room(memory, bot, colour, identity)
            await room.say(who, ChatMessage(role="user", content=f"I love {what}."))
            assert room.loves(who) == [what]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("form", ["dict", "message"])
async def test_a_history_of_an_entrypoint_stays_its_speakers(
    tmp_path: Path, form: str, colour: str
) -> None:
    """An ``@entrypoint`` that keeps the messages itself hands all of them on each time."""
    said = FORMS[form]
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = create_chatbot(memory, noted())

        if colour == "async":

            @entrypoint(checkpointer=InMemorySaver())
            async def talk(given: list[Any], *, previous: Any = None) -> Any:
                history = [*(previous or []), *given]
                await bot.ainvoke({"messages": history})
                return entrypoint.final(value=None, save=[*history, ("ai", "Noted.")])

        else:

            @entrypoint(checkpointer=InMemorySaver())
            def talk(given: list[Any], *, previous: Any = None) -> Any:
                history = [*(previous or []), *given]
                bot.invoke({"messages": history})
                return entrypoint.final(value=None, save=[*history, ("ai", "Noted.")])

        room = Room(memory, talk, colour)
        await room.run("ana", [said("I love chess.")])
        await room.run("bob", [said("I love golf.")])
        await room.run("ana", [said("I love tea.")])
        assert [room.loves(who) for who in ("ana", "bob")] == [["chess", "tea"], ["golf"]]


@pytest.mark.parametrize("colour", COLOURS)
async def test_a_tool_takes_no_words_of_others(tmp_path: Path, colour: str) -> None:
    """`save_memory` in Bob's run does not save what Ana said without an id."""
    change = {"quote": "I love chess", "field": "interests", "action": "add", "value": "chess"}
    model = ScriptedModel(replies=["Noted.", {"changes": [change]}, "Done."])

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = create_agent(
            model, memory_tools(memory), checkpointer=InMemorySaver(), state_schema=OfAgent
        )
        room = Room(memory, bot, colour)
        await room.say("ana", {"role": "user", "content": "I love chess."})
        await room.say("bob", {"role": "user", "content": "And me?"})
        assert memory.recall("bob").document["interests"] == []


@pytest.mark.parametrize("colour", COLOURS)
async def test_a_display_name_is_the_users(tmp_path: Path, colour: str) -> None:
    """A name on a message without an id is its speaker's, with a checkpointer and without."""
    for saver in (InMemorySaver(), None):
        folder = tmp_path / str(bool(saver))
        folder.mkdir()
        with memory_in(folder, clock=FakeClock()) as memory:
            room = room_in(memory, own(Added), saver, colour)
            await room.say("u-17", HumanMessage("I love chess.", name="Will"))
            await room.say("u-17", {"role": "user", "content": "I love tea.", "name": "Will"})
            assert room.loves("u-17") == ["chess", "tea"]


async def test_the_policy_sees_messages_as_they_came(tmp_path: Path) -> None:
    """``author=`` is given the dict that stands in the state, and its answer counts."""
    seen = list[Any]()

    def author(message: Any) -> Any:
        seen.append(message)
        return "other" if "golf" in str(message) else None

    with memory_in(tmp_path, clock=FakeClock(), author=author) as memory:
        room = room_in(memory, own(Added), InMemorySaver(), "async")
        golf, tea = ({"role": "user", "content": f"I love {one}."} for one in ("golf", "tea"))
        await room.say("will", golf, tea)
        assert room.loves("will") == ["tea"]
    assert golf in seen
    assert tea in seen


@pytest.mark.parametrize("key", ["messages", "history"])
def test_a_backfill_tells_them_by_their_place(tmp_path: Path, key: str) -> None:
    """Old threads of several users, whose messages have no ids, are taken in for each of them."""
    graph = StateGraph(Old)
    graph.add_node("answer", lambda _: {key: [("ai", "Noted.")]})
    graph.add_edge(START, "answer")
    saver = InMemorySaver()
    bot = graph.compile(checkpointer=saver)
    for who, what in (("ana", "chess"), ("bob", "golf"), ("ana", "tea"), ("bob", "chess")):
        said = {"role": "user", "content": f"I love {what}."}
        bot.invoke({key: [said]}, {"configurable": {"thread_id": "room", "user_id": who}})
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        backfill(memory, saver, key=key)
        for who in ("ana", "bob"):
            memory.trigger(who)
        loved = [memory.recall(who).document["interests"] for who in ("ana", "bob")]
        assert loved == [["chess", "tea"], ["golf", "chess"]]
