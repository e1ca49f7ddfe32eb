"""The perfect answers to the labelled updates, through the checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.attacks import Person

from usermemory.fold import Case, Folded, fold
from usermemory.records import Change, Message
from usermemory.schema import schema_of

ROOT = Path(__file__).parents[2]
SCHEMA = schema_of(Person)


def updates(half: str) -> list[dict[str, Any]]:
    path = ROOT / "bench" / "data" / f"updates-{half}.json"
    loaded: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cases"]
    return loaded


def folded(
    document: Mapping[str, Any], changes: list[Any], messages: list[Message], off: frozenset[str]
) -> Folded:
    case = Case(SCHEMA, messages, (), "user-1", "thread", {}, off)
    return fold(SCHEMA.empty() | dict(document), [Change(**raw) for raw in changes], case)


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
