"""Never run, only checked by mypy and pyright: the public names have the types they promise."""

from __future__ import annotations

from typing import Any, assert_type
from uuid import UUID

from langchain.agents.middleware import AgentMiddleware
from langchain_core.tools import BaseTool

from usermemory import (
    Change,
    Evidence,
    Forgotten,
    Imported,
    Job,
    Outcome,
    Proof,
    Recalled,
    Revision,
    Scheduled,
    Snapshot,
    Undone,
    UserMemory,
    UserProfile,
)
from usermemory.langgraph import UserMemoryMiddleware, memory_tools
from usermemory.records import Proposed, Refused


def plain(memory: UserMemory) -> None:
    assert_type(memory.remember("will", "t", [("user", "hello")]), Scheduled)
    assert_type(memory.recall("will", tail=True), Recalled)
    assert_type(memory.recall("will").render(max_tokens=500), str)
    assert_type(memory.trigger("will"), list[Outcome])
    assert_type(memory.history("will"), list[Revision])
    assert_type(memory.why("will", "interests", "chess"), list[Evidence])
    assert_type(memory.refused("will", "diet", limit=5), list[Refused])
    assert_type(memory.jobs("dead"), list[Job])
    assert_type(memory.edit("will", {"age": 31}, by="will", revision=3), Revision | None)
    assert_type(memory.undo("will", 3), Undone)
    assert_type(memory.snapshot("will", 2), Snapshot)
    assert_type(memory.undo_thread("will", "t"), Undone)
    assert_type(memory.forget("will", "interests", "chess"), Forgotten)
    assert_type(memory.forget_message("will", "t", "m1"), Forgotten)
    assert_type(memory.forget_user("will"), Forgotten)
    assert_type(memory.import_("will", {}), Imported)
    assert_type(memory.verify_erased("will", "chess"), Proof)
    memory.edit("will", {})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(memory.backfill("will", "t", ["hello"], before=1.0), Scheduled)
    assert_type(memory.news("will", "t", ["hello"]).new, int)
    assert_type(memory.profiles(), list[tuple[str, Recalled]])
    assert_type(memory.remember(7, UUID(int=7), []), Scheduled)
    memory.remember(7.0, "t", [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    memory.jobs("lost")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaited() -> None:
    async with UserMemory("sqlite:///memory.db", schema=UserProfile, model="offline") as memory:
        assert_type(await memory.aremember("will", "t", ["hello"], delay=0), Scheduled)
        assert_type(await memory.arecall("will"), Recalled)
        assert_type(await memory.abackfill("will", "t", ["hello"], said={"1": 1.0}), Scheduled)
        assert_type(await memory.aprofiles(limit=5), list[tuple[str, Recalled]])
        assert_type(await memory.atrigger_all(), list[Outcome])
        assert_type(await memory.aretry("will", "t"), bool)
        assert_type(await memory.adrop("will", "t"), int)


def agents(memory: UserMemory) -> None:
    assert_type(memory_tools(memory), list[BaseTool])
    memory_tools(memory, lambda config, context: str(context["user_id"]), on_error="raise")
    ours = UserMemoryMiddleware(memory, tail=False, max_tokens=500, on_error="raise")
    middleware: list[AgentMiddleware[Any, Any, Any]] = [ours]
    assert_type(middleware[0].name, str)
    UserMemoryMiddleware(memory, on_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserMemoryMiddleware("memory.db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    memory_tools("memory.db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def proposals(memory: UserMemory) -> None:
    change = Change("interests", "add", "chess", "I love chess")
    said = ["I love chess."]
    assert_type(memory.propose("will", "t", [change], said), Proposed)
    assert_type(await memory.apropose("will", "t", [change], said, by="me"), Proposed)
    erased = memory.propose_erasure("will", "t", "interests", "chess", "forget chess", said)
    assert_type(erased, Forgotten | Refused)
    memory.propose("will", "t", ["chess"], said)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
