"""Whose words a turn brought is told by the newest input alone where that says all of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import CheckpointTuple

from usermemory.langgraph.arrivals import Arrival, Look, in_newest_turn
from usermemory.langgraph.identity import Run

SAID = HumanMessage("I love chess.", id="m1")
BEFORE = HumanMessage("I love tea.", id="m0")
HERE = "1f0-here"


def config(first: int = 4) -> Any:
    """Of a run whose first checkpoint has that step."""
    scratchpad = SimpleNamespace(stop=first + 1 + 25)
    inside = {"checkpoint_map": {"": HERE}, "__pregel_scratchpad": scratchpad, "thread_id": "t"}
    return {"configurable": inside, "recursion_limit": 25}


def an_input(**other: Any) -> CheckpointTuple:
    """The checkpoint that a run leaves as it begins, with something else about it."""
    given = {"messages": [other.get("given", SAID)]}
    there = other.get("there", [BEFORE])
    checkpoint: Any = {"id": "1f0-began", "channel_values": {"__start__": given, "messages": there}}
    metadata: Any = {"user_id": "ann", "source": "input", "step": 4, **other}
    at: Any = {"configurable": {"thread_id": "t", "checkpoint_id": "1f0-began"}}
    return CheckpointTuple(at, checkpoint, metadata)


def asked(found: list[CheckpointTuple], *, usual: bool = True) -> Look | dict[str, Arrival]:
    """What comes of the first look: all that is to be known, or the next look."""
    run = Run("ann", "t", None, keep=True, graph="", usual=usual, saved=True)
    looking = in_newest_turn(config(), run, {"m1": SAID})
    try:
        first = next(looking)
        return looking.send(found) if first == Look(before=HERE) else first
    except StopIteration as ended:
        return ended.value  # type: ignore[no-any-return]


def test_one_look_does() -> None:
    """The run's own input, which brought the message, is all that is loaded."""
    assert asked([an_input()]) == {"m1": Arrival("ann", own=True, handed=True)}


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": "eve"},
        {"step": 5},
        {"source": "loop"},
        {"given": BEFORE},
        {"there": [BEFORE, HumanMessage("I love golf.", id="m1")]},
    ],
)
def test_another_input_proves_nothing(other: dict[str, Any]) -> None:
    """Another user's, another step's, one without the message or with its id there before."""
    assert asked([an_input(**other)]) == Look(limit=2, since=HERE, until=HERE)


def test_nothing_is_taken_for_granted() -> None:
    """Without that input, or where the metadata may name somebody else, it is looked up too."""
    slow = Look(limit=2, since=HERE, until=HERE)
    assert asked([]) == slow
    assert asked([an_input()], usual=False) == slow
