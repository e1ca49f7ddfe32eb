"""Worker processes are fair: nobody waits for a busy user, or for a poisoned thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults.crowd import Crowd
from tests.faults.tables import change, rows_of
from tests.support.postgres import fresh
from tests.support.until import until

from usermemory import UserMemory
from usermemory.store.driver import tables

THREADS = 1_000
OTHERS = [f"user{number}" for number in range(20)]


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.fixture
def memory(url: str) -> Iterator[UserMemory]:
    with UserMemory(url, model="offline", worker=False, delay=0.0) as memory:
        yield memory


def multiply_threads(url: str) -> None:
    """Let the only thread of the busy user stand a thousand times in the database."""
    for table in ("threads", "inbox"):
        columns = tables()[table]
        values = ["'t' || n" if column == "thread_id" else column for column in columns]
        change(
            url,
            f"INSERT INTO usermemory.{table} ({', '.join(columns)}) SELECT {', '.join(values)} "
            f"FROM usermemory.{table}, generate_series(2, {THREADS}) AS n WHERE user_id = 'busy'",
        )


def unread(url: str, which: str) -> int:
    """How many threads wait, of the busy user (``=``) or of the others (``<>``)."""
    query = f"SELECT COUNT(*) FROM usermemory.threads WHERE unread > 0 AND user_id {which} 'busy'"
    count: int = rows_of(url, query)[0][0]
    return count


def test_a_user_with_a_thousand_threads(url: str, memory: UserMemory) -> None:
    """Who has a thousand threads due holds up nobody who came later, and is served as well."""
    memory.remember("busy", "t1", ["I like tea"])
    multiply_threads(url)
    for user in OTHERS:
        memory.remember(user, "t", [f"I like {user}"])
    crowd = Crowd(url, 1, threads=1)  # with more, the others would be read beside the busy one
    until(lambda: unread(url, "<>") == 0, "the others to be read")
    read = THREADS - unread(url, "=")
    until(lambda: THREADS - unread(url, "=") > read, "the busy user to go on")
    crowd.close()
    print(f"{read} of {THREADS} threads had been read when all others were")
    assert read < THREADS / 5
    assert [memory.recall(user).document["interests"] for user in OTHERS] == [
        [user] for user in OTHERS
    ]


def test_a_poisoned_thread(url: str, memory: UserMemory) -> None:
    """A turn that the model chokes on holds up neither its user's other threads nor anybody."""
    memory.remember("will", "a", ["I like poison"])
    for user in ("will", "ana"):
        for thread in "bcdef":
            memory.remember(user, thread, [f"I like {thread}{thread}"])
    crowd = Crowd(url, 2)
    until(
        lambda: [(job.user_id, job.thread_id) for job in memory.jobs()] == [("will", "a")],
        "all but the poisoned thread to be read",
    )
    until(lambda: memory.jobs()[0].attempts > 0, "the poisoned thread to be tried")
    crowd.close()
    outcomes = rows_of(url, "SELECT outcome, COUNT(*) FROM usermemory.consolidations GROUP BY 1")
    assert dict(outcomes)["changed"] == 10
    for user in ("will", "ana"):
        assert sorted(memory.recall(user).document["interests"]) == ["bb", "cc", "dd", "ee", "ff"]
