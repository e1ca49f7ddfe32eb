"""Clean the disk of what was erased or is past its time, and keep in mind what is still to do."""

from __future__ import annotations

from usermemory.store.driver import Driver
from usermemory.store.flows.cleaning import cleaned, expire, has_expired, newest_erasure


def clean(driver: Driver) -> bool:
    """Clean up to the newest erasure; False if somebody is in the way, and it is to be tried again.

    Raises:
        StoreError: The database failed.
    """
    if driver.read(has_expired):
        driver.write(expire)
    newest = driver.read(newest_erasure)
    if newest is None:
        return True
    if not driver.clean():
        return False
    driver.write(cleaned, newest)
    return True
