"""What Prometheus is told: counters of what happened here, gauges of what the database holds."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from usermemory.errors import ConfigurationError, StoreError
from usermemory.events import Event
from usermemory.records import Outcome
from usermemory.store.driver import Driver
from usermemory.store.flows.recall import figures

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
