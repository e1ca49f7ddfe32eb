"""The worker in the process: when it works, how it stops, what it says."""

from __future__ import annotations

import asyncio
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.until import until

from usermemory import Event, Extraction, UserMemory
from usermemory.batch import Batch
from usermemory.conformance.harness import Listener, background
from usermemory.errors import ProviderError
from usermemory.records import Change, Outcome, Refused
from usermemory.testing import FakeClock
from usermemory.worker import report

PATIENCE = 30.0


@contextmanager
def moving(clock: FakeClock) -> Iterator[None]:
    """Time goes on by itself, a second at a time."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.01):
            clock.advance(1.0)

    with background(go_on):
        try:
            yield
        finally:
            over.set()


class Office:
    """A memory with a worker of its own, a clock that the test moves, and its events."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.clock = FakeClock()
        self.listener = Listener()
        self.events: queue.Queue[Event] = queue.Queue()
        self.memories: list[UserMemory] = []
        self.memory = self.another(worker=True, on_event=self.events.put, **settings)

    def another(self, **settings: Any) -> UserMemory:
        url = f"sqlite:///{self.path}"
        given = {"model": self.listener, "clock": self.clock, "worker": False, **settings}
        self.memories.append(UserMemory(url, **given))
        return self.memories[-1]

    def next(self, kind: str) -> Event:
        """The next event of this kind; others are passed over."""
        while True:
            event = self.events.get(timeout=PATIENCE)
            if event.kind == kind:
                return event


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def open_office(**settings: Any) -> Office:
        offices.append(Office(tmp_path / "memory.db", **settings))
        return offices[-1]

    yield open_office
    for office in offices:
        for memory in office.memories:
            memory.close()


def test_works_after_quiet(opening: Callable[..., Office]) -> None:
    """The worker consolidates a thread by itself once the quiet time has passed."""
    office = opening(delay=60.0)
    office.memory.remember("will", "t", ["I like chess"])
    office.clock.advance(60)
    outcome = office.next("consolidated").outcome
    assert outcome is not None
    assert (outcome.status, outcome.user_id, outcome.thread_id) == ("changed", "will", "t")


def test_works_at_once_with_delay_zero(opening: Callable[..., Office]) -> None:
    """With ``delay=0`` the worker is woken by the call, without time passing."""
    office = opening(delay=3_600.0)
    office.memory.remember("will", "t", ["I like chess"], delay=0)
    assert office.next("consolidated").user_id == "will"


def test_takes_over_what_another_process_left(opening: Callable[..., Office]) -> None:
    """A process that only recalls still reads what an earlier one left behind."""
    office = opening(delay=0.0)
    office.another(delay=0.0).remember("will", "t", ["I like chess"])
    office.memory.recall("nobody")
    assert office.next("consolidated").user_id == "will"


def test_notices_what_another_process_writes(opening: Callable[..., Office]) -> None:
    """What another process remembers is found at the next look, without any wake-up."""
    office = opening(delay=0.0)
    office.memory.recall("nobody")
    office.another(delay=0.0).remember("will", "t", ["I like chess"])
    office.clock.advance(5)
    assert office.next("consolidated").user_id == "will"


def test_works_for_an_async_application(opening: Callable[..., Office]) -> None:
    """The worker's threads serve an application on an event loop, which never runs a model."""
    office = opening(delay=0.0)
    loop_thread = threading.get_ident()
    reader: list[int] = []
    office.listener.meanwhile(lambda: reader.append(threading.get_ident()))
    asyncio.run(office.memory.aremember("will", "t", ["I like chess"]))
    office.next("consolidated")
    assert reader != [loop_thread]
    assert asyncio.run(office.memory.arecall("will")).document["interests"] == ["chess"]


def test_an_error_does_not_end_the_worker(opening: Callable[..., Office]) -> None:
    """After a failure the worker goes on, with the next user and later with the failed one."""
    office = opening(delay=0.0)
    office.listener.failing = ProviderError("503", "unavailable")
    office.memory.remember("will", "t", ["I like chess"])
    assert office.next("failed").outcome.reason == "unavailable"  # type: ignore[union-attr]
    office.listener.failing = None
    office.memory.remember("ana", "t", ["I like tea"])
    office.clock.advance(5)  # nobody is asked for while the provider is down
    first = office.next("consolidated").user_id
    office.clock.advance(65)  # whom the worker found while one thread probed waits a minute
    assert {first, office.next("consolidated").user_id} == {"ana", "will"}


def test_a_hook_that_fails_stops_nothing(opening: Callable[..., Office]) -> None:
    """An error in the application's event hook is logged and harms neither chat nor worker."""

    def break_on_claims(event: Event) -> None:
        office.events.put(event)
        if event.kind in {"scheduled", "claimed"}:
            raise ZeroDivisionError

    office = opening(delay=0.0)
    noisy = office.another(delay=0.0, worker=True, on_event=break_on_claims)
    assert noisy.remember("will", "t", ["I like chess"]).new == 1
    assert office.next("consolidated").user_id == "will"


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, BaseException])
def test_nothing_ends_a_workers_thread(
    opening: Callable[..., Office], kind: type[BaseException]
) -> None:
    """Whatever a model's package raises, the only thread of a worker goes on with the next user."""
    office = opening(delay=0.0, threads=1)
    read = office.listener.extract

    def extract(request: Batch) -> Extraction:
        if request.user_id == "will":
            raise kind
        return read(request)

    office.listener.extract = extract  # type: ignore[method-assign]
    office.memory.remember("will", "t", ["I like chess"])
    office.next("claimed")
    office.memory.remember("ana", "t", ["I like tea"])
    with moving(office.clock):
        while office.next("consolidated").user_id != "ana":
            pass


@pytest.mark.parametrize("kind", [SystemExit, BaseException, GeneratorExit])
def test_whatever_a_model_raises_is_an_attempt(tmp_path: Path, kind: type[BaseException]) -> None:
    """It fails the batch, which is not asked for without end; an interrupt stops the caller."""
    listener = Listener()
    clock = FakeClock()
    with UserMemory(tmp_path / "m.db", model=listener, worker=False, clock=clock) as memory:
        memory.remember("will", "t", ["I like chess"])
        listener.failing = kind()
        for _ in range(20):
            clock.advance(86_400)
            memory.run_due()
        assert [job.state for job in memory.jobs()] == ["dead"]
        memory.retry("will", "t")
        listener.failing = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            memory.trigger("will")
        listener.failing = None
        assert [one.status for one in memory.trigger("will")] == ["changed"]


@pytest.mark.parametrize("kind", [SystemExit, ZeroDivisionError])
def test_a_hook_that_ends_the_program(
    opening: Callable[..., Office], kind: type[BaseException]
) -> None:
    """Hooks and author policies that raise, an exit too, fail no turn."""

    def refuse(_: object) -> Any:
        raise kind

    office = opening(delay=60.0)
    with office.another(on_event=refuse, author=refuse, gate=refuse) as noisy:
        assert noisy.remember("will", "t", ["I like chess"]).new == 1


def test_close_lets_a_running_batch_finish(opening: Callable[..., Office]) -> None:
    """Close waits for the batch that is with the model, and it is committed."""
    office = opening(delay=0.0)
    reading, go_on = threading.Event(), threading.Event()
    office.listener.meanwhile(lambda: (reading.set(), go_on.wait(PATIENCE)))
    office.memory.remember("will", "t", ["I like chess"])
    assert reading.wait(PATIENCE)
    closing = threading.Thread(target=office.memory.close)
    closing.start()
    go_on.set()
    closing.join(PATIENCE)
    assert office.another().recall("will").document["interests"] == ["chess"]


def test_close_gives_back_what_does_not_finish(opening: Callable[..., Office]) -> None:
    """A batch that outlives the grace is given back: another worker has it at once, once."""
    office = opening(delay=0.0)
    reading, go_on = threading.Event(), threading.Event()
    office.listener.meanwhile(lambda: (reading.set(), go_on.wait(PATIENCE)))
    office.memory.remember("will", "t", ["I like chess"])
    assert reading.wait(PATIENCE)
    office.memory.close(grace=0.0)
    other = office.another()
    assert [outcome.status for outcome in other.run_due()] == ["changed"]
    go_on.set()
    assert [revision.number for revision in other.history("will")] == [1]


def test_close_does_not_wait_for_what_is_due_later(opening: Callable[..., Office]) -> None:
    """Close leaves threads that are due later in the database, for the next process."""
    office = opening(delay=3_600.0)
    office.memory.remember("will", "t", ["I like chess"])
    office.memory.close()
    assert [job.state for job in office.another().jobs()] == ["waiting"]
    assert office.listener.read == []


def test_lease_is_renewed(opening: Callable[..., Office]) -> None:
    """While the model thinks for longer than the lease, nobody else gets the user."""
    office = opening(delay=0.0, threads=1)
    renewed: queue.Queue[str] = queue.Queue()
    reading, go_on = threading.Event(), threading.Event()
    office.listener.meanwhile(lambda: (reading.set(), go_on.wait(PATIENCE)))
    office.memory.driver.hook = lambda stage, _flow, name: (
        renewed.put(name) if (stage, name) == ("after", "renew_lease") else None
    )
    office.memory.remember("will", "t", ["I like chess"])
    assert reading.wait(PATIENCE)
    for _ in range(6):
        office.clock.somebody_waits()
        office.clock.advance(20)
        renewed.get(timeout=PATIENCE)
    assert office.another().run_due() == []
    go_on.set()
    assert office.next("consolidated").outcome.status == "changed"  # type: ignore[union-attr]


def test_idle_costs_one_look_per_poll(opening: Callable[..., Office]) -> None:
    """An idle worker makes one statement per poll interval, however many threads it has."""
    office = opening(threads=4)
    looks: queue.Queue[str] = queue.Queue()
    office.memory.open()
    office.memory.driver.hook = lambda stage, _flow, name: (
        looks.put(name) if stage == "before" else None
    )
    office.memory.wake()
    assert looks.get(timeout=PATIENCE) == "next_due"
    for _ in range(5):
        office.clock.somebody_waits()
        office.clock.advance(5)
        assert looks.get(timeout=PATIENCE) == "next_due"
    assert looks.empty()


def test_a_full_profile_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """However many additions a full profile refuses, the owner has one warning and one event."""
    full = [
        Refused(Change("likes", "add", drink), "profile_full", "256000 at most") for drink in "ab"
    ]
    events: list[Event] = []
    report(Outcome("will", "t", "unchanged", rejections=tuple(full)), 1.0, events.append)
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert warnings == ["user=will thread=t: 256000 at most"]
    assert [event.kind for event in events] == ["consolidated", "rejected"]


def test_logs(opening: Callable[..., Office], caplog: pytest.LogCaptureFixture) -> None:
    """The log says whose thread was consolidated and what came of it, and never what was said."""
    caplog.set_level(logging.INFO, "usermemory")
    office = opening(delay=0.0)
    office.memory.remember("will", "t", ["I like chess"])
    office.next("consolidated")
    office.listener.failing = KeyError("I like tea")
    office.memory.remember("will", "t", ["I like tea"])
    office.next("failed")
    assert "changed user=will thread=t messages=1 changes=1" in caplog.text
    assert "reason=extractor_error error='KeyError'" in caplog.text
    assert "chess" not in caplog.text
    assert "tea" not in caplog.text


def test_logs_what_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A line each with user, field and reason; never a value or quote, nor a name made of one."""
    caplog.set_level(logging.INFO, "usermemory")
    refused = (
        Refused(Change("interests", "add", "chess", "I like chess"), "duplicate", "has chess"),
        Refused(Change("plays chess\na lot", "set", "chess", "I like chess"), "unknown_field"),
        *[Refused(Change("interests", "add", "chess"), "list_full")] * 60,
    )
    told: list[Event] = []
    report(Outcome("will", "t", "unchanged", rejections=refused), 1.0, told.append)
    _, first, second, *others = (record.getMessage() for record in caplog.records)
    assert first == "refused user=will thread=t field=interests reason=duplicate"
    assert second == "refused user=will thread=t field=- reason=unknown_field"
    assert len(others) == 48
    assert "chess" not in caplog.text
    assert [event.kind for event in told] == ["consolidated", "rejected"]


def test_a_worker_that_has_died(tmp_path: Path) -> None:
    """What a worker of this host held is given back as soon as another one looks."""
    url = f"sqlite:///{tmp_path / 'memory.db'}"
    code = (
        "import os, sys; from usermemory import UserMemory\n"
        "from usermemory.store.flows.claim import claim_due\n"
        "from usermemory.store.flows.claim import worker_name\n"
        f"m = UserMemory({url!r}, model='offline', worker=False, delay=0)\n"
        "m.remember('will', 't', ['I like chess'])\n"
        "assert m.driver.write(claim_due, worker_name(), 60.0)\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    events: queue.Queue[Event] = queue.Queue()
    with UserMemory(url, model="offline", on_event=events.put) as memory:
        memory.recall("will")
        while events.get(timeout=PATIENCE).kind != "consolidated":
            pass


def test_who_has_finished_wakes_the_next(opening: Callable[..., Office]) -> None:
    """Threads of one user that are due together are read one after the other, at once."""
    office = opening(delay=0.0)
    for number in range(3):
        office.memory.remember("will", f"t{number}", [f"I like number {number}"])
    for _ in range(3):  # the clock stands still: whoever slept until the next look would stay
        assert office.next("consolidated").user_id == "will"


def test_reads_as_many_users_at_once_as_asked_for(opening: Callable[..., Office]) -> None:
    """Eight users who are due together are with the model together; then one thread waits."""
    office = opening(delay=0.0, threads=8)
    together = threading.Barrier(8)
    read = office.listener.extract

    def extract(request: Batch) -> Extraction:
        together.wait(PATIENCE)
        return read(request)

    office.listener.extract = extract  # type: ignore[method-assign]
    for number in range(8):
        office.memory.remember(f"user-{number}", "t", ["I like chess"])
    for _ in range(8):
        outcome = office.next("consolidated").outcome
        assert outcome is not None
        assert outcome.status == "changed", outcome
    worker = office.memory._background._worker
    assert worker is not None
    until(lambda: len(worker._threads) == 1, "the threads that have nothing to do")
    assert worker.alive
