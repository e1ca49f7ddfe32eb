"""The operator's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browsing import signed_in
from tests.support.postgres import fresh

from usermemory import Change, Extraction, Request, Retry, UserMemory
from usermemory.errors import ExtractionError, ProviderError
from usermemory.records import Usage
from usermemory.serve import app
from usermemory.serve.pages.outages import outages_in
from usermemory.testing import FakeClock


class Failing:
    """Fails until it is told otherwise; then proposes what nobody said."""

    def __init__(self) -> None:
        self.fails = True

    def extract(self, _: Request) -> Extraction:
        if self.fails:
            raise ExtractionError("<b>no</b> answer", "unusable")
        return Extraction((Change("name", "set", "Zed", "I am Zed"),))


@pytest.fixture
def extractor() -> Failing:
    return Failing()


@pytest.fixture(params=["sqlite", "postgres"])
def memory(
    request: pytest.FixtureRequest, tmp_path: Path, extractor: Failing
) -> Iterator[UserMemory]:
    def made(url: str) -> UserMemory:
        return UserMemory(url, model=extractor, worker=False, retry=Retry(attempts=1))

    if request.param == "postgres":
        with fresh() as url, made(url) as memory:
            yield memory
    else:
        with made(str(tmp_path / "m.db")) as memory:
            yield memory


async def test_what_failed_is_shown_and_tried_again(memory: UserMemory, extractor: Failing) -> None:
    """Stuck threads stand there with their error; retrying makes them due, and they are read."""
    for user in ("ann", "bob"):
        memory.remember(user, "t/1", [("user", "hello there")])
        for _ in range(5):
            memory.trigger(user)
        assert memory.jobs("dead", user)
    async with signed_in(app(memory)) as browser:
        page = (await browser.get("/operations")).text
        assert "stuck</span>" in page
        assert "&lt;b&gt;no&lt;/b&gt;" in page
        assert "unusable" in page
        await browser.post("/operations/retry", user="ann", thread="t/1")
        assert [job.user_id for job in memory.jobs("dead")] == ["bob"]
        await browser.post("/operations/retry", all="yes")
        assert memory.jobs("dead") == []
        extractor.fails = False
        memory.run_due()
        page = (await browser.get("/operations")).text
    assert "Nothing waits to be read" in page
    assert "did not say the words" in page
    assert '<svg class="plot"' in page


async def test_the_schema_is_checked_on_request(memory: UserMemory) -> None:
    """How much does not fit is counted when it is asked for, not with each look."""
    memory.edit("will", [{"op": "replace", "path": "/name", "value": "Will"}], by="x")
    async with signed_in(app(memory)) as browser:
        assert "UserProfile" in (await browser.get("/operations")).text
        assert "1 user with a profile" in (await browser.get("/operations/schema")).text


class Provider:
    """Answers, or cannot be asked."""

    def __init__(self) -> None:
        self.error: ProviderError | None = None

    def extract(self, _: Request) -> Extraction:
        if self.error:
            raise self.error
        return Extraction((), usage=Usage(1, 10, 2))


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_outages_stand_there_with_their_time(tmp_path: Path, database: str) -> None:
    """Since when, how long, why, of which model, and what waits: also to another process."""
    clock, provider = FakeClock(), Provider()
    with fresh() if database == "postgres" else nullcontext(str(tmp_path / "m.db")) as url:
        settings: Any = {"worker": False, "clock": clock, "delay": 0.0}
        with UserMemory(url, model=provider, retry=Retry(outage=60.0), **settings) as memory:
            async with signed_in(app(memory)) as browser:
                assert "Outages" not in (await browser.get("/operations")).text
                provider.error = ProviderError("HTTP 503: it is <b>down</b>", "unavailable")
                provider.error.model = "big-model"
                for user in ("ann", "bob", "eve"):
                    memory.remember(user, "t", [("user", "hello there")])
                for _ in range(4):
                    memory.run_due()
                    clock.advance(600.0)
        with UserMemory(url, model="offline", **settings) as memory:  # a process begun since
            async with signed_in(app(memory)) as browser:
                page = plain((await browser.get("/operations")).text)
                assert "The provider of big-model cannot be asked since" in page
                assert "HTTP 503: it is &lt;b&gt;down&lt;/b&gt;. 3 threads wait for it" in page
                assert "the next one is due now." in page
                assert "not over" in page
                assert "40 min" in page
                assert "big-model" in page
        provider.error = None
        with UserMemory(url, model=provider, **settings) as memory:
            clock.advance(600.0)
            memory.run_due()
            assert memory.jobs() == []
            clock.advance(7_200.0)
            async with signed_in(app(memory)) as browser:
                page = plain((await browser.get("/operations")).text)
                assert "Outages of providers" in page
                assert "50 min" in page
                assert "cannot be asked since" not in page


def reading(at: float, model: str, error: str = "") -> dict[str, Any]:
    """A reading as the database tells of it."""
    outcome, reason = ("failed", "unavailable") if error else ("changed", "")
    error = error and f"ProviderError: {error}"
    told = {"outcome": outcome, "reason": reason, "error": error, "usage": "{}"}
    return {"at": at, "model": model, **told}


def test_outages_of_two_providers_are_told_apart() -> None:
    """Each ends when its own model answers, or when it is out of use; unnamed answers end all."""
    log = [reading(0, "a", "down"), reading(1, "b", "away"), reading(2, "a", "down")]
    log += [reading(3, "b"), reading(4, "a", "down")]
    found = outages_in(log[::-1])
    assert [(one.model, one.tries, one.until) for one in found] == [("b", 1, 3), ("a", 3, None)]
    assert outages_in([reading(5, "a-2026-05"), *log[::-1]])[1].until == 5
    assert outages_in([reading(5, ""), *log[::-1]])[1].until == 5
    assert outages_in([reading(9_000, "b"), *log[::-1]])[1].until == 9_000


async def test_whether_a_worker_runs_is_said_as_far_as_it_is_known(tmp_path: Path) -> None:
    """Nothing due: nobody can know; something due for long: none reads."""
    clock = FakeClock()
    with UserMemory(tmp_path / "m.db", model="offline", worker=False, clock=clock) as memory:
        async with signed_in(app(memory)) as browser:
            assert "leaves no trace" in (await browser.get("/operations")).text
            memory.remember("will", "t", [("user", "I like tea.")])
            clock.advance(1_000.0)
            assert "no worker runs, or none can" in (await browser.get("/operations")).text
            memory.run_due()
            page = (await browser.get("/operations")).text
            assert "The last reading of any worker was" in page
            assert "no worker runs" not in page


def plain(page: str) -> str:
    """The text of a page, without its tags, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split()).replace(" .", ".")


async def test_how_long_readings_take_is_plotted(tmp_path: Path) -> None:
    """Seconds from taking messages to committing, of readings of whatever process, by day."""
    clock, waits = FakeClock(), iter([2.5, 4.0, 3.5])

    class Slow:
        def extract(self, _: Request) -> Extraction:
            clock.advance(next(waits))
            return Extraction(())

    file = tmp_path / "m.db"
    with UserMemory(file, model=Slow(), worker=False, clock=clock) as worker:
        for user in ("will", "ana", "kim"):
            worker.remember(user, "t", [("user", "hello there")])
            worker.trigger(user)
    with UserMemory(file, model="offline", worker=False, clock=clock) as memory:
        async with signed_in(app(memory)) as browser:
            page = (await browser.get("/operations")).text
        assert "3.5 seconds, the median" in page
        assert "4.0 seconds, the 95th percentile" in page
        kept = memory.export("will")
        assert [one["seconds"] for one in kept["consolidations"]] == [2.5]
        older = {**kept, "consolidations": [dict(one) for one in kept["consolidations"]]}
        del older["consolidations"][0]["seconds"]
        with UserMemory(tmp_path / "other.db", model="offline", worker=False) as other:
            other.import_("will", older)
            assert other.export("will")["consolidations"][0]["seconds"] is None
