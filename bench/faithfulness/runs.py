"""Cases through the real pipeline: remember, trigger, recall, a real file database."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.faithfulness.cases import Case
from bench.faithfulness.marking import Marked, Marks, mark
from langchain_openai import ChatOpenAI

from usermemory import Outcome, Revision, UserMemory
from usermemory.store.driver import Flow
from usermemory.store.flows import lock_user, revise

Verify = Literal["auto", "always", "off"]
Strategy = Literal["patch", "overwrite"]
LONGEST_ANSWER = 1_000
"""Tokens; a small model that loops would go on for minutes."""


@dataclass
class Result:
    """What became of one case.

    Attributes:
        case: Which.
        marked: What its profile is worth at the end.
        outcomes: Of each batch.
        document: The profile at the end.
    """

    case: Case
    marked: Marked
    outcomes: list[Outcome]
    document: Mapping[str, Any]

    @property
    def calls(self) -> int:
        """Model calls, second looks included."""
        return sum(outcome.usage.calls for outcome in self.outcomes)


@dataclass
class Run:
    """One setting over some cases.

    Attributes:
        name: What the tables call it.
        results: One for each case.
    """

    name: str
    results: list[Result] = field(default_factory=list[Result])

    @property
    def marks(self) -> Marks:
        """All together."""
        return sum((result.marked.marks for result in self.results), Marks())

    @property
    def outcomes(self) -> list[Outcome]:
        """Of every batch of every case."""
        return [outcome for result in self.results for outcome in result.outcomes]


def model(url: str, name: str, *, small: bool) -> ChatOpenAI:
    """The real provider class, at a recorder."""
    longest: dict[str, Any] = {"max_tokens": LONGEST_ANSWER} if small else {}
    return ChatOpenAI(
        base_url=url,
        api_key="none",  # type: ignore[arg-type] - a plain string does as well
        model=name,
        temperature=0,
        timeout=4_000,
        max_retries=0,
        **longest,
    )


def run(
    name: str,
    cases: Sequence[Case],
    chat: Any,
    verify: Verify = "auto",
    strategy: Strategy = "patch",
    parallel: int = 1,
) -> Run:
    """Put each case through a memory of its schema.

    Args:
        name: For the tables.
        cases: Each is a user of its own; the sessions of one follow each other.
        chat: The chat model that proposes and takes the second look.
        verify: As for `UserMemory`.
        strategy: The same.
        parallel: How many users at a time.
    """
    with tempfile.TemporaryDirectory() as folder:
        memories = {
            schema.name: UserMemory(
                f"{folder}/{schema.name}.db",
                schema,
                chat,
                verify=verify,
                strategy=strategy,
                worker=False,
            )
            for schema in {case.schema for case in cases}
        }
        with ThreadPoolExecutor(parallel) as pool:
            results = [*pool.map(lambda case: _result(memories[case.schema.name], case), cases)]
        for memory in memories.values():
            memory.close()
    return Run(name, results)


def _result(memory: UserMemory, case: Case) -> Result:
    if any(case.profile.values()):
        memory.driver.write(_known, case.id, case.profile, case.schema.fingerprint)
    outcomes: list[Outcome] = []
    for number, session in enumerate(case.sessions):
        memory.remember(case.id, f"session-{number}", list(session.messages))
        outcomes += memory.trigger(case.id)
    document = dict(memory.recall(case.id).document)
    return Result(case, mark(case, document), outcomes, document)


def _known(user_id: str, document: Mapping[str, Any], fingerprint: str) -> Flow[None]:
    """Have a profile from before, as if it had been learned some time ago."""
    user = yield from lock_user(user_id)
    revision = Revision(user.revision + 1, user.now, "model", (), fingerprint=fingerprint)
    yield from revise(user_id, document, {}, revision)
