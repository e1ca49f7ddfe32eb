"""What a tracer sees of our calls."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run

from usermemory import UserMemory
from usermemory.extract.manner import traced_user
from usermemory.testing import ScriptedModel

USER = "will@example.com"
GOOD = {"quote": "I love tea", "who": "user", "field": "interests", "action": "add", "value": "tea"}
BAD = {"quote": "I love tea", "action": "set age", "value": "old"}
SAID = "I'm Will and I love tea"


class Traces(BaseTracer):
    """Keeps the outermost run of each call, with those inside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        """Keep an outermost run."""
        self.calls.append(run)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Traces:
    """A tracer that is told of every run of this process, in any thread, as LangSmith's is."""
    tracer = Traces()
    from langchain_core.callbacks import CallbackManager

    plain = CallbackManager.configure.__func__

    def told(cls: Any, *args: Any, **kwargs: Any) -> Any:
        manager = plain(cls, *args, **kwargs)
        if tracer not in manager.handlers:
            manager.add_handler(tracer, inherit=True)
        return manager

    monkeypatch.setattr(CallbackManager, "configure", classmethod(told))
    return tracer


def learn(path: Path, *replies: Any, **settings: Any) -> None:
    model = ScriptedModel(replies=replies)
    with UserMemory(f"sqlite:///{path}", model=model, worker=False, **settings) as memory:
        memory.remember(USER, "monday", [SAID])
        assert memory.trigger(USER)[0].status == "changed"


def asked(run: Run) -> list[Run]:
    """The runs of chat models inside of a run."""
    inside = [found for child in run.child_runs for found in asked(child)]
    return [run, *inside] if run.run_type in {"llm", "chat_model"} else inside


def seen(run: Run) -> dict[str, Any]:
    """What of a run's metadata is ours."""
    metadata = (run.extra or {}).get("metadata", {})
    return {name: value for name, value in metadata.items() if name.startswith("usermemory_")}


def test_consolidation_and_repair(tmp_path: Path, traces: Traces) -> None:
    """Each call has a name, tags, the thread, the prompt, how much it read, and a hashed user."""
    mended = {**BAD, "value": 31}
    learn(tmp_path / "m.db", {"changes": [GOOD, BAD]}, {"changes": [mended]})
    first, second = traces.calls
    assert (first.name, second.name) == ("usermemory.consolidate", "usermemory.repair")
    common = {
        "usermemory_user": "603b122a1854b105",
        "usermemory_thread": "monday",
        "usermemory_messages": 1,
    }
    assert seen(first) == {**common, "usermemory_prompt": "changes-3"}
    assert seen(second) == {**common, "usermemory_prompt": "changes-3, repair-2"}
    for run in (first, second):
        assert {"usermemory", "patch"} <= set(run.tags or ())


def test_overwriting(tmp_path: Path, traces: Traces) -> None:
    """The other strategy shows in the tags and in the prompt's version."""
    profile = {"name": "Will", "age": None, "interests": ["tea"], "core_memories": []}
    learn(tmp_path / "m.db", profile, strategy="overwrite")
    (run,) = traces.calls
    assert run.name == "usermemory.consolidate"
    assert {"usermemory", "overwrite"} <= set(run.tags or ())
    assert seen(run)["usermemory_prompt"] == "overwrite-1"


def test_the_models_own_run(tmp_path: Path, traces: Traces) -> None:
    """The model's run inside of ours carries the same marks, so that its cost can be found."""
    learn(tmp_path / "m.db", {"changes": [GOOD]})
    (inner,) = asked(traces.calls[0])
    assert seen(inner) == seen(traces.calls[0])
    assert "usermemory" in (inner.tags or ())


def test_never_the_id(tmp_path: Path, traces: Traces) -> None:
    """The user's id is nowhere in what a tracer gets: neither as metadata nor in the prompt."""
    learn(tmp_path / "m.db", {"changes": [GOOD]})
    told = "".join(repr(run.model_dump()) for run in traces.calls)
    assert "I love tea" in told, "a trace holds the conversation: that is what it is for"
    assert USER not in told


def test_in_the_worker(tmp_path: Path, traces: Traces) -> None:
    """A call of the worker's threads is marked like any other."""
    done = threading.Event()
    model = ScriptedModel(replies=[{"changes": [GOOD]}])
    with UserMemory(
        f"sqlite:///{tmp_path}/m.db",
        model=model,
        delay=0,
        on_event=lambda event: done.set() if event.kind == "consolidated" else None,
    ) as memory:
        memory.remember(USER, "monday", [SAID])
        assert done.wait(30)
    assert seen(traces.calls[0])["usermemory_thread"] == "monday"


def test_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the hash is the same everywhere; with one, only its holders can make it."""
    plain = traced_user(USER)
    monkeypatch.setenv("USERMEMORY_TRACE_KEY", "one")
    one = traced_user(USER)
    monkeypatch.setenv("USERMEMORY_TRACE_KEY", "two")
    assert len({plain, one, traced_user(USER)}) == 3
    assert {len(hashed) for hashed in (plain, one)} == {16}
