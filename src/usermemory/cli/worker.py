"""``usermemory worker``: consolidate beside the application."""

from __future__ import annotations

import logging
import signal
from queue import SimpleQueue
from typing import Annotated

import typer

from usermemory.cli.options import DATABASE, BaseUrl, Database, Model, SchemaName, examples

logger = logging.getLogger("usermemory")


EXAMPLES = examples(
    "usermemory worker --db memory.db --model anthropic:claude-haiku-4-5",
    "usermemory worker --schema my_app.profiles:Customer --concurrency 8",
)


def worker(
    *,
    concurrency: Annotated[int, typer.Option(min=1, help="Batches at a time.")] = 4,
    model: Model = None,
    base_url: BaseUrl = None,
    schema: SchemaName = None,
    db: Database = DATABASE,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more in the log.")] = False,
) -> None:
    """Consolidate what is due, until told to stop; any number of workers may share a database.

    The application then builds its memory with worker=False. SIGTERM or Ctrl-C stops it cleanly:
    a running batch is finished or given back. The log names users and threads, never their words.
    """
    from usermemory.cli.choice import choose_reader
    from usermemory.cli.opening import opened
    from usermemory.worker import Worker

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    chosen = choose_reader(model, base_url)
    if chosen.notice:
        logger.warning(chosen.notice)
    with opened(db, schema, chosen.model, worker=False) as memory:
        working = Worker(memory.consolidator, memory.clock, memory.emit, threads=concurrency)
        signals = _received()
        working.start()
        logger.info(
            "serving %s, schema %s, model %s, %d batches at a time",
            memory.driver.url,
            memory.schema.name,
            chosen.name,
            concurrency,
        )
        number = signals.get()
        logger.info("stopping on %s; once more ends it at once", signal.Signals(number).name)
        signal.signal(number, signal.SIG_DFL)
        finished = working.stop()
    logger.info("stopped" if finished else "stopped; what was running was given back")
    if number == signal.SIGINT:
        raise typer.Exit(130)


def _received() -> SimpleQueue[int]:
    """The signals that ask to stop, as they come."""
    # Setting an Event within a handler may dead-lock; this queue is made for it.
    numbers: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: numbers.put(received))
    return numbers
