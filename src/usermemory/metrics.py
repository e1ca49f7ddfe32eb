"""What an operator's programs ask a worker: is it alive, is it ready, figures for Prometheus."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, cast

from usermemory.errors import ConfigurationError, StoreError, UserMemoryError
from usermemory.records import Event, Outcome
from usermemory.store.driver import Driver, missing
from usermemory.store.flows.recall import figures
from usermemory.worker import Worker

if TYPE_CHECKING:
    from prometheus_client import Metric

MISSING = "metrics need a package that is missing: pip install 'usermemory[metrics]'"

_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0)
"""Upper bounds, for what is mostly a call of a model."""


class Metrics:
    """The figures of one worker process, in a registry of their own.

    Raises:
        ConfigurationError: The package is missing.
    """

    def __init__(self) -> None:
        if find_spec("prometheus_client") is None:
            raise ConfigurationError(MISSING)
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self._registry = registry = CollectorRegistry()
        self._consolidations = Counter(
            "usermemory_consolidations",
            "Consolidations by outcome, failed ones with their reason.",
            ("outcome", "reason"),
            registry=registry,
        )
        self._seconds = Histogram(
            "usermemory_consolidation_seconds",
            "From claim to commit: the model's time, and some milliseconds.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._calls = Counter("usermemory_model_calls", "Calls of the model.", registry=registry)
        self._tokens = Counter(
            "usermemory_model_tokens",
            "Tokens as the provider counts them; cached ones are part of the input.",
            ("kind",),
            registry=registry,
        )
        self._rejected = Counter(
            "usermemory_rejected_changes",
            "Proposed changes that were not made, by field and reason.",
            ("field", "reason"),
            registry=registry,
        )
        self._errors = Counter(
            "usermemory_errors", "Errors after which the worker went on.", registry=registry
        )
        self._claimed: dict[str, float] = {}

    def on_event(self, event: Event) -> None:
        """Count an event of the memory; any thread may call it."""
        if event.kind == "claimed":
            self._claimed[event.user_id] = event.at
        elif event.kind == "error":
            self._errors.inc()
        elif event.outcome and event.kind != "rejected":
            begun = self._claimed.pop(event.user_id, event.at)
            self._count(event.outcome, event.at - begun)

    def watch(self, driver: Driver) -> None:
        """Ask this database at each scrape what waits, runs and is dead."""
        self._registry.register(_Database(driver))

    def text(self) -> str:
        """All of it in Prometheus's text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry).decode()

    def _count(self, outcome: Outcome, seconds: float) -> None:
        # What a held one waits for is a sentence, and sentences make no good labels.
        reason = outcome.reason if outcome.status == "failed" else ""
        self._consolidations.labels(outcome.status, reason).inc()
        self._seconds.observe(seconds)
        usage = outcome.usage
        self._calls.inc(usage.calls)
        self._tokens.labels("input").inc(usage.input_tokens)
        self._tokens.labels("output").inc(usage.output_tokens)
        self._tokens.labels("cached").inc(usage.cached_tokens)
        for refused in outcome.rejections:
            # A name that a model made up is no label: there is no end of those.
            field = "" if refused.reason == "unknown_field" else refused.change.field
            self._rejected.labels(field, refused.reason).inc()


class _Database:
    """Gauges that are read when they are asked for; the same from whichever worker."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def collect(self) -> Iterator[Metric]:
        """The gauges; only that there are none while the database does not answer."""
        from prometheus_client.core import GaugeMetricFamily as Gauge

        try:
            now = self._driver.read(figures)
        except StoreError:
            yield Gauge("usermemory_database_up", "Whether it answers.", 0)
            return
        yield Gauge("usermemory_database_up", "Whether it answers.", 1)
        yield Gauge("usermemory_jobs_waiting", "Threads that are due or will be.", now.waiting)
        yield Gauge("usermemory_oldest_due_seconds", "For how long one has been due.", now.oldest)
        yield Gauge("usermemory_jobs_running", "Users who are being worked on.", now.running)
        yield Gauge("usermemory_jobs_dead", "Threads that wait for a person.", now.dead)


logger = logging.getLogger("usermemory")

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Plain text to everybody, and to Prometheus the version of its format."""


class Page(NamedTuple):
    """What a page says: its HTTP status and its text."""

    status: int
    text: str


Pages = Mapping[str, Callable[[], Page]]
"""Each page by its path, made when it is asked for, in any thread."""


def alive(worker: Worker) -> Page:
    """For ``/healthz``: a process whose threads have died needs a restart."""
    return Page(200, "alive\n") if worker.alive else Page(503, "threads of the worker have died\n")


def ready(driver: Driver) -> Page:
    """For ``/readyz``: the database answers, and its tables are those that this code serves."""
    try:
        needed = missing(driver.migrated(), driver.url)
    except UserMemoryError as error:
        return Page(503, f"{error}\n")
    return Page(503, "the tables are gone or too old\n") if needed else Page(200, "ready\n")


@contextmanager
def served(host: str, port: int, pages: Pages) -> Generator[None]:
    """Serve pages in threads of their own while the block runs.

    Args:
        host: Where to listen; there is no password, so not where strangers are.
        port: 0 for any that is free.
        pages: What to serve.

    Raises:
        ConfigurationError: The port is not to be had.
    """
    try:
        server = _Server((host, port), _Handler)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error}; choose another port or host"
        ) from error
    server.pages = pages
    thread = threading.Thread(target=server.serve_forever, name="usermemory-health", daemon=True)
    with server:
        thread.start()
        logger.info("health at http://%s:%d, pages %s", host, server.server_port, " ".join(pages))
        try:
            yield
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: Pages


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    """Seconds until somebody who asks nothing is let go."""

    def do_GET(self) -> None:
        """Answer with the page."""
        pages = cast("_Server", self.server).pages
        page = pages.get(self.path.partition("?")[0])
        status, text = page() if page else Page(404, f"there are: {' '.join(pages)}\n")
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", _TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        """Say nothing: one line for each probe would bury the others."""
