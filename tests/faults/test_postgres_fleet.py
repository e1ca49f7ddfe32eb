"""Several worker processes on one server, and what goes wrong on real machines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from tests.faults.crowd import Crowd
from tests.faults.proof import proof
from tests.faults.tables import change, rows_of
from tests.faults.worker_process import WrongClock
from tests.support.postgres import fresh
from tests.support.proxy import CutEach, Proxy
from tests.support.until import until

from usermemory import UserMemory
from usermemory.conformance.harness import Listener, background
from usermemory.errors import ExtractionError, StoreFull


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


@pytest.fixture
def memory(url: str) -> Iterator[UserMemory]:
    """A chat process: it remembers and recalls, and never consolidates."""
    with UserMemory(url, model="offline", worker=False, delay=0.0) as memory:
        yield memory


def said(fact: str) -> dict[str, str]:
    return {"role": "user", "content": f"I like {fact}", "id": fact}


def say(memory: UserMemory, turn: object, users: int = 6, threads: int = 2) -> list[str]:
    """Everybody says one more thing in each of their threads; what they said."""
    facts: list[str] = []
    for user in range(users):
        for thread in range(threads):
            facts.append(f"thing {user} {thread} {turn}")
            memory.remember(f"user{user}", f"thread{thread}", [said(facts[-1])])
    return facts


def all_read(memory: UserMemory) -> None:
    until(lambda: not memory.jobs(), "all to be read")


def claims_and_batches(url: str) -> tuple[int, int]:
    """How many times somebody was claimed, and how many batches were committed."""
    ((claims,),) = rows_of(url, "SELECT CAST(SUM(token) AS BIGINT) FROM usermemory.users")
    ((batches,),) = rows_of(url, "SELECT COUNT(*) FROM usermemory.consolidations")
    return claims, batches


def test_wrong_clocks(url: str, memory: UserMemory) -> None:
    """Hosts whose clocks are wrong by ten minutes break no lease and let nobody wait.

    Each claim has led to its own commit, which it only can while nobody else claims the user.
    """
    crowd = Crowd(url, 3, lease=30.0, skews=(-600.0, 0.0, 600.0))
    facts = [fact for turn in range(10) for fact in say(memory, turn)]
    all_read(memory)
    crowd.close()
    claims, batches = claims_and_batches(url)
    print(f"{len(facts)} messages in {batches} batches of {claims} claims")
    assert claims == batches
    assert proof(url, facts) == []


@pytest.mark.parametrize("skew", [-600.0, 600.0])
def test_a_trigger_where_the_clock_is_wrong(url: str, skew: float) -> None:
    """A trigger leaves a failed batch to its backoff, and a halved one it goes on with at once."""
    listener = Listener()
    listener.failing = ConnectionError("cut")
    with UserMemory(url, model=listener, worker=False, clock=WrongClock(skew)) as memory:
        memory.remember("will", "t", ["I like tea", ("assistant", "Nice"), "I like cats"])
        assert [outcome.status for outcome in memory.trigger("will")] == ["failed"]
        listener.failing = None
        listener.refusing = lambda batch: (
            ExtractionError("cut off", "truncated") if len(batch) > 2 else None
        )
        statuses = [outcome.status for outcome in memory.trigger("will")]
        assert statuses == ["failed", "changed", "changed"]


def test_a_server_in_trouble(url: str, memory: UserMemory, tmp_path: Path) -> None:
    """A full disk and statements that time out delay workers and chats, and lose nothing."""
    impatient = f"{url}&options={quote('-c statement_timeout=150')}"
    crowd = Crowd(impatient, 2, log=tmp_path / "errors")
    schema = url.rpartition("schema=")[2]
    body = "BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END"
    change(url, f"CREATE FUNCTION {schema}.f() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    facts: list[str] = []
    for turn in range(4):
        for table in ("inbox", "consolidations"):
            change(
                url,
                f"CREATE TRIGGER full_disk BEFORE INSERT ON usermemory.{table} "
                f"EXECUTE FUNCTION {schema}.f()",
            )
            if table == "inbox":
                with pytest.raises(StoreFull, match="no room"):
                    memory.remember("user0", "thread0", [said(f"thing 0 0 {turn}")])
            else:
                facts += say(memory, turn)
                until(lambda turn=turn: crowd.said().count("no room") > turn, "a full disk")
            change(url, f"DROP TRIGGER full_disk ON usermemory.{table}")
        facts += say(memory, f"{turn} again")
        with psycopg.connect(urlsplit(url)._replace(query="").geturl()) as admin:
            admin.execute(f"LOCK TABLE {schema}.threads IN ACCESS EXCLUSIVE MODE".encode())
            until(lambda turn=turn: crowd.said().count("took too long") > turn, "a time-out")
    all_read(memory)
    crowd.close()
    assert proof(url, facts) == []


def test_workers_whose_connections_are_cut(url: str, memory: UserMemory, tmp_path: Path) -> None:
    """Each statement of a worker is cut off once before and once after the server has it."""
    proxy = Proxy(urlsplit(url).port or 5432)
    through = urlsplit(url)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
    crowd = Crowd(through, 2, log=tmp_path / "errors")
    proxy.rule = rule = CutEach()
    facts: list[str] = []
    for turn in range(100):
        facts += say(memory, turn, users=4)
        if rule.quiet >= 500:
            break
        all_read(memory)
    all_read(memory)
    crowd.close()
    proxy.close()
    print(f"{len(facts)} messages, {len(rule.cut)} statements cut twice")
    assert proof(url, facts) == []
    for words in (b"token + 1", b"BEGIN", b"COMMIT", b"lease_until = 0", b".revisions"):
        assert any(words in statement for statement in rule.cut), words


def test_chats_go_on_without_any_worker(url: str) -> None:
    """While every worker is dead people talk on and are known by their words; later all is read."""
    crowd = Crowd(url, 2)
    users = [f"user{number}" for number in range(10)]
    facts: list[str] = []

    async def talk(memory: UserMemory, turn: int) -> None:
        async def one(user: str) -> None:
            fact = f"{user} thing {turn}"
            facts.append(fact)
            await memory.aremember(user, f"thread{turn % 3}", [said(fact)])
            recalled = await memory.arecall(user, tail=True)
            told = [*recalled.document["interests"], *(words.text for words in recalled.tail)]
            assert any(fact in text for text in told)

        await asyncio.gather(*(one(user) for user in users))

    async def day() -> None:
        async with UserMemory(url, model="offline", worker=False, delay=0.0) as memory:
            for turn in range(3):
                await talk(memory, turn)
            await asyncio.to_thread(crowd.close)
            for turn in range(3, 8):
                await talk(memory, turn)
            waiting = await memory.ajobs()
            assert {job.user_id for job in waiting} == set(users)

    asyncio.run(day())
    revived = Crowd(url, 1)
    with UserMemory(url, model="offline", worker=False) as memory:
        all_read(memory)
    revived.close()
    assert proof(url, facts) == []


def test_run_due_from_many_places(url: str, memory: UserMemory) -> None:
    """`run_due`, called at the same time from eight processes' memories, reads everything once."""
    facts = [fact for turn in range(3) for fact in say(memory, turn)]
    start = threading.Barrier(8)
    batches: list[int] = []

    def cron() -> None:
        with UserMemory(url, model=Listener(), worker=False) as other:
            start.wait()
            batches.append(len(other.run_due()))

    with background(cron), background(cron), background(cron), background(cron):  # noqa: SIM117
        with background(cron), background(cron), background(cron), background(cron):
            pass
    assert sum(batches) == 12
    assert claims_and_batches(url) == (12, 12)
    assert proof(url, facts) == []
