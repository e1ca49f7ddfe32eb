"""``usermemory worker``: consolidate beside the application."""

from __future__ import annotations

import logging
import signal
from contextlib import nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated

import typer

from usermemory.cli.options import DATABASE, BaseUrl, Database, Model, SchemaName, examples

if TYPE_CHECKING:
    from usermemory.health import Pages
    from usermemory.metrics import Metrics
    from usermemory.store import Driver
    from usermemory.worker import Worker

logger = logging.getLogger("usermemory")


EXAMPLES = examples(
    "usermemory worker --db memory.db --model anthropic:claude-haiku-4-5",
    "usermemory worker --schema my_app.profiles:Customer --concurrency 8",
    "usermemory worker --db postgresql://app@db.example.com/app --metrics-port 9464",
)


def worker(
    *,
    concurrency: Annotated[int, typer.Option(min=1, help="Batches at a time.")] = 4,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Serve /metrics, /healthz and /readyz on this port; 0 for any that is free.",
            show_default="off",
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option(help="The address to serve them at; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more in the log.")] = False,
) -> None:
    """Consolidate what is due, until told to stop; any number of workers may share a database.

    The application then builds its memory with worker=False. SIGTERM or Ctrl-C stops it cleanly:
    a running batch is finished or given back. The log names users and threads, never their words.
    """
    from usermemory.choice import choose_reader
    from usermemory.cli.opening import opened
    from usermemory.health import served
    from usermemory.worker import Worker

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    chosen = choose_reader(model, base_url)
    if chosen.notice:
        logger.warning(chosen.notice)
    metrics = None if metrics_port is None else _metrics()
    on_event = metrics.on_event if metrics else None
    with opened(db, schema, chosen.model, worker=False, on_event=on_event) as memory:
        working = Worker(memory.consolidator, memory.clock, memory.emit, threads=concurrency)
        signals = _received()
        working.start()
        pages = _pages(memory.driver, working, metrics)
        logger.info(
            "serving %s, schema %s, model %s, %d batches at a time",
            memory.driver.url,
            memory.schema.name,
            chosen.name,
            concurrency,
        )
        with nullcontext() if metrics_port is None else served(metrics_host, metrics_port, pages):
            number = signals.get()
            logger.info("stopping on %s; once more ends it at once", signal.Signals(number).name)
            signal.signal(number, signal.SIG_DFL)
            finished = working.stop()
    logger.info("stopped" if finished else "stopped; what was running was given back")
    if number == signal.SIGINT:
        raise typer.Exit(130)


def _metrics() -> Metrics | None:
    """Counters, if their package is there; without it the other pages are served all the same."""
    from usermemory.errors import ConfigurationError
    from usermemory.metrics import Metrics

    try:
        return Metrics()
    except ConfigurationError as error:
        logger.warning(str(error))
        return None


def _pages(driver: Driver, working: Worker, metrics: Metrics | None) -> Pages:
    from usermemory.health import Page, alive, ready
    from usermemory.metrics import MISSING

    if metrics:
        metrics.watch(driver)
    return {
        "/healthz": lambda: alive(working),
        "/readyz": lambda: ready(driver),
        "/metrics": lambda: Page(200, metrics.text()) if metrics else Page(501, f"{MISSING}\n"),
    }


def _received() -> SimpleQueue[int]:
    """The signals that ask to stop, as they come."""
    # Setting an Event within a handler may dead-lock; this queue is made for it.
    numbers: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: numbers.put(received))
    return numbers
