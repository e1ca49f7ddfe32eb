"""Whose words a message is, in a thread that several users share: theirs in whose run it came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from tests.support.graphs import COLOURS, memory_in
from tests.support.pairs import pairs
from tests.support.room import BOTS as WITH_IDS
from tests.support.room import (
    CONFIGURABLE,
    IDENTITIES,
    SERVER,
    Room,
    nodes,
    noted,
)

from usermemory import UserMemory
from usermemory.langgraph import (
    create_chatbot,
    memory_tools,
    recall_node,
    remember_node,
)
from usermemory.testing import FakeClock, ScriptedModel


def without_ids(form: Callable[[Any], Any]) -> Callable[..., Any]:
    """A graph of one's own whose state only appends, so that nobody gives its messages ids."""

    def append(there: list[Any], more: Any) -> list[Any]:
        return [*there, *map(form, more)]

    state: Any = TypedDict("state", {"messages": Annotated[list[Any], append]})

    def build(memory: UserMemory, saver: Any, model: Any) -> Any:
        def answer(state: Any) -> Any:
            said = model.invoke(state["messages"])
            return {"messages": [said.model_copy(update={"id": None})]}

        graph: Any = StateGraph(state)
        graph.add_node("answer", answer)
        graph.add_node("remember", remember_node(memory))
        graph.add_edge(START, "answer")
        graph.add_edge("answer", "remember")
        return graph.compile(checkpointer=saver)

    build.__name__ = f"without_ids_{form.__name__}"
    return build


def message(said: Any) -> Any:
    """LangChain's own."""
    return said


def entries(said: Any) -> Any:
    """A dict."""
    given = {"role": "user" if said.type == "human" else "assistant", "content": said.content}
    return given | {name: getattr(said, name) for name in ("id", "name") if getattr(said, name)}


def role(said: Any) -> Any:
    """A message of any role."""
    kind = {"human": "user", "ai": "assistant"}[said.type]
    return ChatMessage(
        role=kind, **said.model_dump(exclude={"type", "content"}), content=said.content
    )


BOTS = [*WITH_IDS, *map(without_ids, [message, entries, role])]


CLAIMS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "name": {"name": "will"},
    "signature": {"additional_kwargs": {"usermemory_user": "will"}},
    "both": {"name": "will", "additional_kwargs": {"usermemory_user": "will"}},
    "metadata": {"response_metadata": {"user_id": "will"}},
    "another": {"name": "ana", "additional_kwargs": {"usermemory_user": "ana"}},
}


DURABILITIES = ["sync", "async", "exit"]


@pairs(build=BOTS, claim=CLAIMS, identity=IDENTITIES, colour=COLOURS)
async def test_a_claim_changes_nothing(
    tmp_path: Path, build: Callable[..., Any], claim: str, identity: str, colour: str
) -> None:
    """Whoever a message says it is by, it is by the user in whose run it came."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, InMemorySaver(), noted()), colour, identity)
        await room.say("will", "I love chess.")
        await room.say("mallory", HumanMessage("I love spam.", **CLAIMS[claim]))
        await room.say("will", "I love tea.")
        assert [room.loves(who) for who in ("will", "mallory", "ana")] == [
            ["chess", "tea"],
            ["spam"],
            [],
        ]


@pairs(build=BOTS, durability=DURABILITIES, identity=IDENTITIES, colour=COLOURS)
async def test_an_id_used_again_changes_nothing(
    tmp_path: Path, build: Callable[..., Any], durability: str, identity: str, colour: str
) -> None:
    """A message under another's id is its sender's, and takes nothing of what the other said."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = build(memory, InMemorySaver(), noted())
        room = Room(memory, bot, colour, identity, durability)
        await room.say("will", HumanMessage("I love chess.", id="m1"))
        await room.say("mallory", HumanMessage("I love spam.", id="m1", name="will"))
        await room.say("will", "I love tea.")
        assert [room.loves(who) for who in ("will", "mallory")] == [["chess", "tea"], ["spam"]]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("build", BOTS)
async def test_a_history_that_is_passed_again_keeps_its_speakers(
    tmp_path: Path, build: Callable[..., Any], saved: bool, colour: str
) -> None:
    """A client that passes all it has each turn, with ids, takes nobody's words over."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = build(memory, InMemorySaver() if saved else None, noted())
        room = Room(memory, bot, colour)
        history = [HumanMessage("I love spam.", id="m1")]
        await room.say("mallory", *history)
        await room.say("will", *history, AIMessage("Noted.", id="m2"), HumanMessage("I love tea."))
        assert [room.loves(who) for who in ("will", "mallory")] == [["tea"], ["spam"]]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("build", BOTS)
async def test_another_process_goes_on(
    tmp_path: Path, build: Callable[..., Any], identity: str, colour: str
) -> None:
    """What one process found out of a thread's speakers holds in the next one."""
    saver = InMemorySaver()
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, saver, noted()), colour, identity)
        await room.say("will", "I love chess.")
        await room.say("mallory", HumanMessage("I love spam.", **CLAIMS["both"]))
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, saver, noted()), colour, identity)
        await room.say("will", "I love tea.")
        assert [room.loves(who) for who in ("will", "mallory")] == [["chess", "tea"], ["spam"]]


@pairs(
    build=BOTS,
    again=[True, False],
    durability=DURABILITIES,
    identity=IDENTITIES,
    colour=COLOURS,
)
async def test_a_turn_that_failed_is_not_the_next_ones(
    tmp_path: Path,
    build: Callable[..., Any],
    again: bool,
    durability: str,
    identity: str,
    colour: str,
) -> None:
    """Ana's model call fails, Bob speaks next, in this process or another: her words stay hers."""
    saver = InMemorySaver()
    failing = ScriptedModel(replies=[TimeoutError("slow"), "Noted."])
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = build(memory, saver, failing)
        room = Room(memory, bot, colour, identity, durability)
        with pytest.raises(TimeoutError):
            await room.say("ana", "I love kayaking.")
        if not again:
            await room.say("bob", "I love chess.")
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, saver, noted()), colour, identity, durability)
        await room.say("bob", "I love tea.")
        loved = room.loves("bob")
    assert loved == (["tea"] if again else ["chess", "tea"])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("identity", [CONFIGURABLE, SERVER])
async def test_whoever_takes_up_a_run_did_not_say_it(
    tmp_path: Path, identity: str, colour: str
) -> None:
    """A run that waits for a person is approved by another user, whose words it does not become."""

    def approve(_: Any) -> Any:
        interrupt("Really?")
        return {}

    with memory_in(tmp_path, clock=FakeClock()) as memory:
        graph = StateGraph(MessagesState)
        graph.add_node("recall", approve)
        graph.add_node("remember", remember_node(memory))
        graph.add_edge(START, "recall")
        graph.add_edge("recall", "remember")
        room = Room(memory, graph.compile(checkpointer=InMemorySaver()), colour, identity)
        await room.say("ana", "I love kayaking.")
        await room.run("bob", Command(resume="yes"))
        await room.say("ana", "I love tea.")
        await room.run("ana", Command(resume="yes"))
        assert [room.loves(who) for who in ("ana", "bob")] == [["kayaking", "tea"], []]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("build", BOTS)
async def test_a_display_name_is_the_users(
    tmp_path: Path, build: Callable[..., Any], saved: bool, colour: str
) -> None:
    """A client that shows the user's name on each message has them known."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, build(memory, InMemorySaver() if saved else None, noted()), colour)
        await room.say("u-17", HumanMessage("I love chess.", name="Will"))
        await room.say("u-17", HumanMessage("I love tea.", name="Will"))
        assert room.loves("u-17") == ["chess", "tea"]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("build", BOTS)
async def test_the_applications_policy_decides(
    tmp_path: Path, build: Callable[..., Any], colour: str
) -> None:
    """``author=`` sees each message as it is, and its answer counts."""

    def author(message: Any) -> Any:
        name = message.get("name") if isinstance(message, dict) else message.name
        return "other" if name == "Bob" else None

    with memory_in(tmp_path, clock=FakeClock(), author=author) as memory:
        room = Room(memory, build(memory, InMemorySaver(), noted()), colour)
        await room.say("will", HumanMessage("I love spam.", name="Bob"))
        await room.say("will", HumanMessage("I love tea.", name="Will"))
        assert room.loves("will") == ["tea"]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("claim", CLAIMS)
async def test_a_tool_takes_no_words_of_others(tmp_path: Path, claim: str, colour: str) -> None:
    """`save_memory` in Will's run does not save what Mallory said, whatever her message claims."""
    change = {
        "quote": "I love spam",
        "field": "interests",
        "action": "add",
        "value": "spam",
    }
    model = ScriptedModel(replies=["Noted.", {"changes": [change]}, "Done."])
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        bot = create_chatbot(
            memory, model, tools=memory_tools(memory), checkpointer=InMemorySaver()
        )
        room = Room(memory, bot, colour)
        await room.say("mallory", HumanMessage("I love spam.", **CLAIMS[claim]))
        await room.say("will", "And me?")
        assert memory.recall("will").document["interests"] == []


async def test_several_names_are_nobodys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A transcript of people under names of which none is the user's id teaches nothing."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        room = Room(memory, nodes(memory, InMemorySaver(), noted()), "async")
        said = (HumanMessage("I love tea.", name="Will"), HumanMessage("I love spam.", name="Bob"))
        for _ in range(2):
            await room.say("u-17", *said)
        assert room.loves("u-17") == []
    assert [record.message.count("author=") for record in caplog.records] == [1]


async def test_the_node_that_recalls_needs_no_messages(tmp_path: Path) -> None:
    """A graph that only recalls is asked for nothing else."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        graph = StateGraph(dict)
        graph.add_node("recall", recall_node(memory))
        graph.add_edge(START, "recall")
        room = Room(memory, graph.compile(), "async")
        assert await room.run("will", {"question": "?"}) == {"user_info": ""}
