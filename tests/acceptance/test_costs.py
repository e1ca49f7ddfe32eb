"""What learning cost, by user and day, from Python and on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command_line import data, run
from tests.support.postgres import fresh

from usermemory import Change, Extraction, Request, UserMemory
from usermemory.extract import UnusableAnswer
from usermemory.records import Cost, Usage
from usermemory.store.flows import recall as flow
from usermemory.testing import FakeClock

DAY = 86_400.0


class Costly:
    """An extractor that calls 10 tokens in and 5 out a reading; it fails on "garble"."""

    def extract(self, request: Request) -> Extraction:
        text = request.messages[-1].text
        if "garble" in text:
            raise UnusableAnswer("no answer", "unusable", Usage(1, 10, 5))
        if "nothing" in text:
            return Extraction((), model="free")
        change = Change("interests", "add", text, text)
        return Extraction((change,), model="small", usage=Usage(2, 10, 5, 4))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/memory.db"
    else:
        with fresh() as url:
            yield url


def spend(memory: UserMemory, user_id: str, thread_id: str, text: str) -> None:
    memory.remember(user_id, thread_id, [text])
    memory.trigger(user_id)


async def test_by_user_and_day(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each user's day is a sum of all readings, failed ones too; other days and users are apart."""
    monkeypatch.setattr(flow, "_COSTS_PAGE", 2)
    clock = FakeClock()
    memory = UserMemory(url, model=Costly(), worker=False, verify="off", clock=clock)
    with memory:
        for number, text in enumerate(["tea", "fog", "garble", "nothing"]):
            spend(memory, "will", str(number), text)
            memory.drop("will", str(number))  # what failed is not tried again
        spend(memory, "ann", "1", "art")
        clock.advance(DAY)
        spend(memory, "will", "5", "chess")
        usage = Usage(2, 10, 5, 4)
        expected = [
            Cost("ann", "2026-01-01", "small", 1, usage),
            Cost("will", "2026-01-01", "", 1, Usage(1, 10, 5)),
            Cost("will", "2026-01-01", "small", 2, usage + usage),
            Cost("will", "2026-01-02", "small", 1, usage),
        ]
        assert memory.costs() == await memory.acosts() == expected
        assert memory.costs("will") == await memory.acosts("will") == expected[1:]
        assert memory.costs(since=clock.now()) == expected[3:]
        assert memory.costs("will", until=clock.now() - 1) == expected[1:3]
        assert memory.costs("nobody") == []
        memory.forget_user("will")
        assert memory.costs() == expected[:1]


def test_the_command(tmp_path: Path) -> None:
    """A line a day, a user or a model, with a sum; for programs each of them by itself."""
    db = tmp_path / "memory.db"
    with UserMemory(f"sqlite:///{db}", model=Costly(), worker=False, verify="off") as memory:
        spend(memory, "will", "1", "tea")
        spend(memory, "will", "2", "fog")
        spend(memory, "ann", "1", "art")
        day = memory.costs()[0].day
    lines = run("costs", "--by", "user", "--db", str(db)).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["will", "2", "4", "20", "8", "10"],
        ["ann", "1", "2", "10", "4", "5"],
        ["all", "3", "6", "30", "12", "15"],
    ]
    assert run("costs", "will", "--db", str(db)).stdout.splitlines()[1].startswith(day)
    assert data("costs", "ann", "--db", str(db)) == [
        {
            "user_id": "ann",
            "day": day,
            "model": "small",
            "readings": 1,
            "usage": {"calls": 2, "input_tokens": 10, "output_tokens": 5, "cached_tokens": 4},
        }
    ]
    nobody = run("costs", "bo", "--db", str(db), "--days", "1")
    assert nobody.stdout == "No model was asked about bo today.\n"
