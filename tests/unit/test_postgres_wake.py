"""Workers of other processes are woken when somebody is due; who cannot hear looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.support.postgres import fresh

from usermemory import UserMemory
from usermemory.records import Event
from usermemory.worker import Worker

FAR = 10_000.0
"""Seconds between looks: beyond the end of any test."""


@pytest.fixture
def url() -> Iterator[str]:
    with fresh() as url:
        yield url


class Ears:
    """Counts what is heard, and waits for more."""

    def __init__(self) -> None:
        self._heard = threading.Semaphore(0)

    def __call__(self) -> None:
        self._heard.release()

    def hear(self, seconds: float = 30.0) -> bool:
        return self._heard.acquire(timeout=seconds)


def cut_listeners(url: str) -> None:
    split = urlsplit(url)
    with psycopg.connect(split._replace(query="").geturl(), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
        )


def test_what_is_heard(url: str) -> None:
    """What is due soon is heard as soon as it is committed; what is due later is not."""
    ears = Ears()
    with UserMemory(url, model="offline", worker=False) as memory:
        stop = memory.driver.listen(ears)
        assert ears.hear(), "once at first: something may have been missed before"
        memory.remember("will", "later", ["I like chess"], delay=60)
        memory.remember("will", "now", ["I like tea"], delay=0)
        assert ears.hear()
        assert not ears.hear(0), "only once: a minute is time enough to find it by looking"
        stop()


def test_a_worker_that_never_looks(url: str) -> None:
    """A worker that looks next in hours reads at once what another process remembers."""
    read = threading.Event()

    def told(event: Event) -> None:
        if event.kind == "consolidated":
            read.set()

    here = UserMemory(url, model="offline", worker=False, on_event=told).open()
    worker = Worker(here.consolidator, here.clock, here.emit, poll=FAR)
    worker.start()
    with UserMemory(url, model="offline", worker=False) as elsewhere:
        elsewhere.remember("will", "t", ["I like chess"], delay=0)
        assert read.wait(30)
        read.clear()
        cut_listeners(url)
        elsewhere.remember("will", "t", ["I like tea"], delay=0)
        assert read.wait(30), "heard, or looked for once it listens again"
        assert elsewhere.recall("will").document["interests"] == ["chess", "tea"]
    worker.stop()
    here.close()
