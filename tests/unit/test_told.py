"""What a run was told of its user."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langgraph.runtime import RunControl, Runtime

from usermemory.langgraph.identity import ByRun, Run

RUN = Run(user_id="will", thread_id="1", delay=None, keep=True, graph="")


def test_each_run_is_told_for_itself() -> None:
    """Another run, user, thread or inner graph is told anew, should they share a stream writer."""
    told: ByRun[str] = ByRun()
    runtime: Runtime[Any] = Runtime(control=RunControl())
    told.put(runtime, RUN, "Will")
    assert told.get(runtime, RUN) == "Will"
    assert told.get(replace(runtime, control=RunControl()), RUN) is None
    for other in ({"user_id": "ana"}, {"thread_id": "2"}, {"graph": "tools:1"}):
        assert told.get(runtime, replace(RUN, **other)) is None
    told.drop(runtime, RUN)
    assert told.get(runtime, RUN) is None


def test_a_call_outside_of_a_run() -> None:
    """Without a runtime nothing is kept, and the text is told all the same."""
    told: ByRun[str] = ByRun()
    assert told.put(None, RUN, "Will") == "Will"
    assert told.get(None, RUN) is None
    told.drop(None, RUN)
