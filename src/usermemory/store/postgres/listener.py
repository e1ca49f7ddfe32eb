"""Hear that somebody is due, the moment another process commits it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg

from usermemory.store.postgres.address import Address
from usermemory.store.postgres.connections import connect

logger = logging.getLogger("usermemory")

_RETRY = 5.0
"""Seconds between attempts to connect."""

_LOOK = 1.0
"""Seconds after which it is noticed that we were stopped."""


class Listener:
    """A thread with a connection of its own, which does nothing but LISTEN.

    Behind a pooler of transactions nothing is heard: point workers at the server itself, or leave
    it to their polling.

    Args:
        address: The database; the channel is named like the schema.
        heard: Called after each notification, and whenever some may have been missed.
    """

    def __init__(self, address: Address, heard: Callable[[], object]) -> None:
        self._address = address
        self._heard = heard
        self._stopped = threading.Event()
        threading.Thread(target=self._listen, name="usermemory-listener", daemon=True).start()

    def stop(self) -> None:
        """Stop listening; the connection is closed within a second."""
        self._stopped.set()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen_once()
            except psycopg.Error as error:
                logger.debug("not listening to %s: %s", self._address.name, error)
                self._stopped.wait(_RETRY)

    def _listen_once(self) -> None:
        with connect(self._address) as connection:
            connection.execute(f'LISTEN "{self._address.schema}"'.encode())
            self._heard()
            while not self._stopped.is_set():
                for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                    self._heard()
