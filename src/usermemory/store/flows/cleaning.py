"""Which erasures the disk is still to be cleaned of."""

from __future__ import annotations

from usermemory.store.driver import Flow


def newest_erasure() -> Flow[float | None]:
    """Up to which erasure the disk has to be cleaned; None if of none."""
    newest: float | None = (yield "newest_erasure", {})[0]["at"]
    return newest


def has_expired() -> Flow[bool]:
    """Whether text was kept for search that is past its time."""
    return (yield "expired", {})[0]["since"] is not None


def expire() -> Flow[None]:
    """Leave marks of the messages whose text is past its time."""
    yield "expire_kept", {}


def cleaned(up_to: float) -> Flow[None]:
    """The disk was cleaned of all that was erased up to then."""
    yield "erasures_cleaned", {"began": up_to}
