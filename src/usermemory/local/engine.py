"""Loaded weights: one for each file and process, asked by one caller at a time.

llama.cpp's server does the work, called as a library. It opens a port as well, which we can't
turn off: it is on the loopback interface and behind a key that nobody is told.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import threading
from collections.abc import Generator, Mapping
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from usermemory.errors import ExtractionError, ProviderError
from usermemory.local.weights import PACKAGE

logger = logging.getLogger("usermemory")

_BATCH = 256
"""Tokens of a prompt that are read at a time. In between, an interrupt or a close is noticed."""

_PATIENCE = 10.0
"""Seconds for a port of our own on the loopback interface."""

_CLOSED = "the local model was closed while it answered"

Piece = Mapping[str, Any]


class Engine:
    """One file of weights, in memory.

    Args:
        path: The file.
        context: Tokens of prompt and answer together; what the model was trained for is the most.
        threads: Of the processor; None leaves it to llama.cpp.

    Raises:
        ProviderError: The file is damaged, or of a kind that llama.cpp does not know.
    """

    def __init__(self, path: Path, context: int, threads: int | None) -> None:
        xllamacpp: Any = import_module(PACKAGE)
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_batch, params.n_parallel = context, _BATCH, 1
        params.hostnames, params.port = ["127.0.0.1"], 0
        params.api_keys = [secrets.token_hex(32)]
        params.offline, params.use_jinja, params.verbosity = True, True, -1
        params.endpoint_metrics = True  # which `_running` asks
        params.ui = params.endpoint_slots = params.endpoint_props = False
        if threads is not None:
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        try:
            self._server: Any = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ProviderError(
                f"the weights in {path} cannot be loaded: damaged, not enough memory, or of a kind "
                f"that llama.cpp does not know; `llama-cli -m {path}` says more"
            ) from error
        self._asking = threading.Lock()
        self._closing = threading.Event()

    def stream(self, body: Mapping[str, Any]) -> Generator[Piece]:
        """The pieces of an answer as they come; whoever stops reading stops the model.

        Args:
            body: A request as OpenAI's chat API has it.

        Raises:
            ExtractionError: The request cannot be answered, such as one that is too long.
            ProviderError: The engine was closed meanwhile.
        """
        pieces: SimpleQueue[Piece | Exception | None] = SimpleQueue()
        unread = threading.Event()

        def take(piece: Piece) -> bool:
            pieces.put(piece)
            return unread.is_set() or self._closing.is_set()

        # In a thread of its own, since its calls return only when all is said: so the caller
        # gets the pieces, and can be interrupted.
        threading.Thread(
            target=self._ask, args=(body, take, pieces), name="usermemory-local", daemon=True
        ).start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield _checked(piece)
        finally:
            unread.set()

    def _ask(self, body: Mapping[str, Any], take: Any, pieces: SimpleQueue[Any]) -> None:
        told = {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        try:
            with self._asking:
                if not self._closing.is_set():
                    self._server.handle_chat_completions({**body, **told}, take)
            pieces.put(ProviderError(_CLOSED) if self._closing.is_set() else None)
        except ValueError as error:
            pieces.put(ExtractionError(f"llama.cpp refuses: {error}", "rejected_request"))
        except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
            pieces.put(error)

    def close(self) -> None:
        """Stop what is running, at the next token or batch of tokens, and free the memory."""
        self._closing.set()
        with self._asking:
            if self._server is not None:
                _running(self._server)
            self._server = None


def _running(server: Any) -> None:
    """Wait until its queue works and its port answers: told to stop before that, it never does."""
    server.handle_metrics()  # goes through the queue
    address: str = server.listening_address
    connection = HTTPConnection(urlsplit(address).netloc, timeout=_PATIENCE)
    try:
        connection.request("GET", "/health")
        connection.getresponse().read()
    except OSError as error:
        logger.warning("the local model's port does not answer: %s", error)
    finally:
        connection.close()


def _checked(piece: Piece) -> Piece:
    error: Mapping[str, Any] | None = piece.get("error")
    if error is None:
        return piece
    told = f"the local model refuses: {error.get('message')}"
    if error.get("code") == 400:
        raise ExtractionError(told, "rejected_request")
    if "model produced output" in told:  # which its own parser does not take
        raise ExtractionError(told, "unusable")
    raise ProviderError(told)


# By process too: in a forked child the threads of its parent's engines do not exist.
_loaded: dict[tuple[int, Path, int, int | None], Engine] = {}
_loading = threading.Lock()


def engine(path: Path, context: int, threads: int | None) -> Engine:
    """The engine of this file, loaded on first use and closed at the program's end.

    Raises:
        ProviderError: As for `Engine`.
    """
    key = (os.getpid(), path.resolve(), context, threads)
    with _loading:
        if key not in _loaded:
            if not _loaded:
                # Ending while llama.cpp's threads still work is a crash.
                atexit.register(close_all)
            _loaded[key] = Engine(path, context, threads)
        return _loaded[key]


def close_all() -> None:
    """Close whatever this process has loaded; the next call loads it anew."""
    with _loading:
        mine = [key for key in _loaded if key[0] == os.getpid()]
        for key in mine:
            _loaded.pop(key).close()
