"""Who the user of a run is, whose words its messages hold, and what the run asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langchain_core.messages import HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from tests.support.graphs import COLOURS, Chat, chatting, memory_in

from usermemory import UserMemory
from usermemory.errors import IdentityError
from usermemory.langgraph import create_chatbot, remember_node
from usermemory.testing import FakeClock, ScriptedModel

HELLO: Any = {"messages": [("user", "My name is Will.")]}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    """A memory whose clock stands still."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        yield memory


def run(memory: UserMemory, context: Any = None, find: Any = None, **configurable: Any) -> None:
    """One turn of a chatbot without a saver."""
    bot = create_chatbot(memory, ScriptedModel(replies=lambda _: "Noted."), user_id=find)
    bot.invoke(HELLO, {"configurable": {"thread_id": "1", **configurable}}, context=context)


def users(memory: UserMemory) -> list[str]:
    """Whose inbox holds something."""
    return [job.user_id for job in memory.jobs()]


@dataclass
class Context:
    """What an application may pass to its runs."""

    user_id: str | None = None
    delay: float | None = None


@pytest.mark.parametrize(
    ("context", "configurable"),
    [
        ({"user_id": "will"}, {}),
        (Context("will"), {}),
        (None, {"user_id": "will"}),
        (Context(), {"user_id": "will"}),
        ({"user_id": "will"}, {"user_id": "default"}),
        (None, {"langgraph_auth_user_id": "will"}),
        ({"user_id": "will"}, {"langgraph_auth_user_id": "will"}),
        ({"user_id": "will"}, {"langgraph_auth_user_id": ""}),
    ],
)
def test_the_user_is_found(memory: UserMemory, context: Any, configurable: dict[str, str]) -> None:
    """The authenticated user, else the context's, else the configurable's."""
    run(memory, context, **configurable)
    assert users(memory) == ["will"]


@pytest.mark.parametrize(
    ("context", "configurable", "words"),
    [
        (None, {}, "nobody says who the user is"),
        (Context(), {}, "nobody says who the user is"),
        (None, {"user_id": "", "langgraph_auth_user_id": ""}, "nobody says who the user is"),
        ({"user_id": " "}, {}, "user_id is ' '"),
        ({"user_id": True}, {}, "user_id is True"),
        ({"user_id": 7.0}, {}, r"user_id is 7\.0"),
        ({"user_id": 0}, {"langgraph_auth_user_id": "00"}, "'00' is logged in"),
        ({"user_id": "eve"}, {"langgraph_auth_user_id": "will"}, "'will' is logged in"),
        (None, {"langgraph_auth_user_id": "will", "user_id": "eve"}, "says that the user is 'eve'"),
    ],
)
def test_an_unclear_user_fails_the_turn(
    memory: UserMemory, context: Any, configurable: dict[str, str], words: str
) -> None:
    """Without a user, or with another than the one logged in, nothing is remembered or asked."""
    with pytest.raises(IdentityError, match=words):
        run(memory, context, **configurable)
    assert users(memory) == []


@pytest.mark.parametrize("number", [42, 0, 1, UUID(int=7)])
@pytest.mark.parametrize("where", ["context", "configurable", "function"])
@pytest.mark.parametrize("logged_in", [False, True])
def test_a_number_or_a_uuid_is_a_user_id(
    memory: UserMemory, number: Any, where: str, logged_in: bool
) -> None:
    """It counts as its text, wherever a run names it and beside the server's own text of it."""
    server = {"langgraph_auth_user_id": str(number)} if logged_in else {}
    named: dict[str, Any] = {"user_id": number}
    run(
        memory,
        named if where == "context" else None,
        (lambda _config, _context: number) if where == "function" else None,
        **(named if where == "configurable" else {}),
        **server,
        thread_id=number,
    )
    assert [(job.user_id, job.thread_id) for job in memory.jobs()] == [(str(number), str(number))]
    assert memory.recall(number).pending == memory.recall(str(number)).pending == 2


def test_an_application_may_say_who_the_user_is(memory: UserMemory) -> None:
    """``user_id=`` as a function of config and context replaces the usual rule."""

    def tenant(config: Any, context: Any) -> str:
        return f"{context.user_id}@{config['configurable']['tenant']}"

    run(memory, Context("will"), find=tenant, tenant="acme", langgraph_auth_user_id="x")
    assert users(memory) == ["will@acme"]


def test_a_run_without_a_thread_is_refused(memory: UserMemory) -> None:
    """Remembering needs a thread, which a graph without a saver has to name itself."""
    with pytest.raises(IdentityError, match="thread_id"):
        run(memory, {"user_id": "will"}, thread_id=None)


def test_thread_ids_may_be_numbers(memory: UserMemory) -> None:
    """A thread id is taken as the text that LangGraph's savers make of it."""
    run(memory, {"user_id": "will"}, thread_id=7)
    assert [job.thread_id for job in memory.jobs()] == ["7"]


@pytest.mark.parametrize(
    ("context", "configurable", "delay"),
    [
        ({"user_id": "will"}, {}, 60.0),
        ({"user_id": "will", "delay": 5}, {}, 5.0),
        (Context("will", delay=0), {}, 0.0),
        ({"user_id": "will"}, {"delay": 0}, 0.0),
    ],
)
def test_a_run_may_ask_for_a_delay(
    memory: UserMemory, context: Any, configurable: dict[str, float], delay: float
) -> None:
    """``delay`` in context or configurable is this thread's quiet time, and 0 means now."""
    run(memory, context, **configurable)
    assert [job.due_at for job in memory.jobs()] == [memory.clock.now() + delay]


@pytest.mark.parametrize("where", ["context", "configurable"])
def test_a_run_may_go_unremembered(memory: UserMemory, where: str) -> None:
    """What was said with ``remember=False`` is never learned."""
    off = {"remember": False}
    context = {"user_id": "will"} | (off if where == "context" else {})
    run(memory, context, **(off if where == "configurable" else {}))
    assert memory.trigger("will") == []
    assert memory.recall("will").document["name"] is None


async def talk(chat: Chat, *texts: str, **settings: Any) -> None:
    """Some turns in one thread."""
    for text in texts:
        await chat.say(text, **settings)


@pytest.mark.parametrize("colour", COLOURS)
async def test_what_was_off_the_record_stays_so(tmp_path: Path, colour: str) -> None:
    """The thread goes on after ``remember=False``, and the whole of it is passed each turn."""
    async with chatting(tmp_path, colour, ScriptedModel(replies=lambda _: "Noted.")) as chat:
        await talk(chat, "I love zymurgy.", remember=False)
        await talk(chat, "I love bouldering.")
        chat.memory.trigger("will")
        assert chat.memory.recall("will").document["interests"] == ["bouldering"]


@pytest.mark.parametrize("colour", COLOURS)
async def test_an_agent_inside_a_node_has_no_users_voice(tmp_path: Path, colour: str) -> None:
    """A graph inside another one recalls the user, and what others tell it is not theirs."""
    asked = ScriptedModel(replies=lambda _: "Done.")

    async with chatting(tmp_path, colour, ScriptedModel(replies=lambda _: "Noted.")) as chat:
        await talk(chat, "My name is Will.")
        chat.memory.trigger("will")
        agent = create_chatbot(chat.memory, asked)

        def delegate(_: Any) -> None:
            agent.invoke({"messages": [("user", "My name is Supervisor and I love orders.")]})

        outer = StateGraph(MessagesState)
        outer.add_node("remember", remember_node(chat.memory))
        outer.add_node("delegate", delegate)
        outer.add_node("agent", agent)
        outer.add_edge(START, "remember")
        outer.add_edge("remember", "delegate")
        outer.add_edge("delegate", "agent")
        chat.bot = outer.compile()
        await talk(chat, "Please do it.", thread_id="2")
        assert chat.unread() == 2  # with the answer of the agent that was given these words
        chat.memory.trigger("will")
        assert chat.memory.recall("will").document["name"] == "Will"
    assert [("Will" in call.messages[0].text) for call in asked.calls] == [True, True]


async def test_words_of_others_are_not_the_users(tmp_path: Path) -> None:
    """Summaries that middleware inserts and messages under another name teach nothing."""
    said = [
        HumanMessage("My name is Bob.", name="bob"),
        HumanMessage("My name is Sum.", additional_kwargs={"lc_source": "summarization"}),
        HumanMessage("I love bouldering.", name="will"),
    ]
    async with chatting(tmp_path, "async", ScriptedModel(replies=["Noted."])) as chat:
        await chat.invoke({"messages": said})
        chat.memory.trigger("will")
        document = chat.memory.recall("will").document
    assert document["name"] is None
    assert document["interests"] == ["bouldering"]


@pytest.mark.parametrize("colour", COLOURS)
async def test_one_thread_id_may_be_used_by_two_users(tmp_path: Path, colour: str) -> None:
    """A saver shows each the other's messages, yet each is only told, and known by, their own."""
    model = ScriptedModel(replies=lambda _: "Noted.")
    async with chatting(tmp_path, colour, model) as chat:
        for user_id, text in (
            ("will", "My name is Will and I love bouldering."),
            ("ana", "My name is Ana."),
            ("will", "I love chess."),
            ("ana", "I love zymurgy."),
        ):
            await chat.say(text, "1", user_id)
        chat.memory.trigger_all()
        will, ana = (chat.memory.recall(user_id).document for user_id in ("will", "ana"))
    assert (will["name"], will["interests"]) == ("Will", ["bouldering", "chess"])
    assert (ana["name"], ana["interests"]) == ("Ana", ["zymurgy"])
    assert len(model.calls[-1].messages) == 8


async def test_one_thread_id_may_be_used_by_two_users_without_a_saver(tmp_path: Path) -> None:
    """Users who chose the same thread id keep their own inbox and profile."""
    async with chatting(tmp_path, "async", ScriptedModel(replies=lambda _: "Noted.")) as chat:
        chat.bot = create_chatbot(chat.memory, ScriptedModel(replies=lambda _: "Noted."))
        await chat.say("My name is Will.", "1", "will")
        await chat.say("My name is Ana.", "1", "ana")
        chat.memory.trigger_all()
        names = [chat.memory.recall(user).document["name"] for user in ("will", "ana")]
    assert names == ["Will", "Ana"]
