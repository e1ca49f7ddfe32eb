"""What one update of a long profile costs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from bench.cost.counting import CountingModel
from bench.cost.dialogues import Fact, Session, Turn
from bench.cost.reader import LIST, Reader
from bench.cost.threads import messages
from bench.table import Figure
from pydantic import BaseModel, Field

from usermemory import Remember, UserMemory
from usermemory.testing import FakeClock

SIZES = (400, 800, 4_000)

SAME = 1.02
"""A ratio up to which two prompts count as equal: which items are shown makes so much."""

_USER = "Robin"
_NOON = 1_795_694_400.0  # 2026-11-26
_DID = ("Visited", "Moved to", "Worked in", "Wants to see", "Learned to swim in", "Got lost in")
_WHERE = ("Lisbon", "Graz", "Oslo", "Porto", "Leeds", "Kyoto", "Quito", "Turin", "Ghent", "Riga")
_WITH = ("with a sister", "with Ben", "with two friends", "with the choir", "with a colleague")
_WHEN = ("in spring", "one winter", "last summer", "on a Sunday", "for a year", "at Easter")
_AND = ("and liked the trams", "and hated the rain", "and ate too much", "and came home ill")


class LongProfile(BaseModel):
    """A profile whose list may grow."""

    name: str | None = Field(None, description="The user's own name")
    core_memories: Annotated[list[str], Remember(about="anyone", max_items=10_000)] = Field(
        default_factory=list, description="Facts about the user's life; one short sentence each"
    )


def figures(sizes: Sequence[int], folder: Path) -> list[Figure]:
    """Tokens of the prompt of one update, for each size beside the one before."""
    found = [(size, _prompt(size, folder)) for size in sizes]
    lines = [Figure(f"{size:,} items", f"{prompt:,}", "", None) for size, prompt in found]
    if len(found) > 1:
        (size, prompt), (long, most) = found[-2:]
        name = f"prompt with {long:,} / {size:,} items"
        lines.append(Figure(name, f"{most:,}", f"{prompt:,}", most / prompt, SAME, "<="))
    return lines


def _prompt(size: int, folder: Path) -> int:
    session = _session()
    model = CountingModel(answer=Reader([session]).changes)
    url = f"sqlite:///{folder}/items-{size}.db"
    limits = {"max_profile": 10_000_000}
    clock = FakeClock(_NOON)
    with UserMemory(url, LongProfile, model, worker=False, clock=clock, **limits) as memory:
        memory.edit(_USER, {"name": None, LIST: profile(size)}, by="bench")
        clock.advance(3_600.0)
        memory.remember(_USER, session.thread, messages(session))
        (outcome,) = memory.trigger(_USER, session.thread)
    if outcome.status == "failed" or not model.calls:
        raise RuntimeError(f"the update of {size} items ended as {outcome.status}")
    return model.calls[0].prompt


def profile(size: int) -> list[str]:
    """So many items, the same ones each time, no two alike, each of about as many tokens."""
    draw = random.Random(7)
    parts = (_DID, _WHERE, _WITH, _WHEN, _AND)
    return [
        f"{' '.join(draw.choice(part) for part in parts)}, {1950 + number % 75} ({number:04})"
        for number in range(size)
    ]


def _session() -> Session:
    said = (
        "Back from a week in Porto with my sister, the trams are still great.",
        "How nice! What did you do there?",
        "Mostly we walked. And I have started to play the cello, by the way.",
        "The cello! Do you have a teacher?",
        "Yes, twice a week, in the evenings.",
    )
    speakers = (_USER, "assistant")
    turns = tuple(Turn(speakers[at % 2], text, f"D1:{at}") for at, text in enumerate(said))
    facts = (
        Fact("Spent a week in Porto with a sister", "a week in Porto"),
        Fact("Plays the cello", "started to play the cello"),
    )
    return Session(_USER, 1, _NOON + 3_600.0, turns, facts)
