"""Dialogues of LoCoMo as threads of one user each, with the facts that a good reader would note.

The data (Maharana et al., ACL 2024; CC BY-NC 4.0) is read from where its user keeps it, and never
becomes a part of this project. Nothing is imported here but the standard library: LangMem's side
reads the same dialogues in an environment of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FEWEST_WORDS, MOST_WORDS = 3, 5
"""Of a quote: as short as a model can make it that is told to be short."""

_WORD = re.compile(r"\w[\w'’-]*")
_STEM = 4  # letters; shorter words say little


@dataclass(frozen=True)
class Turn:
    """What one of the two said at once."""

    speaker: str
    text: str
    id: str


@dataclass(frozen=True)
class Fact:
    """A fact about the user, as it was annotated, and the user's words that it rests on."""

    text: str
    quote: str


@dataclass(frozen=True)
class Session:
    """One sitting of a dialogue: a thread of its user.

    Attributes:
        user: The speaker whose profile is kept; the other one takes the assistant's place.
        number: Which of the dialogue's sessions, from 1.
        at: When it began, in seconds since the epoch; the data has no time for single turns.
        turns: What was said, in order.
        facts: What is to be learned of the user.
    """

    user: str
    number: int
    at: float
    turns: tuple[Turn, ...]
    facts: tuple[Fact, ...]

    @property
    def thread(self) -> str:
        """The thread's id."""
        return f"session-{self.number}"


def load(path: Path, only: Sequence[str] = ()) -> list[list[Session]]:
    """The dialogues of a file, each as its sessions.

    Args:
        path: ``locomo10.json`` as published, or a part of it.
        only: The ``sample_id`` of the dialogues that are wanted; empty for all.

    Raises:
        SystemExit: A dialogue that is wanted is not in the file.
    """
    found = {one["sample_id"]: one for one in json.loads(path.read_text("utf-8"))}
    if missing := set(only) - found.keys():
        raise SystemExit(f"{path} has no {', '.join(sorted(missing))}; it has {', '.join(found)}")
    return [list(_sessions(found[name])) for name in only or found]


def _sessions(sample: Mapping[str, Any]) -> Iterator[Session]:
    conversation, user = sample["conversation"], _user(sample)
    number = 1
    while turns := conversation.get(f"session_{number}"):
        said = tuple(Turn(one["speaker"], one["text"], one["dia_id"]) for one in turns)
        noted = sample["observation"][f"session_{number}_observation"].get(user, ())
        yield Session(
            user=user,
            number=number,
            at=_time(conversation[f"session_{number}_date_time"]),
            turns=said,
            facts=tuple(_fact(text, evidence, user, said) for text, evidence in noted),
        )
        number += 1


def _user(sample: Mapping[str, Any]) -> str:
    """The speaker of whom more facts are noted; the first speaker where it is the same number."""
    counts = {sample["conversation"][name]: 0 for name in ("speaker_a", "speaker_b")}
    for noted in sample["observation"].values():
        for speaker in counts:
            counts[speaker] += len(noted.get(speaker, ()))
    return max(counts, key=lambda speaker: counts[speaker])


def _time(written: str) -> float:
    """Such as "1:56 pm on 8 May, 2023", which is taken as UTC."""
    return datetime.strptime(written, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC).timestamp()


def _fact(text: str, evidence: str | Sequence[str], user: str, turns: Sequence[Turn]) -> Fact:
    named = evidence.split(",") if isinstance(evidence, str) else evidence
    return Fact(text, quote(text, _evidence(named[0].strip(), user, turns).text))


def _evidence(name: str, user: str, turns: Sequence[Turn]) -> Turn:
    """The user's turn that a fact rests on: where the other one said it, the answer to that."""
    begin = next((at for at, turn in enumerate(turns) if turn.id == name), 0)
    in_order = [*turns[begin:], *turns[:begin][::-1]]
    return next(turn for turn in in_order if turn.speaker == user)


def quote(fact: str, text: str) -> str:
    """The few words in a row that say most of a fact; the first ones where none stand out."""
    words = list(_WORD.finditer(text))
    told = {_stem(word) for word in _WORD.findall(fact) if len(word) >= _STEM}
    best, found = (-1, 0), text.strip()
    for length in range(FEWEST_WORDS, MOST_WORDS + 1):
        for begin in range(max(len(words) - length + 1, 0)):
            run = words[begin : begin + length]
            same = sum(_stem(word.group()) in told for word in run)
            if (same, -length) > best:
                best, found = (same, -length), text[run[0].start() : run[-1].end()]
    return found


def _stem(word: str) -> str:
    return word.casefold()[:_STEM]
