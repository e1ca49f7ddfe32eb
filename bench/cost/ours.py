"""usermemory, through its real pipeline: remember, consolidate, recall."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cost.counting import Call, CountingModel, Tokens
from bench.cost.dialogues import Session
from bench.cost.reader import LIST, Reader
from bench.cost.run import Cost, Run
from bench.cost.shares import Shares, shares
from bench.cost.threads import messages

from usermemory import UserMemory, UserProfile
from usermemory.records import Refused
from usermemory.testing import FakeClock

_ATTEMPTS = 5
"""Of one thread: a batch that is halved comes back at once."""


@dataclass
class Ours:
    """What usermemory did.

    Attributes:
        run: Its calls.
        shares: Where the tokens of each first call's prompt went.
        refused: The changes that were not made.
        failed: The reasons of outcomes that failed.
    """

    run: Run
    shares: list[Shares] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def read(dialogues: Sequence[Sequence[Session]], folder: Path, schema: Any = UserProfile) -> Ours:
    """Read all dialogues, each into a database of its own."""
    done = Ours(Run("usermemory"))
    for number, sessions in enumerate(dialogues):
        _read(sessions, f"sqlite:///{folder}/dialogue-{number}.db", schema, done)
    return done


def _read(sessions: Sequence[Session], url: str, schema: Any, done: Ours) -> None:
    model = CountingModel(answer=Reader(sessions).changes)
    clock = FakeClock(sessions[0].at)
    with UserMemory(url, schema, model, worker=False, clock=clock) as memory:
        for session in sessions:
            clock.advance(max(session.at - clock.now(), 0.0))
            asked = len(model.calls)
            memory.remember(session.user, session.thread, messages(session))
            _learn(memory, session, done)
            _count(model.calls[asked:], session, memory.schema.fields, done)
        document = memory.recall(sessions[0].user).document
    done.run.look(sessions, document[LIST])


def _learn(memory: UserMemory, session: Session, done: Ours) -> None:
    for _ in range(_ATTEMPTS):
        outcomes = memory.trigger(session.user, session.thread)
        done.refused += [one for outcome in outcomes for one in outcome.rejections]
        failed = [str(one.reason) for one in outcomes if one.status == "failed"]
        done.failed += failed
        if not failed:
            return
    print(f"{session.user}, {session.thread}: {done.failed[-1]}", file=sys.stderr)


def _count(calls: Sequence[Call], session: Session, names: Collection[str], done: Ours) -> None:
    """The first call for a session reads it; further ones mend or look again."""
    done.run.costs += [
        Cost(session.number, call.prompt, call.output, first=at == 0)
        for at, call in enumerate(calls)
    ]
    done.shares += [shares(call, session, names, Tokens()) for call in calls[:1]]
