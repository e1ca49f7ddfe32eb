"""An extractor of one's own may answer anything: each answer is an outcome with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from usermemory import UserMemory
from usermemory.extract import Extraction
from usermemory.records import Change, Usage
from usermemory.testing import FakeClock

WILL = Change("name", "set", "Will", "I'm Will")


class Answering:
    """An extractor that answers what a test says.

    Args:
        answer: Called for each batch.
    """

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.asked = 0

    def extract(self, request: Any) -> Any:
        """The answer."""
        self.asked += 1
        return self.answer()


def learned(tmp_path: Any, answer: Callable[[], Any]) -> tuple[Any, Any, Answering]:
    """What came of one batch, the profile's name, and the extractor."""
    extractor = Answering(answer)
    where = f"sqlite:///{tmp_path}/memory.db"
    with UserMemory(where, model=extractor, worker=False, clock=FakeClock()) as memory:
        memory.remember("will", "1", [("user", "Hi, I'm Will")])
        (outcome,) = memory.trigger("will")
        return outcome, memory.recall("will").document["name"], extractor


ODD: list[Any] = [
    Change(None, "set", "x", "I'm Will"),  # type: ignore[arg-type]
    Change("name", "set", "x", None),  # type: ignore[arg-type]
    Change("name", "set", "x", "I'm Will", key=5),  # type: ignore[arg-type]
    Change("age", "set", 10**5_000, "I'm Will"),
    "no change",
]


@pytest.mark.parametrize("odd", ODD, ids=["field", "quote", "key", "huge", "text"])
def test_a_change_that_is_none_is_refused_alone(tmp_path: Any, odd: Any) -> None:
    """The good change beside it is made."""
    outcome, name, _ = learned(tmp_path, lambda: Extraction((odd, WILL)))
    assert (outcome.status, name) == ("changed", "Will")
    assert [one.reason for one in outcome.rejections] == ["wrong_type"]


@pytest.mark.parametrize(
    "extraction",
    [
        Extraction((WILL,), model=["x"]),  # type: ignore[arg-type]
        Extraction((WILL,), model="a\ud800\0"),
        Extraction((WILL,), prompt=object()),  # type: ignore[arg-type]
        Extraction((WILL,), Usage(input_tokens=float("nan"))),  # type: ignore[arg-type]
        Extraction((WILL,), Usage(-1, 2**80)),
    ],
)
def test_names_and_counts_lose_nothing(tmp_path: Any, extraction: Extraction) -> None:
    """A model's name and its usage may be anything; what was learned is stored."""
    assert learned(tmp_path, lambda: extraction)[:2][1] == "Will"


def cancelled() -> Any:
    """As a model's client may end."""
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: None, "unusable"),
        (lambda: Extraction((WILL,) * 10_000), "too_many"),
        (cancelled, "extractor_error"),
    ],
)
def test_no_answer_is_an_attempt(tmp_path: Any, answer: Callable[[], Any], reason: str) -> None:
    """It is an outcome with its reason, and nothing is raised."""
    outcome, name, extractor = learned(tmp_path, answer)
    assert (outcome.status, outcome.reason, name) == ("failed", reason, None)
    assert extractor.asked == 1


def test_a_proposal_has_the_same_limits(tmp_path: Any) -> None:
    """More changes at once than `max_changes` are refused, by a tool as in the background."""
    where = f"sqlite:///{tmp_path}/memory.db"
    changes = [Change("interests", "add", word, f"love {word}") for word in ("tea", "golf", "go")]
    said = [("user", "I love tea and love golf and love go")]
    with UserMemory(where, worker=False, max_changes=2, verify="off") as memory:
        proposed = memory.propose("will", "1", changes, said)
        assert proposed.revision is None
        assert {one.reason for one in proposed.rejections} == {"too_many"}
        assert memory.propose("will", "1", changes[:2], said).revision is not None
