"""Profiles as a LangGraph store: read like any other, written by nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain.tools import ToolRuntime, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from usermemory import UserMemory
from usermemory.errors import InvalidInput
from usermemory.extras.profile_store import label_of, user_behind
from usermemory.langgraph import ProfileStore
from usermemory.testing import FakeClock, ScriptedModel

TOLD = {
    "ann": "I love bouldering",
    "will.smith": "Hi, I'm Will. I love sailing. I love chess.",
    "*": "I love stars",
}


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserMemory]:
    """A memory that every test reads and none changes."""
    clock = FakeClock()
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/memory.db"
    with UserMemory(url, model="offline", worker=False, clock=clock) as memory:
        for user_id, text in TOLD.items():
            memory.remember(user_id, "1", [("user", text)])
            memory.trigger(user_id)
            clock.advance(60)
        memory.remember("quiet", "1", [("user", "…")])
        yield memory


class Reader:
    """The store's methods in one colour."""

    def __init__(self, store: Any, colour: str) -> None:
        self._store, self._colour = store, colour

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._colour == "sync":
            plain: Callable[..., Any] = getattr(self._store, name)
            return plain
        return lambda *args, **kwargs: asyncio.run(
            getattr(self._store, f"a{name}")(*args, **kwargs)
        )


@pytest.fixture(params=["sync", "async"])
def store(memory: UserMemory, request: pytest.FixtureRequest) -> Any:
    return Reader(ProfileStore(memory), request.param)


@given(st.text(min_size=1))
def test_every_id_has_its_own_label(user_id: str) -> None:
    """Any id is a label that LangGraph takes, which leads back to it and to nobody else."""
    label = label_of(user_id)
    assert label
    assert not set(label) & set(".*\0")
    assert user_behind(label) == user_id


@given(st.text())
def test_a_label_is_the_label_of_its_user(label: str) -> None:
    """What is written otherwise than a label is nobody's: no user stands at two places."""
    user_id = user_behind(label)
    assert user_id is None or label_of(user_id) == label


def test_get(store: Any, memory: UserMemory) -> None:
    """The whole profile and each field that holds something is an item, with its own times."""
    known = memory.recall("will.smith")
    whole = store.get(ProfileStore.namespace("will.smith"), "profile")
    assert whole.value == known.document
    assert whole.namespace == ("users", "will%2Esmith")
    assert whole.updated_at.timestamp() == known.updated_at
    interests = store.get(("users", "will%2Esmith", "fields"), "interests")
    assert interests.value == {"field": "interests", "value": ["sailing", "chess"]}
    assert interests.created_at.timestamp() == known.stamps["interests"]["learned"]
    assert store.get(ProfileStore.namespace("will.smith", fields=True), "age") is None


@pytest.mark.parametrize(
    ("namespace", "key"),
    [
        (("users", "nobody"), "profile"),
        (("users", "quiet"), "profile"),
        (("users", "ann"), "interests"),
        (("users", "ann", "fields"), "profile"),
        (("users", "ann", "fields", "more"), "interests"),
        (("users", " "), "profile"),
        (("users", "a%6En"), "profile"),
        (("users",), "profile"),
        (("memories", "ann"), "profile"),
    ],
)
def test_get_finds_nothing_elsewhere(store: Any, namespace: tuple[str, ...], key: str) -> None:
    """A user nobody knows, or a place where nothing stands, is no error."""
    assert store.get(namespace, key) is None


def test_what_was_read_is_a_copy(store: Any) -> None:
    """A reader that changes what it got changes nothing for anybody else."""
    store.get(("users", "ann"), "profile").value["interests"].append("crime")
    assert store.get(("users", "ann"), "profile").value["interests"] == ["bouldering"]


def found(items: list[Any]) -> list[tuple[str, str]]:
    return [(item.namespace[1], item.key) for item in items]


@pytest.mark.parametrize(
    ("prefix", "asked", "expected"),
    [
        (("users", "ann"), {}, [("ann", "profile"), ("ann", "interests")]),
        (("users", "ann", "fields"), {}, [("ann", "interests")]),
        (("users", "an"), {}, []),
        (("other",), {}, []),
        ((), {"filter": {"name": "Will"}}, [("will%2Esmith", "profile")]),
        (("users",), {"filter": {"name": {"$ne": "Will"}, "age": None}, "limit": 2, "offset": 1},
         [("%2A", "interests"), ("ann", "profile")]),
        (("users",), {"filter": {"field": "name", "value": "Will"}}, [("will%2Esmith", "name")]),
        (("users",), {"filter": {"interests": ["bouldering"]}}, [("ann", "profile")]),
        (("users",), {"filter": {"age": {"$gt": 3}}}, []),
        (("users",), {"filter": {"name": {"$gte": "Wi", "$lt": "Wj"}}},
         [("will%2Esmith", "profile")]),
        (("users",), {"limit": 1, "offset": 3}, [("ann", "interests")]),
    ],
)  # fmt: skip
def test_search(
    store: Any, prefix: tuple[str, ...], asked: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """A search keeps to its namespace, its filter and its page."""
    items = store.search(prefix, **asked)
    assert found(items) == expected
    assert all(item.score is None for item in items)


def test_search_by_words(store: Any) -> None:
    """A query finds what contains a word of it, those with more of its words first."""
    items = store.search(("users",), query="Who likes Sail or chess, or boulder?", limit=3)
    assert found(items) == [("will%2Esmith", "profile"), ("will%2Esmith", "interests"),
                            ("ann", "profile")]  # fmt: skip
    assert [item.score for item in items] == [2 / 6, 2 / 6, 1 / 6]
    assert found(store.search(("users", "ann"), query="interests?")) == [
        ("ann", "profile"),
        ("ann", "interests"),
    ]
    assert store.search(("users", "ann"), query="name age or der") == []
    assert store.search(("users", "ann"), query="quantum") == []


def test_an_unknown_operator_is_an_error(store: Any) -> None:
    """A filter that cannot be understood says so, instead of finding nothing."""
    with pytest.raises(InvalidInput, match=r"no operator '\$in'; it has \$eq"):
        store.search(("users",), filter={"name": {"$in": ["Will"]}})


EVERYWHERE = [("users", label, *rest) for label in ("%2A", "ann", "will%2Esmith")
              for rest in ((), ("fields",))]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, EVERYWHERE),
        ({"prefix": ("users",), "limit": 2, "offset": 1}, EVERYWHERE[1:3]),
        ({"prefix": ("users", "ann")}, EVERYWHERE[2:4]),
        ({"prefix": ("users", "*", "fields")}, EVERYWHERE[1::2]),
        ({"prefix": ("*", "ann", "*")}, EVERYWHERE[3:4]),
        ({"suffix": ("fields",)}, EVERYWHERE[1::2]),
        ({"suffix": ("ann", "*"), "prefix": ("users",)}, EVERYWHERE[3:4]),
        ({"max_depth": 1}, [("users",)]),
        ({"max_depth": 2}, EVERYWHERE[::2]),
        ({"prefix": ("users", "nobody")}, []),
        ({"prefix": ("memories",)}, []),
        ({"prefix": ("users", "ann", "fields", "more")}, []),
    ],
)
def test_list_namespaces(
    store: Any, asked: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    """Namespaces are listed by prefix, suffix, wildcard, depth and page."""
    assert sorted(store.list_namespaces(**asked)) == sorted(expected)


def test_it_answers_as_langgraphs_own_store(memory: UserMemory) -> None:
    """Copied into LangGraph's store in memory, the same questions have the same answers."""
    ours, theirs = ProfileStore(memory), InMemoryStore()
    for item in ours.search((), limit=100):
        theirs.put(item.namespace, item.key, item.value)
    paths = [(), ("users",), ("users", "ann"), ("users", "*"), ("*", "*", "fields"), ("fields",)]
    for path in paths:
        for kind in ("prefix", "suffix"):
            for depth in (None, 1, 2, 3):
                op = ListNamespacesOp((MatchCondition(kind, path),), depth)
                assert sorted(ours.batch([op])[0]) == sorted(theirs.batch([op])[0]), op
    filters = [
        None,
        {"name": "Will"},
        {"name": {"$ne": "Will"}},
        {"interests": ["stars"]},
        {"x": 1},
    ]
    for wanted in filters:
        op = SearchOp(("users",), wanted, 100)
        assert sorted(found(ours.batch([op])[0])) == sorted(found(theirs.batch([op])[0])), op


def test_a_batch_answers_in_order(store: Any) -> None:
    """Operations of all kinds go together, each answered at its place."""
    ops = [
        ListNamespacesOp(max_depth=1),
        GetOp(("users", "nobody"), "profile"),
        SearchOp(("users", "ann", "fields")),
        GetOp(("users", "ann"), "profile"),
    ]
    names, nobody, fields, ann = store.batch(ops)
    assert names == [("users",)]
    assert nobody is None
    assert found(fields) == [("ann", "interests")]
    assert ann.value["interests"] == ["bouldering"]


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.put(("users", "ann"), "profile", {"name": "Eve"}),
        lambda store: store.put(("users", "ann"), "profile", {"no such field": [1, {}]}),
        lambda store: store.put(("notes",), "1", {"text": "mine"}),
        lambda store: store.delete(("users", "ann"), "profile"),
        lambda store: store.batch([GetOp(("users", "ann"), "profile"), PutOp(("a",), "b", {})]),
    ],
)
def test_a_write_says_what_to_call_instead(
    store: Any, memory: UserMemory, write: Callable[[Any], object]
) -> None:
    """Whatever is put or deleted, alone or among reads, is refused and named; nothing changes."""
    before = memory.recall("ann")
    with pytest.raises(InvalidInput, match=r"read-only.*memory\.edit.*memory\.forget.*remember"):
        write(store)
    assert memory.recall("ann") == before


SOMEWHERE = MatchCondition("prefix", ("users",))


@pytest.mark.parametrize(
    ("op", "error"),
    [
        (GetOp(("users", "will.smith"), "profile"), InvalidNamespaceError),
        (GetOp(("users", ""), "profile"), InvalidNamespaceError),
        (GetOp(("users", 7), "profile"), InvalidNamespaceError),  # type: ignore[arg-type]
        (PutOp(("users", "will.smith"), "profile", {}), InvalidNamespaceError),
        (SearchOp(("users", "will.smith")), InvalidNamespaceError),
        (SearchOp(("users",), limit=-1), InvalidInput),
        (SearchOp(("users",), offset=-1), InvalidInput),
        (SearchOp(("users",), filter="field"), InvalidInput),  # type: ignore[arg-type]
        (
            ListNamespacesOp(match_conditions=(MatchCondition("suffix", ("a.b",)),)),
            InvalidNamespaceError,
        ),
        (
            ListNamespacesOp(match_conditions=(MatchCondition("middle", ("a",)),)),  # type: ignore[arg-type]
            InvalidInput,
        ),
        (ListNamespacesOp(match_conditions=(SOMEWHERE,), limit=-1), InvalidInput),
        (ListNamespacesOp(offset=-1), InvalidInput),
        (ListNamespacesOp(max_depth=-1), InvalidInput),
        ("get", InvalidInput),
    ],
)
def test_a_batch_refuses_what_cannot_be(store: Any, op: Any, error: type[Exception]) -> None:
    """Operations handed over directly are looked at as closely as the store's methods look."""
    with pytest.raises(error):
        store.batch([GetOp(("users", "ann"), "profile"), op])


def test_more_users_than_a_page(tmp_path: Path) -> None:
    """Users beyond the first page are found, listed and counted once."""
    with UserMemory(f"sqlite:///{tmp_path}/memory.db", model="offline", worker=False) as memory:
        for number in range(105):
            memory.remember(f"user {number}", "1", [("user", f"I love game {number}.")])
            memory.trigger(f"user {number}")
        store = ProfileStore(memory)
        assert len(store.list_namespaces(max_depth=2, limit=1_000)) == 105
        assert len(store.list_namespaces(max_depth=2, limit=100, offset=60)) == 45
        hits = store.search(("users",), filter={"field": "interests"}, limit=1_000)
        assert len({item.namespace for item in hits}) == 105
        best = store.search(("users",), query="99", limit=1)
        assert found(best) == [("user 99", "profile")]


async def test_the_loop_is_not_blocked(memory: UserMemory) -> None:
    """Awaited reads leave the event loop's thread alone: every statement runs in another."""
    threads: set[int] = set()
    memory.driver.hook = lambda *_: threads.add(threading.get_ident())
    store = ProfileStore(memory)
    await store.aget(("users", "ann"), "profile")
    await store.asearch(("users",), query="chess")
    await store.alist_namespaces()
    memory.driver.hook = None
    assert threads
    assert threading.get_ident() not in threads


def test_in_a_graph(memory: UserMemory) -> None:
    """Compiled into a graph, its nodes read profiles from the runtime's store."""

    def greet(_: MessagesState, runtime: Runtime[None]) -> dict[str, Any]:
        assert runtime.store is not None
        item = runtime.store.get(ProfileStore.namespace("will.smith"), "profile")
        return {"messages": [("ai", f"Hello {item.value['name']}" if item else "Who?")]}

    graph = StateGraph(MessagesState)
    graph.add_node("greet", greet)
    graph.add_edge(START, "greet")
    state = graph.compile(store=ProfileStore(memory)).invoke({"messages": [("user", "hi")]})
    assert state["messages"][-1].content == "Hello Will"


async def test_in_an_agent(memory: UserMemory) -> None:
    """An agent's tool reads the store that `create_agent` was given."""

    @tool
    async def my_interests(runtime: ToolRuntime) -> str:
        """What the user likes."""
        assert runtime.store is not None
        item = await runtime.store.aget(ProfileStore.namespace("ann", fields=True), "interests")
        return ", ".join(item.value["value"]) if item else ""

    call = {"name": "my_interests", "args": {}, "id": "1"}
    model = ScriptedModel(replies=[{"tool_calls": [call]}, "You like it a lot."])
    agent = create_agent(model, [my_interests], store=ProfileStore(memory))
    state = await agent.ainvoke({"messages": [("user", "What do I like?")]})
    assert [m.content for m in state["messages"] if m.type == "tool"] == ["bouldering"]
