"""Keep a user's lease alive while the model thinks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from usermemory.clock import Clock
from usermemory.errors import StoreError
from usermemory.store import Driver
from usermemory.store.flows.claim import Claim, renew

logger = logging.getLogger("usermemory")

LEASE = 60.0
"""Seconds after which the work of a worker that has died is given to another."""


@contextmanager
def kept(driver: Driver, clock: Clock, claim: Claim, lease: float = LEASE) -> Generator[None]:
    """Renew the claim's lease three times as often as it would run out.

    A lease that cannot be renewed is no disaster: whoever claims the user next has a higher
    fencing token, and the commit of this claim is void.
    """
    done = threading.Event()

    def heartbeat() -> None:
        while not clock.wait(done, lease / 3):
            try:
                if not driver.write(renew, claim.user_id, claim.token, lease):
                    return
            except StoreError as error:
                logger.warning("lease of %s not renewed: %s", claim.user_id, error)

    thread = threading.Thread(target=heartbeat, name="usermemory-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
