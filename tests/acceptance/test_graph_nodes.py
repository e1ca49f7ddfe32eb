"""The two nodes in a graph of one's own: resumed, replayed, forked, and never cached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import CachePolicy, Command, interrupt
from tests.support.graphs import COLOURS, memory_in

from usermemory import UserMemory
from usermemory.errors import ConfigurationError
from usermemory.langgraph import UserInfo, recall_node, remember_node
from usermemory.testing import FakeClock

ASKED: Any = {"messages": [("user", "I love tea. What is my name?")]}


class State(MessagesState):
    """As the README says."""

    user_info: UserInfo


@dataclass
class Wired:
    """A two-node graph of one's own, driven in either colour, and what its model was told."""

    memory: UserMemory
    colour: str
    told: list[str] = field(default_factory=list)
    by_key: list[str] = field(default_factory=list)
    fails: int = 0
    bot: Any = None

    def build(self, between: Mapping[str, Any] | None = None, **options: Any) -> Wired:
        """Recall, what stands between, the model, remember."""
        recall = recall_node(self.memory)

        def told(state: State, text: str) -> dict[str, Any]:
            self.by_key.append(state["user_info"])
            if self.fails:
                self.fails -= 1
                raise TimeoutError("the provider is down")
            self.told.append(text)
            return {"messages": [AIMessage("Noted.")]}

        def model(state: State) -> dict[str, Any]:
            return told(state, recall.text(state))

        async def amodel(state: State) -> dict[str, Any]:
            return told(state, await recall.atext(state))

        steps = {
            "recall": recall,
            **(between or {}),
            "model": RunnableLambda(model, amodel),
            "remember": remember_node(self.memory),
        }
        graph = StateGraph(State)
        before = START
        for name, step in steps.items():
            graph.add_node(name, step)
            graph.add_edge(before, name)
            before = name
        self.bot = graph.compile(checkpointer=InMemorySaver(), **options)
        return self

    async def run(self, given: Any, user_id: str = "will", **more: Any) -> Any:
        """Run it."""
        config: Any = {"configurable": {"thread_id": "1", "user_id": user_id, **more}}
        if self.colour == "async":
            return await self.bot.ainvoke(given, config)
        return await asyncio.to_thread(self.bot.invoke, given, config)

    def learned(self) -> tuple[list[str], int]:
        """What was said of interests, and how many messages that took."""
        read = sum(outcome.messages for outcome in self.memory.trigger("will"))
        return self.memory.recall("will").document["interests"], read


@pytest.fixture(params=COLOURS)
def wired(tmp_path: Path, request: Any) -> Any:
    """On a memory that knows two users."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        for user_id, name in (("will", "Will"), ("ana", "Ana")):
            memory.remember(user_id, "0", [f"My name is {name}."])
        memory.trigger_all()
        yield Wired(memory, request.param)


def approve(_: Any) -> dict[str, Any]:
    """Wait for a person."""
    interrupt("Really?")
    return {}


async def interrupted(wired: Wired) -> None:
    """A node behind the recall asks a person."""
    await wired.build({"approve": approve}).run(ASKED)
    await wired.run(Command(resume="yes"))


async def stopped_before(wired: Wired) -> None:
    """The graph stops before the model."""
    await wired.build(interrupt_before=["model"]).run(ASKED)
    await wired.run(None)


async def stopped_after(wired: Wired) -> None:
    """The graph stops behind the recall."""
    await wired.build(interrupt_after=["recall"]).run(ASKED)
    await wired.run(None)


async def crashed(wired: Wired) -> None:
    """The model fails, and the run is taken up again."""
    wired.fails = 1
    with pytest.raises(TimeoutError):
        await wired.build().run(ASKED)
    await wired.run(None)


@pytest.mark.parametrize("way", [interrupted, stopped_before, stopped_after, crashed])
async def test_a_run_that_begins_behind_the_recall_is_told(
    wired: Wired, way: Callable[[Wired], Any]
) -> None:
    """It has the state's key, gets the profile anew, and what was said is stored once."""
    await way(wired)
    assert ["Will" in text for text in wired.told] == [True]
    assert wired.by_key[-1] == ""
    assert wired.learned() == (["tea"], 2)


async def test_a_replay_is_told_what_is_known_now(wired: Wired) -> None:
    """An old checkpoint brings back no old profile, and nothing that was said a second time."""
    await wired.build().run(ASKED)
    assert wired.learned() == (["tea"], 2)
    wired.memory.edit("will", {"name": "William", "interests": ["tea"]}, by="test")
    old = next(
        state
        for state in wired.bot.get_state_history({"configurable": {"thread_id": "1"}})
        if state.next == ("model",)
    )
    await wired.run(None, checkpoint_id=old.config["configurable"]["checkpoint_id"])
    assert "William" in wired.told[-1]
    assert wired.learned() == (["tea"], 1)  # the other answer


async def test_a_fork_is_told_and_what_was_edited_counts(wired: Wired) -> None:
    """A message that was edited behind the recall is learned as it is now, in place of the old."""
    await wired.build(interrupt_before=["model"]).run(ASKED)
    config: Any = {"configurable": {"thread_id": "1", "user_id": "will"}}
    said = wired.bot.get_state(config).values["messages"][-1]
    edited = HumanMessage("I love coffee. What is my name?", id=said.id)
    wired.bot.update_state(config, {"messages": [edited]})
    await wired.run(None)
    assert ["Will" in text for text in wired.told] == [True]
    assert wired.learned() == (["coffee"], 2)


async def test_whoever_resumes_is_told_of_themselves(wired: Wired) -> None:
    """A run that another user takes up brings nothing of the first one's profile."""
    await wired.build(interrupt_before=["model"]).run(ASKED)
    await wired.run(None, "ana")
    assert [("Ana" in text, "Will" in text) for text in wired.told] == [(True, False)]


class Question(TypedDict, total=False):
    """A state that is the same for everybody."""

    messages: list[Any]
    user_info: UserInfo


@pytest.mark.parametrize("node", [recall_node, remember_node])
@pytest.mark.parametrize("default", [False, True])
async def test_a_node_of_the_memory_is_not_cached(
    wired: Wired, node: Callable[[UserMemory], Any], default: bool
) -> None:
    """LangGraph's cache would answer one user with another's profile: the first run stops."""
    graph = StateGraph(Question)
    policy: CachePolicy[Any] = CachePolicy(ttl=60)
    if default:
        graph.set_node_defaults(cache_policy=policy)
    graph.add_node("ours", node(wired.memory), cache_policy=None if default else policy)
    graph.add_edge(START, "ours")
    wired.bot = graph.compile(cache=InMemoryCache())
    with pytest.raises(ConfigurationError, match="can't be cached"):
        await wired.run(ASKED)


def _appended(there: list[Any], more: list[Any]) -> list[Any]:
    return [*there, *more]


class Appending(TypedDict):
    """A state that only appends, whatever it is given."""

    messages: Annotated[list[Any], _appended]


ODD: list[Any] = [
    None,
    7,
    {},
    {"type": "weather", "degrees": 7},
    {"role": "user", "content": 5},
    ("user", 7),
]
NOT_SAVED: list[Any] = [
    object(),
    {"role": "user", "content": object()},
    HumanMessage.model_construct(content=7, type="human", additional_kwargs={}, id="m1"),
]


@pytest.mark.parametrize(
    ("odd", "saved"),
    [*((one, True) for one in ODD), *((one, False) for one in NOT_SAVED)],
    ids=range(len(ODD + NOT_SAVED)),
)
@pytest.mark.parametrize("colour", COLOURS)
async def test_what_cannot_be_read_stops_no_thread(
    tmp_path: Path, odd: Any, saved: bool, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out and named; what stands before and behind it is remembered, run by run."""
    with memory_in(tmp_path, clock=FakeClock()) as memory:
        graph: Any = StateGraph(Appending)
        graph.add_node("remember", remember_node(memory, on_error="raise"))
        graph.add_edge(START, "remember")
        bot = graph.compile(checkpointer=InMemorySaver() if saved else None)
        wired = Wired(memory, colour, bot=bot)
        for liked in ("tea", "chess"):
            said = [{"role": "user", "content": f"I love {liked}."}, odd]
            await wired.run({"messages": said})
        assert wired.learned() == (["tea", "chess"], 2)
    assert "is not read" in caplog.text
