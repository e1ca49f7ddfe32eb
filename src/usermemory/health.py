"""Small pages over HTTP, for what looks after a process: is it alive, is it ready, its figures."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, cast

from usermemory.errors import ConfigurationError, UserMemoryError
from usermemory.store.driver import Driver, missing
from usermemory.worker import Worker

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
