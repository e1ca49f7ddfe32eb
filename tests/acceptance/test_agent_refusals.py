"""What the middleware refuses, and what it says then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from tests.support.agents import answering
from tests.support.graphs import memory_in

from usermemory import UserMemory
from usermemory.errors import ConfigurationError, IdentityError, StoreError
from usermemory.langgraph import UserMemoryMiddleware

HELLO: Any = {"messages": [("user", "My name is Will.")]}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[UserMemory]:
    with memory_in(tmp_path) as memory:
        yield memory


def run(memory: UserMemory, context: Any, thread_id: str | None = "1", **options: Any) -> str:
    """One turn of an agent without a checkpointer."""
    bot = create_agent(answering(), middleware=[UserMemoryMiddleware(memory, **options)])
    config: Any = {"configurable": {"thread_id": thread_id}} if thread_id else {}
    state: Any = bot.invoke(HELLO, config, context=context)
    answer: str = state["messages"][-1].text
    return answer


def test_a_run_without_a_user_is_refused(memory: UserMemory) -> None:
    """Nothing is guessed: the run fails, and says where the user can be named."""
    with pytest.raises(IdentityError, match="context=.*user_id.*configurable"):
        run(memory, None)
    with pytest.raises(IdentityError, match="nobody says who the user is"):
        run(memory, {"tenant": "acme"})
    assert memory.jobs() == []


def test_a_function_may_name_the_user(memory: UserMemory) -> None:
    """``user_id=`` sees the run's config and context."""
    run(memory, {"tenant": "acme"}, user_id=lambda _, context: f"will@{context['tenant']}")
    assert [job.user_id for job in memory.jobs()] == ["will@acme"]


def test_without_a_checkpointer_a_thread_is_named_all_the_same(memory: UserMemory) -> None:
    """A run without a thread fails and says what to pass; one that is not remembered needs none."""
    with pytest.raises(IdentityError, match="names no thread.*thread_id.*remember=False"):
        run(memory, {"user_id": "will"}, None)
    assert run(memory, {"user_id": "will", "remember": False}, None) == "Noted."
    assert memory.jobs() == []
    assert run(memory, {"user_id": "will"}) == "Noted."
    assert [job.unread for job in memory.jobs()] == [2]


def test_a_run_may_go_unremembered(memory: UserMemory) -> None:
    """What was said with ``remember=False`` is never learned, in a named thread either."""
    run(memory, {"user_id": "will", "remember": False})
    assert memory.trigger("will") == []


def test_one_agent_takes_one_of_them(memory: UserMemory) -> None:
    """Two of ours in an agent are refused when it is built, by a text that says so."""
    two: list[Any] = [UserMemoryMiddleware(memory), UserMemoryMiddleware(memory, tail=False)]
    with pytest.raises(ConfigurationError, match="two UserMemoryMiddleware in one agent"):
        create_agent(answering(), middleware=two)
    with pytest.raises(AssertionError, match="duplicate middleware"):
        create_agent(answering(), middleware=[two[0], two[0]])
    assert [one.name == "UserMemoryMiddleware" for one in two] == [True, True]


def test_tests_may_want_the_failure(memory: UserMemory, tmp_path: Path) -> None:
    """With ``on_error="raise"`` the turn fails with the store's error."""
    memory.recall("will")
    for path in tmp_path.glob("memory.db*"):
        path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        run(memory, {"user_id": "will"}, on_error="raise")


def test_without_langchain_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the package works without langchain; the middleware names the extra."""
    import usermemory.langgraph as package

    monkeypatch.delitem(sys.modules, "usermemory.langgraph.middleware")
    monkeypatch.delattr(package, "middleware", raising=False)
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware", None)
    assert package.create_chatbot
    with pytest.raises(ConfigurationError, match=r"pip install 'usermemory\[agents\]'"):
        _ = package.UserMemoryMiddleware
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = package.Nonsense  # type: ignore[attr-defined]
