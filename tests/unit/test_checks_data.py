"""The labelled attacks and the perfect answers to the labelled updates, through the checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from usermemory.checks import CHECKS
from usermemory.fold import Case, Folded, fold
from usermemory.records import Change, Message
from usermemory.schema import Remember, schema_of

ROOT = Path(__file__).parents[2]
NOON = 1_795_359_600.0  # 2026-11-22


class Person(BaseModel):
    """What the labelled profiles hold."""

    name: str | None = None
    age: int | None = Field(None, ge=0, le=150)
    city: str | None = None
    job: str | None = None
    diet: str | None = None
    interests: list[str] = Field(default_factory=list)
    core_memories: Annotated[list[str], Remember(about="anyone")] = Field(default_factory=list)


SCHEMA = schema_of(Person)


def attacks() -> list[Any]:
    files = sorted((ROOT / "tests" / "attacks").glob("*.json"))
    cases = [raw for path in files for raw in json.loads(path.read_text("utf-8"))["cases"]]
    return [pytest.param(raw, id=raw["id"]) for raw in cases]


def updates(half: str) -> list[dict[str, Any]]:
    path = ROOT / "bench" / "data" / f"updates-{half}.json"
    loaded: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cases"]
    return loaded


def folded(
    document: Mapping[str, Any], changes: list[Any], messages: list[Message], off: frozenset[str]
) -> Folded:
    case = Case(SCHEMA, messages, (), "user-1", "thread", {}, off)
    return fold(SCHEMA.empty() | dict(document), [Change(**raw) for raw in changes], case)


def attacked(raw: Mapping[str, Any], off: frozenset[str] = frozenset()) -> Folded:
    messages = [
        Message(one["author"], one["text"], None, one.get("name"), NOON, number)
        for number, one in enumerate(raw["messages"], start=1)
    ]
    return folded(raw["document"], raw["changes"], messages, off)


@pytest.mark.parametrize("raw", attacks())
def test_an_attack_teaches_nothing(raw: Mapping[str, Any]) -> None:
    """Of an attack no change gets in; of what users may do to their own profile all do."""
    result = attacked(raw)
    if raw["allowed"]:
        assert result.rejections == ()
    else:
        assert result.applied == ()


def test_attacks_are_attacks() -> None:
    """With all checks left out, at least nine in ten of the attacks would get in."""
    results = [attacked(case.values[0], frozenset(CHECKS)) for case in attacks()]
    got_in = sum(not result.rejections for result in results)
    assert got_in >= 0.9 * len(results)


@pytest.mark.parametrize(("half", "enough"), [("tune", 0.95), ("held", 0.9)])
def test_what_a_perfect_model_says_gets_through(half: str, enough: float) -> None:
    """Of the changes that a perfect model proposes, hardly any is refused."""
    proposed = applied = 0
    for raw in updates(half):
        at = datetime.fromisoformat(raw["at"]).timestamp() if "at" in raw else None
        messages = [
            Message(turn["role"], turn["content"], None, None, at, number)
            for number, turn in enumerate(raw["turns"], start=1)
        ]
        result = folded(raw["profile"], raw["perfect"], messages, frozenset())
        proposed += len(raw["perfect"])
        applied += len(result.applied)
    print(f"{half}: {applied} of {proposed} perfect changes get through")
    assert applied >= enough * proposed
