"""The switch that makes any call of a real model an error: for tests.

It is the package's only global state, and global on purpose: workers are threads of their own.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from usermemory.errors import RealModelForbidden

if TYPE_CHECKING:
    from collections.abc import Generator

_lock = threading.Lock()
_holders = 0


@contextmanager
def real_model_calls() -> Generator[None]:
    """Forbid real models inside of the ``with`` block, in every thread of this process.

    Models that are marked by ``usermemory_scripted = True`` go on working. Blocks may overlap:
    calls are forbidden until the last one ends.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(step: int) -> None:
    global _holders  # noqa: PLW0603 (see the module's docstring)
    with _lock:
        _holders += step


def check(model: object) -> None:
    """Call this right before a model is invoked.

    Raises:
        RealModelForbidden: Real models are forbidden, and this one is not marked as scripted.
    """
    if _holders and getattr(model, "usermemory_scripted", False) is not True:
        raise RealModelForbidden(
            f"{type(model).__name__} was about to be called while usermemory.testing forbids real "
            "models: use a scripted model, or mark yours by usermemory_scripted = True"
        )
