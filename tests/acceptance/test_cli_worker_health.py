"""``usermemory worker --metrics-port``: what an orchestrator and Prometheus ask."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.faults.tables import drop
from tests.support.command_line import Terminal, run
from tests.support.postgres import fresh

from usermemory import Change, Event, Outcome, Retry, UserMemory, metrics
from usermemory.cli.jobs import _health_pages, _metrics_if_installed
from usermemory.clock import SystemClock
from usermemory.conformance.harness import Listener
from usermemory.metrics import Metrics, Page, alive, ready
from usermemory.records import Refused, Usage
from usermemory.store import open_driver
from usermemory.store.flows.claim import claim_due
from usermemory.testing import FakeClock
from usermemory.worker import Worker


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'memory.db'}"
        return
    with fresh() as url:
        yield url


def built(url: str) -> UserMemory:
    return UserMemory(url, model="offline", worker=False, delay=0.0)


def asked(address: str, path: str) -> tuple[int, str]:
    connection = HTTPConnection(address, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def figures(text: str) -> dict[tuple[str, ...], float]:
    """What a scrape says, by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_worker_says_how_it_is(url: str) -> None:
    """It is alive and ready, and counts what it does; without its tables it is not ready."""
    with built(url) as memory:
        memory.remember("ana", "later", [("user", "I love jazz")], delay=9_000)
        memory.remember("will", "a", [("user", "Hi, I'm Will")])
    with Terminal("worker", "--db", url, "--model", "offline", "--metrics-port", "0") as terminal:
        terminal.expect("health at http://")
        address = terminal.expect(",").removesuffix(",")
        assert address.startswith("127.0.0.1:")
        terminal.expect("changed user=will")
        assert asked(address, "/healthz") == (200, "alive\n")
        assert asked(address, "/readyz") == (200, "ready\n")
        assert asked(address, "/")[0] == 404
        status, text = asked(address, "/metrics")
        known = figures(text)
        assert status == 200
        assert known["usermemory_database_up",] == 1
        assert known["usermemory_jobs_waiting",] == 1
        assert known["usermemory_oldest_due_seconds",] == 0
        assert known["usermemory_consolidations_total", "changed", ""] == 1
        assert known["usermemory_consolidation_seconds_count",] == 1
        drop(url)
        assert asked(address, "/readyz")[0] == 503
        assert figures(asked(address, "/metrics")[1])["usermemory_database_up",] == 0
        assert asked(address, "/healthz")[0] == 200
        terminal.process.terminate()
        assert terminal.end() == 0


def test_gauges_are_what_the_database_holds(url: str) -> None:
    """Waiting, late, running and dead threads are counted; those of paused users are not late."""
    clock, listener = FakeClock(), Listener()
    with UserMemory(
        url, model=listener, worker=False, clock=clock, delay=0.0, retry=Retry(attempts=1)
    ) as memory:
        memory.remember("zoe", "a", ["I like tea"])
        memory.pause("zoe")
        clock.advance(500)
        listener.failing = ZeroDivisionError()
        memory.remember("tom", "a", ["I like tea"])
        memory.run_due()
        memory.remember("ana", "a", ["I like tea"])
        memory.remember("will", "a", ["I like tea"])
        clock.advance(9)
        memory.driver.write(claim_due, "here", 60.0)
        counted = Metrics()
        counted.watch(memory.driver)
        assert figures(counted.text()) | {
            ("usermemory_jobs_waiting",): 2,
            ("usermemory_oldest_due_seconds",): 9,
            ("usermemory_jobs_running",): 1,
            ("usermemory_jobs_dead",): 1,
        } == figures(counted.text())


def test_events_are_counted() -> None:
    """Outcomes, calls, tokens, seconds and refused changes add up, each outcome once."""
    counted = Metrics()
    refused = Refused(Change("name", "set", "Bo"), "not_grounded")
    changed = Outcome("will", "a", "changed", rejections=(refused,), usage=Usage(2, 100, 9, 50))
    failed = Outcome("ana", "a", "failed", "rate_limited")
    held = Outcome("zoe", "a", "held", "gate: Words('x')")
    for event in (
        Event("claimed", "will", at=10.0),
        Event("claimed", "ana", at=11.0),
        Event("consolidated", "will", at=13.0, outcome=changed),
        Event("rejected", "will", at=13.0, outcome=changed),
        Event("failed", "ana", at=12.0, outcome=failed),
        Event("held", "zoe", at=12.0, outcome=held),
        Event("error", at=14.0, error=ValueError()),
    ):
        counted.on_event(event)
    known = figures(counted.text())
    expected = {
        ("consolidations_total", "changed", ""): 1,
        ("consolidations_total", "failed", "rate_limited"): 1,
        ("consolidations_total", "held", ""): 1,
        ("consolidation_seconds_sum",): 3 + 1 + 0,
        ("model_calls_total",): 2,
        ("model_tokens_total", "input"): 100,
        ("model_tokens_total", "output"): 9,
        ("model_tokens_total", "cached"): 50,
        ("rejected_changes_total", "name", "not_grounded"): 1,
        ("errors_total",): 1,
    }
    assert {(f"usermemory_{name}", *more): n for (name, *more), n in expected.items()}.items() <= (
        known.items()
    )


def test_a_worker_whose_thread_died_is_not_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page asks for a restart; a worker that was told to stop is not dead."""
    with built(str(tmp_path / "memory.db")) as memory:
        working = Worker(memory.consolidator, memory.clock, memory.emit, threads=1)
        monkeypatch.setattr(working, "_work", lambda: None)
        working.start()
        for thread in working._threads:
            thread.join(30)
        assert alive(working).status == 503
        working.stop()
        assert alive(working).status == 200


def test_no_thread_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that the system gave no thread says so, and has one once somebody is due."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with built(str(tmp_path / "memory.db")) as memory:
        working = Worker(memory.consolidator, memory.clock, memory.emit, threads=1)
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", refuse)
            working.start()
        assert alive(working).status == 503
        working.wake(0.0)
        assert alive(working).status == 200
        working.stop()


def test_old_tables_are_not_ready(tmp_path: Path) -> None:
    """A database that has not been migrated is not ready to serve."""
    driver = open_driver(str(tmp_path / "memory.db"), SystemClock())
    assert ready(driver).status == 503
    driver.open()
    assert ready(driver) == Page(200, "ready\n")
    driver.close()


def test_health_without_the_package_of_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is missing, ``/metrics`` says what to install, and the rest is served."""
    monkeypatch.setattr(metrics, "find_spec", lambda name: None)
    assert _metrics_if_installed() is None
    with built(str(tmp_path / "memory.db")) as memory:
        working = Worker(memory.consolidator, memory.clock, memory.emit)
        pages = _health_pages(memory.driver, working, None)
        assert pages["/metrics"]() == Page(501, f"{metrics.MISSING}\n")
        assert pages["/readyz"]().status == 200
    assert "pip install 'usermemory[metrics]'" in metrics.MISSING


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    """A worker that cannot serve its pages says so at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(
            "worker",
            "--db",
            str(tmp_path / "memory.db"),
            "--metrics-port",
            port,
            USERMEMORY_MODEL="offline",
        )
        assert done.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
