"""Workers are killed and stopped at random while users go on talking."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.faults.crowd import Crowd
from tests.faults.proof import proof
from tests.faults.tables import rows_of
from tests.support.postgres import fresh
from tests.support.until import until

from usermemory import UserMemory

USERS, THREADS, ROUNDS = 8, 3, 14


@pytest.fixture(params=["sqlite", "postgres"])
def crowd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crowd]:
    with (
        fresh() if request.param == "postgres" else nullcontext(f"sqlite:///{tmp_path}/memory.db")
    ) as url:
        crowd = Crowd(url, 3)
        yield crowd
        crowd.close()


def committed(url: str) -> int:
    query = "SELECT COUNT(*) FROM usermemory.consolidations WHERE outcome <> 'failed'"
    count: int = rows_of(url, query)[0][0]
    return count


def test_random_kills(crowd: Crowd) -> None:
    """Under kill -9 and SIGSTOP past the lease, over hundreds of batches, each is read once."""
    chance = random.Random(7)
    facts: list[str] = []
    with UserMemory(crowd.url, model="offline", worker=False) as memory:
        for turn in range(ROUNDS):
            for user in range(USERS):
                for thread in range(THREADS):
                    facts.append(f"thing {user} {thread} {turn}")
                    said = {"role": "user", "content": f"I like {facts[-1]}", "id": facts[-1]}
                    memory.remember(f"user{user}", f"thread{thread}", [said], delay=0.0)
            index = chance.randrange(len(crowd.workers))
            if turn % 4 == 3:
                crowd.stop_past_its_lease(index)
            else:
                crowd.kill(index)
        until(lambda: not memory.jobs(), "all to be read")
        until(lambda: not any(job.running for job in memory.jobs()), "all leases to end")
    batches = committed(crowd.url)
    crowd.close()
    print(f"{len(facts)} messages in {batches} batches, {ROUNDS} workers killed or stopped")
    assert proof(crowd.url, facts) == []
    assert batches >= 200
